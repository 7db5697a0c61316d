//! The offline lease: for a repository on a USB stick, until when its metadata counts as fresh.

use jiff::Timestamp as Time;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Role, time};

/// Until when the metadata that one `timestamp.json` names is judged as of a time before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// Always `lease`.
    #[serde(rename = "_type")]
    pub kind: String,
    /// The time as of which the metadata is judged.
    #[serde(with = "time")]
    pub as_of: Time,
    /// When the lease ends.
    #[serde(with = "time")]
    pub expires: Time,
    /// The `timestamp.json` it is for.
    pub timestamp: LeasedTimestamp,
}

/// The `timestamp.json` that a lease is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeasedTimestamp {
    /// Its version.
    pub version: u64,
    /// The digest of the file.
    pub sha256: String,
}

impl Lease {
    /// The lease of the `timestamp.json` whose content is `bytes`.
    #[must_use]
    pub fn new(as_of: Time, expires: Time, version: u64, bytes: &[u8]) -> Self {
        Lease {
            kind: Self::TYPE.into(),
            as_of: time::whole_seconds(as_of),
            expires: time::whole_seconds(expires),
            timestamp: LeasedTimestamp { version, sha256: hex::encode(Sha256::digest(bytes)) },
        }
    }
}

impl Role for Lease {
    const TYPE: &'static str = "lease";

    fn kind(&self) -> &str {
        &self.kind
    }
    fn version(&self) -> u64 {
        self.timestamp.version
    }
    fn expires(&self) -> Time {
        self.expires
    }
}
