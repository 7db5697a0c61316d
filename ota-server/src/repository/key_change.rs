//! Other keys: rotated while they are still good, or revoked when they are lost or stolen.

use super::init::apart;
use super::state::State;
use super::{Change, Repository, RepositoryError, Terms};
use crate::keys::{KeyId, PublicKey};
use crate::tuf::{Envelope, ROLLOUTS, ROLLOUTS_PATHS, Root, paths_of_model};

/// The task of a key, as people name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyRole {
    /// Signs `root`.
    Root,
    /// Signs `targets` and every `models-NAME`.
    Targets,
    /// Signs `rollouts`, `snapshot` and `timestamp`.
    Online,
}

/// Which keys change.
#[derive(Clone, Debug, Default)]
pub struct KeyChange {
    /// Keys that get a task.
    pub add: Vec<(KeyRole, PublicKey)>,
    /// Keys that lose theirs, by their id.
    pub remove: Vec<(KeyRole, KeyId)>,
    /// New thresholds.
    pub threshold: Vec<(KeyRole, u64)>,
    /// A removed key is in wrong hands: what it signed alone is not carried on.
    pub is_stolen: bool,
}

impl KeyRole {
    /// The name that `root` has for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            KeyRole::Root => "root",
            KeyRole::Targets => "targets",
            KeyRole::Online => "timestamp",
        }
    }

    fn assigned(self) -> &'static [&'static str] {
        match self {
            KeyRole::Root => &["root"],
            KeyRole::Targets => &["targets"],
            KeyRole::Online => &["snapshot", "timestamp"],
        }
    }
}

impl KeyChange {
    /// The keys of `role` after the change.
    fn apply(&self, role: KeyRole, root: &mut Root) -> Result<bool, RepositoryError> {
        let (was, old_threshold) = (root.keys_of(role.name()), root.role(role.name()).threshold);
        let mut keys = was.clone();
        for (_, id) in self.remove.iter().filter(|(of, _)| *of == role) {
            let there = keys.len();
            keys.retain(|key| key.id() != *id);
            if keys.len() == there {
                return Err(RepositoryError::Refused(format!("{}: has no key {id}", role.name())));
            }
        }
        for (_, key) in self.add.iter().filter(|(of, _)| *of == role) {
            if keys.contains(key) {
                return Err(RepositoryError::Refused(format!(
                    "{}: has the key {} already",
                    role.name(),
                    key.id()
                )));
            }
            keys.push(*key);
        }
        let threshold = self.threshold.iter().find(|(of, _)| *of == role).map_or(old_threshold, |(_, n)| *n);
        if keys.len() as u64 >= threshold && threshold > 0 {
            for name in role.assigned() {
                root.assign(name, &keys, threshold);
            }
            return Ok(keys != was || threshold != old_threshold);
        }
        Err(RepositoryError::Refused(format!(
            "{}: {} keys would be left of the {threshold} that must sign; give a new key in its place",
            role.name(),
            keys.len()
        )))
    }
}

impl Repository {
    /// Prepares the next root with other keys, and everything that must be signed again with it.
    ///
    /// With no change of keys it prepares the next root as it is, for another year.
    ///
    /// # Errors
    /// When a key is not there, or a threshold could never be met.
    pub fn propose_keys(&self, keys: &KeyChange, terms: &Terms) -> Result<Change, RepositoryError> {
        let state = self.state()?;
        let mut root = state.root.signed.clone();
        root.version += 1;
        root.expires = crate::tuf::time::whole_seconds(terms.end(terms.expiries.root));
        keys.apply(KeyRole::Root, &mut root)?;
        let targets_change = keys.apply(KeyRole::Targets, &mut root)?;
        let online_changes = keys.apply(KeyRole::Online, &mut root)?;
        apart(&root)?;
        let mut change = Change::under(Some(&state.root));
        if targets_change || online_changes {
            delegate_again(&mut change, &state, &root, targets_change, terms);
        }
        change.drop_rollouts = online_changes && keys.is_stolen;
        change.root = Some(Envelope::unsigned(root));
        Ok(change)
    }
}

/// New delegations to the keys of `root`, and the roles that they must sign.
fn delegate_again(change: &mut Change, state: &State, root: &Root, with_models: bool, terms: &Terms) {
    let end = terms.end(terms.expiries.targets);
    let mut targets = state.targets.signed.next(end);
    targets.delegate(ROLLOUTS, ROLLOUTS_PATHS, &root.keys_of("timestamp"), root.role("timestamp").threshold);
    if with_models {
        let (keys, threshold) = (root.keys_of("targets"), root.role("targets").threshold);
        for model in state.models() {
            let role = crate::tuf::role_of_model(&model);
            targets.delegate(&role, &paths_of_model(&model), &keys, threshold);
            if let Some(was) = state.roles.get(&role) {
                change.models.insert(role, Envelope::unsigned(was.signed.next(end)));
            }
        }
    }
    change.targets = Some(Envelope::unsigned(targets));
}
