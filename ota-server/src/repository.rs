//! The repository: a folder that any web server or USB stick can carry.
//!
//! ```text
//! DIR/metadata/   N.root.json, timestamp.json, N.snapshot.json, N.targets.json, N.models-NAME.json,
//!                 N.rollouts.json: all versions that ever were; lease.json
//! DIR/targets/    models/NAME/SHA256.NAME-VERSION-rRELEASE.tar, models/NAME/SHA256.NAME-rFROM-rTO.zst,
//!                 rollouts/GROUP/SHA256.NAME.json
//! ```
//!
//! Promise: nothing is put in place that is not signed to its threshold, and files are written so that
//! a reader at any moment, also after a power cut, sees one whole state: what is named before what
//! names it, each durably, `timestamp.json` last. One writer at a time holds a lock.

pub mod archive;
pub mod change;
mod commit;
pub mod downgrade;
pub mod error;
pub mod expiry;
pub mod export;
pub mod init;
pub mod key_change;
pub mod lease;
pub mod patch;
pub mod publish;
pub mod refresh;
pub mod release;
pub mod renew;
pub mod rollout;
pub mod state;
mod store;
pub mod verify;

use std::path::{Path, PathBuf};

pub use change::{Change, Missing};
pub use commit::Applied;
pub use error::RepositoryError;
pub use expiry::{Expiries, Terms};
pub use export::Exported;
pub use init::InitialKeys;
pub use key_change::KeyChange;
pub use publish::{PublishOptions, Published};
pub use refresh::Refreshed;
pub use release::{Release, ReleaseInfo};
pub use rollout::AddedRollout;
pub use state::State;
pub use verify::Report;

use crate::keys::Signer;

/// A repository on disk. It holds nothing in memory: each operation reads the state under the lock.
#[derive(Clone, Debug)]
pub struct Repository {
    folder: PathBuf,
}

impl Repository {
    /// The repository in `folder`, which may not be there yet.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Repository { folder: folder.to_owned() }
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it says now, checked to all thresholds; that something has expired is not an error here.
    ///
    /// # Errors
    /// Names the file that is missing, damaged or not signed to its threshold.
    pub fn state(&self) -> Result<State, RepositoryError> {
        State::load(&self.folder, None)
    }

    /// Puts a change in place that was signed to all its thresholds, with new `snapshot` and
    /// `timestamp` by the online key. After a crash in the middle it can be applied again.
    ///
    /// # Errors
    /// Names who has yet to sign, or what has changed meanwhile.
    pub fn apply(
        &self,
        change: &Change,
        signers: &[&dyn Signer],
        terms: &Terms,
    ) -> Result<Applied, RepositoryError> {
        let _lock = store::lock(&self.folder)?;
        commit::apply(&self.folder, change, Vec::new(), signers, terms)
    }

    /// Signs `change` with all of `signers` and puts it in place.
    fn sign_and_apply(
        &self,
        mut change: Change,
        files: Vec<store::Step>,
        signers: &[&dyn Signer],
        terms: &Terms,
    ) -> Result<Applied, RepositoryError> {
        for signer in signers {
            change.sign(*signer)?;
        }
        commit::apply(&self.folder, &change, files, signers, terms)
    }
}

#[cfg(test)]
mod tests;
