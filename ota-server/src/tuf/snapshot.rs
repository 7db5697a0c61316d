//! The roles `snapshot` and `timestamp`: that all of this is the latest.

use std::collections::BTreeMap;

use jiff::Timestamp as Time;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Role, SPEC_VERSION, strict, time};

/// Another file of metadata, pinned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetaFile {
    /// Its version.
    pub version: u64,
    /// Its length in bytes.
    pub length: u64,
    /// Its digest, under `sha256`.
    #[serde(deserialize_with = "strict::map")]
    pub hashes: BTreeMap<String, String>,
}

impl MetaFile {
    /// Pins the file whose content is `bytes`.
    #[must_use]
    pub fn of(version: u64, bytes: &[u8]) -> Self {
        let digest = hex::encode(Sha256::digest(bytes));
        MetaFile { version, length: bytes.len() as u64, hashes: BTreeMap::from([("sha256".into(), digest)]) }
    }

    /// Whether `bytes` are the file that is pinned.
    #[must_use]
    pub fn is(&self, bytes: &[u8]) -> bool {
        *self == MetaFile::of(self.version, bytes)
    }
}

macro_rules! pinning_role {
    ($name:ident, $type:literal, $says:literal) => {
        #[doc = $says]
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Its own name.
            #[serde(rename = "_type")]
            pub kind: String,
            /// Version of the specification.
            pub spec_version: String,
            /// Counts up.
            pub version: u64,
            /// When it expires.
            #[serde(with = "time")]
            pub expires: Time,
            /// What it pins, by file name without a version.
            #[serde(deserialize_with = "strict::map")]
            pub meta: BTreeMap<String, MetaFile>,
        }

        impl $name {
            /// The version that pins `meta`.
            #[must_use]
            pub fn new(version: u64, expires: Time, meta: BTreeMap<String, MetaFile>) -> Self {
                $name {
                    kind: $type.into(),
                    spec_version: SPEC_VERSION.into(),
                    version,
                    expires: time::whole_seconds(expires),
                    meta,
                }
            }
        }

        impl Role for $name {
            const TYPE: &'static str = $type;

            fn kind(&self) -> &str {
                &self.kind
            }
            fn version(&self) -> u64 {
                self.version
            }
            fn expires(&self) -> Time {
                self.expires
            }
        }
    };
}

pinning_role!(Snapshot, "snapshot", "Which versions of `targets` and its delegates belong together.");
pinning_role!(Timestamp, "timestamp", "Which snapshot is the latest.");

impl Timestamp {
    /// The snapshot that is the latest.
    #[must_use]
    pub fn snapshot(&self) -> Option<&MetaFile> {
        self.meta.get("snapshot.json")
    }
}
