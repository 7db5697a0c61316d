//! Verified metadata: which bytes may run on a device, and that nothing newer is being hidden.
//!
//! A [`Verifier`] goes through one refresh of a repository of The Update Framework 1.0: root chain,
//! timestamp, snapshot, targets, then the delegated roles a target needs. The core is
//! `sigstore-tuf`; everything it reads goes past a gate of ours first (strict JSON, sizes, names, one
//! key counted once), and everything it keeps goes to a [`Store`] whose errors stop the cycle.
//!
//! Promises:
//! * Nothing but ed25519 is ever verified, and by `verify_strict` ([`Ed25519Provider`]).
//! * What a repository sends costs a bounded amount of time and memory.
//! * The time is fixed when a cycle starts: what was fresh then stays so to its end.
//! * What was once trusted is a floor. Nothing older is accepted, also not in two steps, and a floor
//!   that cannot be written fails the cycle.
//! * No name with a path trick reaches a [`Source`] or a [`Store`].

mod error;
mod floor;
mod gate;
mod keys;
mod lease;
mod names;
mod provider;
mod source;
mod store;
pub mod strict_json;
mod target;
mod verifier;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use error::TrustError;
pub use names::clean_path;
pub use provider::{Ed25519Provider, install_provider};
pub use source::{FolderSource, Source, SourceError, read_limited};
pub use store::{MemoryStore, Store};
pub use target::Target;
pub use verifier::Verifier;

/// Most bytes of `root`: it holds keys, some 200 bytes each.
pub const ROOT_LIMIT: u64 = 512_000;
/// Most bytes of `timestamp`: it names one file.
pub const TIMESTAMP_LIMIT: u64 = 16_384;
/// Most bytes of `snapshot`: it names every role, some 150 bytes each.
pub const SNAPSHOT_LIMIT: u64 = 2_000_000;
/// Most bytes of `targets` and of a delegated role: some 300 bytes a target.
pub const TARGETS_LIMIT: u64 = 5_000_000;
/// Most bytes of `lease.json`: one statement and its signatures.
pub const LEASE_LIMIT: u64 = 16_384;
/// Most roots walked in one cycle: a device that slept for years has many to catch up with.
pub const MAX_ROOT_ROTATIONS: u32 = 256;
