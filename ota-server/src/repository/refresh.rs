//! Signs again what the online key says, before it expires.

use jiff::Timestamp;

use super::{Applied, Change, Repository, RepositoryError, Terms, commit, store};
use crate::keys::Signer;
use crate::tuf::Role;

/// Offline roles are reported when this much of their life is left: people need time to meet.
const WARN: jiff::SignedDuration = jiff::SignedDuration::from_hours(30 * 24);

/// What was signed again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refreshed {
    /// What is in place now.
    pub applied: Applied,
    /// Offline roles that people must sign again soon, or that have expired, with when.
    pub expiring: Vec<(String, Timestamp)>,
}

impl Repository {
    /// Signs `timestamp` again, and `snapshot` and `rollouts` where less than half of their life is
    /// left, by the online key among `signers`.
    ///
    /// # Errors
    /// When the repository is not sound, or the online key is not among `signers`.
    pub fn refresh(&self, signers: &[&dyn Signer], terms: &Terms) -> Result<Refreshed, RepositoryError> {
        let _lock = store::lock(&self.folder)?;
        let state = self.state()?;
        let change = Change::under(Some(&state.root));
        let plan = commit::plan(&self.folder, Some(&state), &change, None, Vec::new(), signers, terms)?;
        let applied = plan.run(&self.folder)?;
        let offline = state.roles.iter().filter(|(name, _)| name.starts_with("models-"));
        let mut expiring: Vec<(String, Timestamp)> = vec![
            ("root".into(), state.root.signed.expires()),
            ("targets".into(), state.targets.signed.expires()),
        ];
        expiring.extend(offline.map(|(name, role)| (name.clone(), role.signed.expires)));
        expiring.retain(|(_, expires)| expires.duration_since(terms.now) < WARN);
        Ok(Refreshed { applied, expiring })
    }
}
