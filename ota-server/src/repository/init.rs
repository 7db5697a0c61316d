//! A new repository.

use super::{Applied, Change, Repository, RepositoryError, Terms, state, store};
use crate::keys::{PublicKey, Signer};
use crate::tuf::{Envelope, ROLLOUTS, ROLLOUTS_PATHS, Root, Targets};

/// The keys that a new repository begins with.
#[derive(Clone, Debug)]
pub struct InitialKeys {
    /// The root keys.
    pub root: Vec<PublicKey>,
    /// How many of them must sign.
    pub root_threshold: u64,
    /// The targets keys.
    pub targets: Vec<PublicKey>,
    /// How many of them must sign.
    pub targets_threshold: u64,
    /// The online key.
    pub online: PublicKey,
}

impl InitialKeys {
    /// The first root and targets, to be signed by the root and targets keys.
    ///
    /// # Errors
    /// When a threshold can never be met, or one key is to have two tasks that must be apart.
    pub fn propose(&self, terms: &Terms) -> Result<Change, RepositoryError> {
        let mut root = Root::first(terms.end(terms.expiries.root));
        root.assign("root", &self.root, self.root_threshold);
        root.assign("targets", &self.targets, self.targets_threshold);
        root.assign("snapshot", &[self.online], 1);
        root.assign("timestamp", &[self.online], 1);
        for role in ["root", "targets"] {
            if !root.role(role).can_be_met() {
                let found = root.role(role);
                let (keys, threshold) = (found.keyids.len(), found.threshold);
                return Err(RepositoryError::Refused(format!(
                    "{role}: {threshold} of {keys} different keys can never sign; give more keys or lower the threshold"
                )));
            }
        }
        apart(&root)?;
        let mut targets = Targets::first(terms.end(terms.expiries.targets));
        targets.delegate(ROLLOUTS, ROLLOUTS_PATHS, &[self.online], 1);
        let mut change = Change::under(None);
        change.root = Some(Envelope::unsigned(root));
        change.targets = Some(Envelope::unsigned(targets));
        Ok(change)
    }
}

/// The online key is within reach of a server: it must not be one that decides what may run.
pub(super) fn apart(root: &Root) -> Result<(), RepositoryError> {
    let online = root.role("timestamp").keyids;
    for role in ["root", "targets"] {
        if let Some(id) = root.role(role).keyids.iter().find(|id| online.contains(id)) {
            return Err(RepositoryError::Refused(format!(
                "key {id} is to be online and to sign {role}: whoever takes the server over could run anything; \
                 use different keys"
            )));
        }
    }
    Ok(())
}

impl Repository {
    /// Makes the repository, signed by `signers`: enough root and targets keys, and the online key.
    ///
    /// # Errors
    /// When there is one already, or signatures are missing.
    pub fn init(
        &self,
        keys: &InitialKeys,
        signers: &[&dyn Signer],
        terms: &Terms,
    ) -> Result<Applied, RepositoryError> {
        let _lock = store::lock(&self.folder)?;
        if state::latest_root(&self.folder).is_ok() {
            return Err(RepositoryError::Exists { folder: self.folder.clone() });
        }
        self.sign_and_apply(keys.propose(terms)?, Vec::new(), signers, terms)
    }
}
