//! Why metadata or a target is not trusted.

use std::time::Duration;

use super::source::SourceError;

/// Why metadata or a target is not trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// Metadata has expired.
    #[error(
        "`{role}` expired at {expires}: the repository is not kept up, or an old copy of it is served; \
        nothing is installed until it is signed again"
    )]
    Stale {
        /// The role.
        role: String,
        /// When it expired.
        expires: jiff::Timestamp,
    },
    /// A target was asked for, and no refresh has succeeded before.
    #[error("no metadata is trusted yet: `refresh` must succeed before a target is asked for")]
    NotRefreshed,
    /// Older than what was trusted before.
    #[error("{0}: older than what was trusted before; an old copy of the repository is served")]
    Rollback(String),
    /// Too few valid signatures.
    #[error("{0}: not signed as it must be; nothing of it is used")]
    BadSignature(String),
    /// Not what the file that names it says.
    #[error("{0}: not what the signed metadata says; fetch it again")]
    Mismatch(String),
    /// Not in the form it must have.
    #[error("{name}: {problem}")]
    Malformed {
        /// The file, key or target.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// Longer than it may be.
    #[error("{name}: longer than {limit} bytes, the most that is read of it")]
    TooLarge {
        /// The file or target.
        name: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// The repository does not answer.
    #[error("{name}: {cause}")]
    Unreachable {
        /// The file or target.
        name: String,
        /// What the transport says.
        cause: SourceError,
    },
    /// The repository does not have it.
    #[error("{0}: the repository has no such file")]
    NotFound(String),
    /// What was trusted cannot be kept.
    #[error(
        "{name}: cannot be kept on this device: {cause}; nothing is installed, because an older \
        version could not be told apart afterwards: check the disk"
    )]
    Store {
        /// The file.
        name: String,
        /// What the store answered.
        cause: std::io::Error,
    },
}

impl TrustError {
    /// A stable word for it, in reports and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            TrustError::Stale { .. } | TrustError::NotRefreshed => "stale_metadata",
            TrustError::Rollback(_) => "rollback",
            TrustError::BadSignature(_) => "bad_signature",
            TrustError::Mismatch(_) => "mismatch",
            TrustError::Malformed { .. } => "malformed",
            TrustError::TooLarge { .. } => "too_large",
            TrustError::Unreachable { .. } => "unreachable",
            TrustError::NotFound(_) => "not_found",
            TrustError::Store { .. } => "store",
        }
    }

    /// How long the server asks to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            TrustError::Unreachable { cause, .. } => cause.retry_after,
            _ => None,
        }
    }

    pub(super) fn malformed(name: impl Into<String>, problem: impl Into<String>) -> Self {
        TrustError::Malformed { name: name.into(), problem: problem.into() }
    }

    /// What the transport answered when it was asked for `name`, of `limit` bytes at most.
    pub(super) fn source(name: &str, limit: u64, cause: SourceError) -> Self {
        if cause.too_large {
            TrustError::TooLarge { name: name.into(), limit }
        } else {
            TrustError::Unreachable { name: name.into(), cause }
        }
    }
}

impl From<sigstore_tuf::Error> for TrustError {
    fn from(error: sigstore_tuf::Error) -> Self {
        use sigstore_tuf::Error as Core;
        match error {
            Core::Expired { role, expires } => TrustError::Stale { role, expires },
            Core::NotRefreshed => TrustError::NotRefreshed,
            Core::Rollback { role, trusted, new } => {
                TrustError::Rollback(format!("{role}: version {new} after {trusted}"))
            }
            Core::BadRootVersion { trusted, new } if new <= trusted => {
                TrustError::Rollback(format!("root: version {new} after {trusted}"))
            }
            Core::BadRootVersion { trusted, new } => TrustError::Mismatch(format!(
                "root: version {new} where the one after {trusted} was asked for"
            )),
            Core::DuplicateSignature { role, key_id } => {
                TrustError::BadSignature(format!("{role}: key {key_id} signs twice"))
            }
            Core::ThresholdNotMet { role, found, threshold } => TrustError::BadSignature(format!(
                "{role}: {found} valid signatures where {threshold} are needed"
            )),
            Core::Crypto(cause) => TrustError::BadSignature(cause.to_string()),
            Core::IntegrityMismatch(what) => TrustError::Mismatch(what),
            Core::Json(cause) => TrustError::malformed("metadata", cause.to_string()),
            // Only the gate and the walk along roots end in a transport error; the gate's own notes
            // have been looked at before this.
            Core::Transport { message, .. } => {
                TrustError::Unreachable { name: "metadata".into(), cause: SourceError::unreachable(message) }
            }
            other => TrustError::malformed("metadata", other.to_string()),
        }
    }
}
