//! What a device knows about itself, as far as updates ask.

use std::collections::BTreeMap;

use crate::version::Version;

/// What a device knows about itself, as far as updates ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceFacts {
    /// Its identity, `site/gateway`.
    pub id: String,
    /// The agent's version.
    pub agent: Version,
    /// The processor as `std::env::consts::ARCH` writes it.
    pub arch: String,
    /// Memory that a model may use, in KiB; 0 when that is not known.
    pub memory_kib: u64,
    /// What the operator says about it.
    pub tags: BTreeMap<String, String>,
}
