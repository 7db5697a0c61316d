//! What signs for the server: the repository with the online key.

use std::fmt::Debug;

use jiff::Timestamp;
use lineside_bundle::{Rollout, Sha256Hex};

/// A release that was signed offline and may be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The bundle's target path.
    pub target: String,
    /// Its digest.
    pub sha256: Sha256Hex,
}

/// The repository did not do as asked.
#[derive(Debug, thiserror::Error)]
#[error("the repository: {0}")]
pub struct PublishError(pub String);

/// Signs with the online key. All of it blocks on the disk.
pub trait Publisher: Send + Sync + Debug {
    /// The id of the online key, for the audit log.
    fn key_id(&self) -> String;

    /// The bundle of a release, when one is signed.
    ///
    /// # Errors
    /// The repository cannot be read.
    fn release(&self, model: &str, release: u32) -> Result<Option<Chosen>, PublishError>;

    /// Signs a rollout document and publishes it. To publish the same one again does no harm.
    ///
    /// # Errors
    /// It was not; what was published before stands.
    fn publish(&self, rollout: &Rollout, now: Timestamp) -> Result<(), PublishError>;

    /// Signs anew what the online key signs when under half of its lifetime is left. Whether it did.
    ///
    /// # Errors
    /// It could not; what was published before stands until it expires.
    fn refresh(&self, now: Timestamp) -> Result<bool, PublishError>;
}
