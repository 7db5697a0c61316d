//! Why a fetch failed, by what the caller does about it.

use std::io;
use std::path::Path;
use std::time::Duration;

/// What a failure means for the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The network or the server is in trouble: try again, not before `after` if the server said so.
    Retry {
        /// The server's own wish, capped.
        after: Option<Duration>,
    },
    /// The transfer is slower than the least rate. Try again later; progress is kept.
    Slow,
    /// It is not there (404, 410). Asking again soon will not bring it back.
    Gone,
    /// The server will not have it (this status): the device, the address or the request is wrong.
    Refused(u16),
    /// More bytes than are allowed.
    TooLong,
    /// The bytes are not those that were signed.
    HashMismatch,
    /// No room on the disk; nothing is left behind.
    DiskFull,
    /// The disk fails in another way.
    Storage,
    /// The server cannot be trusted, or speaks no TLS.
    Tls,
    /// The settings are wrong: no attempt can succeed before they change.
    Setup,
    /// The caller asked to stop; progress is kept.
    Stopped,
}

/// A failed fetch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct FetchError {
    /// What the caller does about it.
    pub kind: Kind,
    /// What happened, with the address or file and what to do.
    pub detail: String,
}

impl Kind {
    /// The word for reports and metrics.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Kind::Retry { .. } => "unavailable",
            Kind::Slow => "too_slow",
            Kind::Gone => "gone",
            Kind::Refused(_) => "refused",
            Kind::TooLong => "too_long",
            Kind::HashMismatch => "hash_mismatch",
            Kind::DiskFull => "disk_full",
            Kind::Storage => "storage",
            Kind::Tls => "tls",
            Kind::Setup => "configuration",
            Kind::Stopped => "stopped",
        }
    }

    /// How long the server asked to be left alone, if it did.
    #[must_use]
    pub fn retry_after(self) -> Option<Duration> {
        match self {
            Kind::Retry { after } => after,
            _ => None,
        }
    }
}

impl FetchError {
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        FetchError { kind, detail: detail.into() }
    }

    pub(super) fn retry(detail: impl Into<String>) -> Self {
        FetchError::new(Kind::Retry { after: None }, detail)
    }

    /// A failure of the disk at `path` while it was to `act`.
    pub(super) fn storage(path: &Path, act: &str, error: &io::Error) -> Self {
        let path = path.display();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FetchError::new(
                Kind::DiskFull,
                format!("{path}: no room ({error}); free space on this file system"),
            ),
            _ => FetchError::new(
                Kind::Storage,
                format!("{path}: cannot {act} ({error}); check the disk and the agent's rights to it"),
            ),
        }
    }
}
