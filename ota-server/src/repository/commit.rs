//! Puts a change in place: checks every threshold, then writes one file after another.

use std::collections::BTreeMap;
use std::path::Path;

use super::change::Change;
use super::state::{self, State, root_name, signed};
use super::store::{self, Step};
use super::{RepositoryError, Terms};
use crate::keys::{KeyId, Signer};
use crate::tuf::root::Keys;
use crate::tuf::{
    Envelope, MetaFile, ROLLOUTS, Role, RoleKeys, Root, Snapshot, TargetFile, Targets, Timestamp,
};

/// Versions beyond this were never counted up to: they are of someone who wants to end the counting.
const PLAUSIBLE: u64 = 1 << 32;

/// What is in place now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The version of root.
    pub root: u64,
    /// The version of snapshot.
    pub snapshot: u64,
    /// The version of timestamp.
    pub timestamp: u64,
}

/// What the online key is to say: nothing new, or these rollouts.
pub(super) type NewRollouts = Option<BTreeMap<String, TargetFile>>;

/// The files to write, in their order, and what is in place afterwards.
#[derive(Debug)]
pub(super) struct Plan {
    pub steps: Vec<Step>,
    pub applied: Applied,
}

impl Plan {
    pub(super) fn run(&self, folder: &Path) -> Result<Applied, RepositoryError> {
        for step in self.steps.iter().filter(|step| !step.is_done(folder)) {
            step.run(folder)?;
        }
        Ok(self.applied)
    }
}

pub(super) fn apply(
    folder: &Path,
    change: &Change,
    files: Vec<Step>,
    signers: &[&dyn Signer],
    terms: &Terms,
) -> Result<Applied, RepositoryError> {
    if change.lease.is_some() {
        // A new timestamp would end the lease that was signed for the one in place.
        return Err(RepositoryError::Refused("a lease is put in place by itself: use `put_lease`".into()));
    }
    let Some(before) = before(folder, change)? else {
        let state = State::load(folder, None)?;
        return Ok(in_place(&state));
    };
    plan(folder, before.as_ref(), change, None, files, signers, terms)?.run(folder)
}

pub(super) fn in_place(state: &State) -> Applied {
    let State { root, snapshot, timestamp, .. } = state;
    Applied {
        root: root.signed.version,
        snapshot: snapshot.signed.version,
        timestamp: timestamp.signed.version,
    }
}

/// The state to change: none when the repository is yet to be made. `None` when the change is in
/// place whole already.
fn before(folder: &Path, change: &Change) -> Result<Option<Option<State>>, RepositoryError> {
    let Some(root) = &change.root else { return State::load(folder, None).map(|state| Some(Some(state))) };
    let version = root.signed.version;
    let is_written = Step::metadata(&root_name(version), root.to_bytes()?).is_done(folder);
    let latest = state::latest_root(folder).ok();
    match (&change.trusted_root, latest) {
        (_, Some(latest)) if latest == version && is_written && State::load(folder, None).is_ok() => Ok(None),
        (None, None) => Ok(Some(None)),
        // After a crash the new root may lie there while everything else still stands under the old.
        (None, Some(1)) if is_written => Ok(Some(None)),
        (None, Some(_)) => Err(RepositoryError::Exists { folder: folder.to_owned() }),
        (Some(_), Some(latest)) if latest == version && is_written => {
            State::load(folder, version.checked_sub(1)).map(|state| Some(Some(state)))
        }
        (Some(_), _) => State::load(folder, None).map(|state| Some(Some(state))),
    }
}

/// Checks everything and says what to write.
pub(super) fn plan(
    folder: &Path,
    before: Option<&State>,
    change: &Change,
    rollouts: NewRollouts,
    files: Vec<Step>,
    signers: &[&dyn Signer],
    terms: &Terms,
) -> Result<Plan, RepositoryError> {
    let missing = change.missing()?;
    if !missing.is_empty() {
        return Err(RepositoryError::Missing(missing));
    }
    if let Some(state) = before
        && change.trusted_root.as_ref().is_none_or(|root| root.signed != state.root.signed)
    {
        let found = change.trusted_root.as_ref().map_or(0, |root| root.signed.version);
        return Err(overtaken("root", found, state.root.signed.version));
    }
    let (Some(root), Some(targets)) = (
        change.root.as_ref().or(before.map(|state| &state.root)),
        change.targets.as_ref().or(before.map(|state| &state.targets)),
    ) else {
        return Err(RepositoryError::Refused("a first change needs root and targets".into()));
    };
    next_version("root", change.root.as_ref(), before.map(|state| &state.root))?;
    next_version("targets", change.targets.as_ref(), before.map(|state| &state.targets))?;
    let metadata = |name: &str| folder.join(store::METADATA).join(name);
    signed(&metadata("targets.json"), targets, &root.signed.keys, &root.signed.role("targets"))?;

    let online = Online { before, root: &root.signed, signers, terms };
    let mut steps = files;
    let mut roles = BTreeMap::new();
    for delegated in targets.signed.delegated() {
        let name = delegated.name.as_str();
        let was = before.and_then(|state| state.roles.get(name));
        next_version(name, change.models.get(name), was)?;
        let by = (targets.signed.delegation_keys(), delegated.role_keys());
        let role = match change.models.get(name) {
            _ if name == ROLLOUTS => online.rollouts(was, rollouts.as_ref(), change.drop_rollouts, &by)?,
            Some(new) => new.clone(),
            None => was.cloned().ok_or_else(|| {
                RepositoryError::Refused(format!("targets delegates to {name}, but there is no such role"))
            })?,
        };
        signed(&metadata(&format!("{name}.json")), &role, &by.0, &by.1)?;
        if was != Some(&role) {
            all_there(folder, &role.signed, was.map(|was| &was.signed), &steps)?;
        }
        roles.insert(name.to_owned(), role);
    }
    if let Some(stray) = change.models.keys().find(|name| !roles.contains_key(*name)) {
        return Err(RepositoryError::Refused(format!("targets does not delegate to {stray}")));
    }

    let mut meta = BTreeMap::new();
    for (name, role) in roles.iter().map(|(name, role)| (name.as_str(), role)).chain([("targets", targets)]) {
        let (version, bytes) = (role.signed.version, role.to_bytes()?);
        meta.insert(format!("{name}.json"), MetaFile::of(version, &bytes));
        steps.push(Step::metadata(&format!("{version}.{name}.json"), bytes));
    }
    let snapshot = online.snapshot(folder, meta)?;
    let version = snapshot.signed.version;
    let bytes = snapshot.to_bytes()?;
    let timestamp = online.timestamp(MetaFile::of(version, &bytes))?;
    steps.push(Step::metadata(&format!("{version}.snapshot.json"), bytes));

    let root_step = match &change.root {
        Some(root) => vec![Step::metadata(&root_name(root.signed.version), root.to_bytes()?)],
        None => vec![],
    };
    let timestamp_step = Step::metadata("timestamp.json", timestamp.to_bytes()?);
    // Signed by old and new keys, everything is good under either root, and the root comes last:
    // no reader ever sees a gap. Otherwise it comes right before the timestamp. A repository without a
    // root is none yet, and can be made again after a crash.
    if before.is_none() || online.old_keys_suffice(targets, &snapshot, &timestamp)? {
        steps.push(timestamp_step);
        steps.extend(root_step);
    } else {
        steps.extend(root_step);
        steps.push(timestamp_step);
    }
    let applied =
        Applied { root: root.signed.version, snapshot: version, timestamp: timestamp.signed.version };
    Ok(Plan { steps, applied })
}

fn overtaken(what: &str, found: u64, expected: u64) -> RepositoryError {
    RepositoryError::Overtaken { what: what.into(), found, expected }
}

/// A new version follows the one in place; the very same one may be put in place again.
fn next_version<T: Role>(
    what: &str,
    new: Option<&Envelope<T>>,
    was: Option<&Envelope<T>>,
) -> Result<(), RepositoryError> {
    let expected = was.map_or(1, |was| was.signed.version() + 1);
    match new {
        Some(new) if new.signed.version() != expected && was.is_none_or(|was| was.signed != new.signed) => {
            Err(overtaken(what, new.signed.version(), expected))
        }
        _ => Ok(()),
    }
}

/// Every file that the role names anew must be among `steps` or lie there already.
fn all_there(
    folder: &Path,
    role: &Targets,
    was: Option<&Targets>,
    steps: &[Step],
) -> Result<(), RepositoryError> {
    for (path, file) in &role.targets {
        if was.is_some_and(|was| was.targets.get(path).is_some_and(|old| old.hashes == file.hashes)) {
            continue;
        }
        let place = store::target_path(path, file.sha256());
        if steps.iter().any(|step| step.path == place && file.is(&step.bytes)) {
            continue;
        }
        if !file.is(&store::read(&folder.join(&place))?) {
            let problem = "is not the file that was signed; copy it here again".to_owned();
            return Err(RepositoryError::Untrusted { file: folder.join(place), problem });
        }
    }
    Ok(())
}

/// What the online key signs.
struct Online<'a> {
    before: Option<&'a State>,
    root: &'a Root,
    signers: &'a [&'a dyn Signer],
    terms: &'a Terms,
}

impl Online<'_> {
    /// Signs with every signer that the role has under the new root, or had under the old.
    fn sign<T: Role>(
        &self,
        what: &str,
        signed: T,
        by: &(Keys, RoleKeys),
        formerly: &[KeyId],
    ) -> Result<Envelope<T>, RepositoryError> {
        let mut envelope = Envelope::unsigned(signed);
        for signer in self.signers {
            let id = signer.public().id();
            if by.1.keyids.contains(&id) || formerly.contains(&id) {
                envelope.sign(*signer)?;
            }
        }
        if envelope.meets(&by.0, &by.1)? {
            return Ok(envelope);
        }
        let ids: Vec<&str> = by.1.keyids.iter().map(KeyId::as_str).collect();
        Err(RepositoryError::Refused(format!(
            "{what} needs {} signatures of the online key; give it with --online or --keys (key id {})",
            by.1.threshold,
            ids.join(", ")
        )))
    }

    fn top(&self, role: &str) -> ((Keys, RoleKeys), Vec<KeyId>) {
        let formerly = self.before.map(|state| state.root.signed.role(role).keyids).unwrap_or_default();
        ((self.root.keys.clone(), self.root.role(role)), formerly)
    }

    fn rollouts(
        &self,
        was: Option<&Envelope<Targets>>,
        new: Option<&BTreeMap<String, TargetFile>>,
        drop: bool,
        by: &(Keys, RoleKeys),
    ) -> Result<Envelope<Targets>, RepositoryError> {
        let expires = self.terms.end(self.terms.expiries.rollouts);
        if let Some(was) = was
            && new.is_none()
            && !drop
            && was.meets(&by.0, &by.1)?
            && !self.terms.is_due(was.signed.expires, self.terms.expiries.rollouts)
        {
            return Ok(was.clone());
        }
        let mut signed = Targets::first(expires);
        if let Some(was) = was {
            signed.version = self.next("rollouts", was.signed.version, || 0)?;
            signed.targets = if drop { BTreeMap::new() } else { was.signed.targets.clone() };
        }
        if let Some(new) = new {
            signed.targets.clone_from(new);
        }
        let formerly = self.before.and_then(|state| {
            let old = state.targets.signed.delegated().iter().find(|role| role.name == ROLLOUTS)?;
            Some(old.keyids.clone())
        });
        self.sign(ROLLOUTS, signed, by, &formerly.unwrap_or_default())
    }

    fn snapshot(
        &self,
        folder: &Path,
        meta: BTreeMap<String, MetaFile>,
    ) -> Result<Envelope<Snapshot>, RepositoryError> {
        let expires = self.terms.end(self.terms.expiries.snapshot);
        if let Some(State { snapshot, .. }) = self.before
            && snapshot.signed.meta == meta
            && !self.terms.is_due(snapshot.signed.expires, self.terms.expiries.snapshot)
            && snapshot.meets(&self.root.keys, &self.root.role("snapshot"))?
        {
            return Ok(snapshot.clone());
        }
        let version = match self.before {
            None => 1,
            Some(state) => self.next("snapshot", state.snapshot.signed.version, || {
                // File names that were served once are never used for something else.
                state::versions(folder, "snapshot").filter(|version| *version < PLAUSIBLE).max().unwrap_or(0)
            })?,
        };
        let (by, formerly) = self.top("snapshot");
        self.sign("snapshot", Snapshot::new(version, expires, meta), &by, &formerly)
    }

    fn timestamp(&self, snapshot: MetaFile) -> Result<Envelope<Timestamp>, RepositoryError> {
        let version = match self.before {
            None => 1,
            Some(state) => self.next("timestamp", state.timestamp.signed.version, || 0)?,
        };
        let meta = BTreeMap::from([("snapshot.json".to_owned(), snapshot)]);
        let (by, formerly) = self.top("timestamp");
        let expires = self.terms.end(self.terms.expiries.timestamp);
        self.sign("timestamp", Timestamp::new(version, expires, meta), &by, &formerly)
    }

    /// The version after `version`. Where someone drove it up to the end, counting starts again after
    /// `restart`, which devices accept only along with a new online key.
    fn next(&self, what: &str, version: u64, restart: impl Fn() -> u64) -> Result<u64, RepositoryError> {
        if version < PLAUSIBLE {
            return Ok(version + 1);
        }
        let is_rekeyed = self.before.is_some_and(|state| {
            let old = state.root.signed.role("timestamp").keyids;
            !old.iter().any(|id| self.root.role("timestamp").keyids.contains(id))
        });
        if is_rekeyed {
            return Ok(restart() + 1);
        }
        Err(RepositoryError::Refused(format!(
            "{what} has version {version}, which was never counted up to: someone else has signed with the \
             online key; revoke it with `lineside-ota key revoke --role online`"
        )))
    }

    /// Whether all that changes hands is also signed to the thresholds of the root before.
    fn old_keys_suffice(
        &self,
        targets: &Envelope<Targets>,
        snapshot: &Envelope<Snapshot>,
        timestamp: &Envelope<Timestamp>,
    ) -> Result<bool, RepositoryError> {
        let Some(State { root, .. }) = self.before else { return Ok(false) };
        let (keys, role) = (&root.signed.keys, |role: &str| root.signed.role(role));
        Ok(targets.meets(keys, &role("targets"))?
            && snapshot.meets(keys, &role("snapshot"))?
            && timestamp.meets(keys, &role("timestamp"))?)
    }
}
