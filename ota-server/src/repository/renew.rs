//! Signs `targets` and the models' roles for another year, when nothing was published for long.

use super::{Applied, Change, Repository, RepositoryError, Terms, store};
use crate::keys::Signer;
use crate::tuf::Envelope;

impl Repository {
    /// Signs `targets` and every `models-NAME` again as they are, by `signers`: enough targets keys, and
    /// the online key. The next root comes from [`Repository::propose_keys`].
    ///
    /// # Errors
    /// When the repository is not sound, or signatures are missing.
    pub fn renew(&self, signers: &[&dyn Signer], terms: &Terms) -> Result<Applied, RepositoryError> {
        let _lock = store::lock(&self.folder)?;
        let change = self.propose_renewal(terms)?;
        self.sign_and_apply(change, Vec::new(), signers, terms)
    }

    /// The same, for others to sign.
    ///
    /// # Errors
    /// When the repository is not sound.
    pub fn propose_renewal(&self, terms: &Terms) -> Result<Change, RepositoryError> {
        let state = self.state()?;
        let end = terms.end(terms.expiries.targets);
        let mut change = Change::under(Some(&state.root));
        change.targets = Some(Envelope::unsigned(state.targets.signed.next(end)));
        let models = state.roles.iter().filter(|(name, _)| name.starts_with("models-"));
        change.models =
            models.map(|(name, role)| (name.clone(), Envelope::unsigned(role.signed.next(end)))).collect();
        Ok(change)
    }
}
