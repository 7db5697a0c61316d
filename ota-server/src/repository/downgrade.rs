//! Lets a release replace higher ones: the one exception from counting up, signed offline.

use super::publish::custom;
use super::{Applied, Change, Release, Repository, RepositoryError, Terms, store};
use crate::keys::Signer;
use crate::tuf::{Envelope, role_of_model};

impl Repository {
    /// Lets `release` of `model` replace any release up to `from`, signed by `signers`: enough targets
    /// keys, and the online key.
    ///
    /// # Errors
    /// When there is no such release, or signatures are missing.
    pub fn permit_downgrade(
        &self,
        model: &str,
        release: u32,
        from: u32,
        signers: &[&dyn Signer],
        terms: &Terms,
    ) -> Result<Applied, RepositoryError> {
        let _lock = store::lock(&self.folder)?;
        let change = self.propose_downgrade(model, release, from, terms)?;
        self.sign_and_apply(change, Vec::new(), signers, terms)
    }

    /// The same, for others to sign.
    ///
    /// # Errors
    /// When there is no such release.
    pub fn propose_downgrade(
        &self,
        model: &str,
        release: u32,
        from: u32,
        terms: &Terms,
    ) -> Result<Change, RepositoryError> {
        let state = self.state()?;
        let name = role_of_model(model);
        let releases = state.releases(model);
        let (Some(role), Some(Release { target, info, .. })) =
            (state.roles.get(&name), releases.iter().find(|published| published.info.release == release))
        else {
            let there: Vec<String> =
                releases.iter().map(|published| published.info.release.to_string()).collect();
            return Err(RepositoryError::Refused(format!(
                "release {release} of `{model}` is not published; there are: {}",
                there.join(", ")
            )));
        };
        if from <= release {
            return Err(RepositoryError::Refused(format!(
                "release {release} needs no permit to replace release {from}: name a higher one with --from"
            )));
        }
        let mut next = role.signed.next(terms.end(terms.expiries.targets));
        let info = super::ReleaseInfo { permits_downgrade_from: from, ..info.clone() };
        if let Some(file) = next.targets.get_mut(target) {
            file.custom = Some(custom(&info)?);
        }
        let mut change = Change::under(Some(&state.root));
        change.models.insert(name, Envelope::unsigned(next));
        Ok(change)
    }
}
