//! A copy of what counts now, for a USB stick or another server.

use std::path::Path;

use super::lease::LEASE;
use super::state::root_name;
use super::store::{self, Step};
use super::{Repository, RepositoryError};
use crate::tuf::{Envelope, Lease};

/// What was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// How many files.
    pub files: usize,
    /// How many bytes.
    pub bytes: u64,
    /// Whether a lease for them was among them.
    pub leased: bool,
}

impl Repository {
    /// Copies all roots and what the latest metadata names to `to`, in the order in which a repository
    /// is written: an earlier export there is brought up to date and never in between.
    ///
    /// # Errors
    /// When the repository is not sound, or a file cannot be written.
    pub fn export(&self, to: &Path) -> Result<Exported, RepositoryError> {
        let _lock = store::lock(&self.folder)?;
        let state = self.state()?;
        let metadata = self.folder.join(store::METADATA);
        let mut steps = Vec::new();
        for (path, file) in state.files() {
            let place = store::target_path(&path, file.sha256());
            let bytes = store::read(&self.folder.join(&place))?;
            if !file.is(&bytes) {
                let problem = "is not the file that was signed; copy it here again".to_owned();
                return Err(RepositoryError::Untrusted { file: self.folder.join(place), problem });
            }
            steps.push(Step { path: place, bytes });
        }
        let mut names: Vec<String> =
            state.snapshot.signed.meta.iter().map(|(name, pin)| format!("{}.{name}", pin.version)).collect();
        names.push(format!("{}.snapshot.json", state.snapshot.signed.version));
        names.extend((1..=state.root.signed.version).map(root_name));
        names.push("timestamp.json".into());
        let lease = metadata.join(LEASE);
        let mut leased = false;
        if lease.exists() {
            let read: Envelope<Lease> = Envelope::parse(&store::read(&lease)?)?;
            leased = self.is_leased(&read.signed)?;
        }
        names.extend(leased.then(|| LEASE.to_owned()));
        for name in names {
            steps.push(Step::metadata(&name, store::read(&metadata.join(&name))?));
        }
        let written = steps.iter().filter(|step| !step.is_done(to));
        written.into_iter().try_for_each(|step| step.run(to))?;
        let bytes = steps.iter().map(|step| step.bytes.len() as u64).sum();
        Ok(Exported { files: steps.len(), bytes, leased })
    }
}
