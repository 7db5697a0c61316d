//! What the repository says now.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::release::Release;
use super::{RepositoryError, store};
use crate::tuf::root::Keys;
use crate::tuf::{
    Envelope, MetaFile, ROLLOUTS, Role, RoleKeys, Root, Snapshot, TargetFile, Targets, Timestamp,
};

/// What the repository says now: one consistent set of metadata, signed to its thresholds.
#[derive(Clone, Debug)]
pub struct State {
    /// The latest root.
    pub root: Envelope<Root>,
    /// The latest timestamp.
    pub timestamp: Envelope<Timestamp>,
    /// The snapshot it pins.
    pub snapshot: Envelope<Snapshot>,
    /// The targets that the snapshot pins.
    pub targets: Envelope<Targets>,
    /// The delegated roles by name, `rollouts` among them.
    pub roles: BTreeMap<String, Envelope<Targets>>,
}

impl State {
    /// Reads the repository in `folder`, under its latest root or that of version `root`.
    pub(super) fn load(folder: &Path, root: Option<u64>) -> Result<Self, RepositoryError> {
        let metadata = folder.join(store::METADATA);
        let version = match root {
            Some(version) => version,
            None => latest_root(folder)?,
        };
        let root: Envelope<Root> = parse(&metadata.join(root_name(version)))?.0;
        signed(&metadata.join(root_name(version)), &root, &root.signed.keys, &root.signed.role("root"))?;

        let top = |name: &str| (root.signed.keys.clone(), root.signed.role(name));
        let (timestamp, _) = trusted::<Timestamp>(&metadata.join("timestamp.json"), None, top("timestamp"))?;
        let pin = timestamp.signed.snapshot().cloned().unwrap_or_else(|| MetaFile::of(0, &[]));
        let file = metadata.join(format!("{}.snapshot.json", pin.version));
        let (snapshot, _) = trusted::<Snapshot>(&file, Some(&pin), top("snapshot"))?;
        let pinned = |role: &str| {
            let name = format!("{role}.json");
            let pin = snapshot.signed.meta.get(&name).ok_or_else(|| RepositoryError::Untrusted {
                file: file.clone(),
                problem: format!("does not pin {name}; take the metadata from your copy of the repository"),
            })?;
            Ok::<_, RepositoryError>((pin, metadata.join(format!("{}.{name}", pin.version))))
        };
        let (pin, file_of_targets) = pinned("targets")?;
        let (targets, _) = trusted::<Targets>(&file_of_targets, Some(pin), top("targets"))?;
        let mut roles = BTreeMap::new();
        for delegated in targets.signed.delegated() {
            let (pin, file) = pinned(&delegated.name)?;
            let by = (targets.signed.delegation_keys(), delegated.role_keys());
            roles.insert(delegated.name.clone(), trusted::<Targets>(&file, Some(pin), by)?.0);
        }
        Ok(State { root, timestamp, snapshot, targets, roles })
    }

    /// The releases of `model`, oldest first.
    #[must_use]
    pub fn releases(&self, model: &str) -> Vec<Release> {
        let role = self.roles.get(&crate::tuf::role_of_model(model));
        role.map(|role| Release::all(&role.signed)).unwrap_or_default()
    }

    /// The names of the models that there are.
    #[must_use]
    pub fn models(&self) -> Vec<String> {
        self.roles.keys().filter_map(|role| Some(role.strip_prefix("models-")?.to_owned())).collect()
    }

    /// The rollout documents, by their target's path.
    #[must_use]
    pub fn rollouts(&self) -> BTreeMap<String, TargetFile> {
        self.roles.get(ROLLOUTS).map(|role| role.signed.targets.clone()).unwrap_or_default()
    }

    /// Every target file that is named, by its path.
    #[must_use]
    pub fn files(&self) -> BTreeMap<String, TargetFile> {
        self.roles.values().flat_map(|role| role.signed.targets.clone()).collect()
    }
}

/// The version of the latest root.
pub(super) fn latest_root(folder: &Path) -> Result<u64, RepositoryError> {
    let none = || RepositoryError::NoRepository { folder: folder.to_owned() };
    versions(folder, "root").max().ok_or_else(none)
}

/// The versions of a role that lie there, in no order.
pub(super) fn versions(folder: &Path, role: &str) -> impl Iterator<Item = u64> {
    let ending = format!(".{role}.json");
    fs::read_dir(folder.join(store::METADATA))
        .into_iter()
        .flatten()
        .filter_map(move |entry| entry.ok()?.file_name().to_str()?.strip_suffix(&ending)?.parse().ok())
}

pub(super) fn root_name(version: u64) -> String {
    format!("{version}.root.json")
}

fn parse<T: Role>(file: &Path) -> Result<(Envelope<T>, Vec<u8>), RepositoryError> {
    let bytes = store::read(file)?;
    let envelope = Envelope::parse(&bytes)
        .map_err(|cause| RepositoryError::Metadata { file: file.to_owned(), cause })?;
    Ok((envelope, bytes))
}

/// Reads a file that must be the one pinned and signed to the threshold.
pub(super) fn trusted<T: Role>(
    file: &Path,
    pin: Option<&MetaFile>,
    by: (Keys, RoleKeys),
) -> Result<(Envelope<T>, PathBuf), RepositoryError> {
    let (envelope, bytes) = parse::<T>(file)?;
    if let Some(pin) = pin
        && (!pin.is(&bytes) || envelope.signed.version() != pin.version)
    {
        let problem = "is not the file that is pinned; take it from your copy of the repository".to_owned();
        return Err(RepositoryError::Untrusted { file: file.to_owned(), problem });
    }
    signed(file, &envelope, &by.0, &by.1)?;
    Ok((envelope, file.to_owned()))
}

pub(super) fn signed<T: Role>(
    file: &Path,
    envelope: &Envelope<T>,
    keys: &Keys,
    role: &RoleKeys,
) -> Result<(), RepositoryError> {
    if envelope.meets(keys, role)? {
        return Ok(());
    }
    let (have, need) = (envelope.valid(keys, role)?.len(), role.threshold);
    let problem = format!("{have} of {need} signatures are valid; take it from your copy of the repository");
    Err(RepositoryError::Untrusted { file: file.to_owned(), problem })
}
