//! `[requires]`: what a device must have before it takes a bundle.

use serde::{Deserialize, Serialize};

use crate::error::BundleError;
use crate::manifest::MANIFEST;
use crate::version::Version;

/// The first agent that reads bundles: what a manifest needs that says nothing.
const FIRST_AGENT: Version = Version(0, 1, 0);
/// Longer than any name that a compiler has for a processor.
const MAX_ARCH: usize = 32;

/// What a device must have before it takes a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Requires {
    /// The earliest agent that can run it.
    pub agent: Version,
    /// Processors as Rust names them, such as `aarch64` and `x86_64`; empty is any.
    pub arch: Vec<String>,
    /// Memory that the device must have free, in KiB; 0 is "not stated".
    pub memory_kib: u64,
}

impl Default for Requires {
    fn default() -> Self {
        Requires { agent: FIRST_AGENT, arch: Vec::new(), memory_kib: 0 }
    }
}

impl Requires {
    pub(super) fn check(&self) -> Result<(), BundleError> {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        for (at, arch) in self.arch.iter().enumerate() {
            let key = format!("requires.arch[{at}]");
            if arch.is_empty() || arch.len() > MAX_ARCH || !arch.bytes().all(fits) {
                let problem = format!("`{arch}` must be a processor such as `aarch64` or `x86_64`");
                return Err(BundleError::invalid(MANIFEST, key, problem));
            }
            if self.arch[..at].contains(arch) {
                return Err(BundleError::invalid(MANIFEST, key, format!("`{arch}` is named twice")));
            }
        }
        Ok(())
    }
}
