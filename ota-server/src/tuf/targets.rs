//! The role `targets` and those it delegates to: which files there are.

use std::collections::BTreeMap;

use jiff::Timestamp as Time;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::root::{Keys, RoleKeys};
use super::{Role, SPEC_VERSION, TufKey, strict, time};
use crate::keys::PublicKey;

/// Which files there are, and who else may say so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Targets {
    /// Always `targets`, for delegated roles too.
    #[serde(rename = "_type")]
    pub kind: String,
    /// Version of the specification.
    pub spec_version: String,
    /// Counts up.
    pub version: u64,
    /// When it expires.
    #[serde(with = "time")]
    pub expires: Time,
    /// The files, by their path.
    #[serde(deserialize_with = "strict::map")]
    pub targets: BTreeMap<String, TargetFile>,
    /// Who else may say which files there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegations: Option<Delegations>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetFile {
    /// Its length in bytes.
    pub length: u64,
    /// Its digest, under `sha256`.
    #[serde(deserialize_with = "strict::map")]
    pub hashes: BTreeMap<String, String>,
    /// What a device must know before it downloads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<serde_json::Value>,
}

/// Who else may say which files there are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delegations {
    /// Their keys.
    #[serde(deserialize_with = "strict::map")]
    pub keys: Keys,
    /// The roles, in the order in which they are asked.
    pub roles: Vec<DelegatedRole>,
}

/// A role that `targets` delegates to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DelegatedRole {
    /// Its name.
    pub name: String,
    /// Who may sign for it.
    pub keyids: Vec<crate::keys::KeyId>,
    /// How many of them must.
    pub threshold: u64,
    /// What it may name.
    pub paths: Vec<String>,
    /// Nobody else is asked about these paths.
    pub terminating: bool,
}

impl Targets {
    /// The first version, with nothing in it.
    #[must_use]
    pub fn first(expires: Time) -> Self {
        Targets {
            kind: Self::TYPE.into(),
            spec_version: SPEC_VERSION.into(),
            version: 1,
            expires: time::whole_seconds(expires),
            targets: BTreeMap::new(),
            delegations: None,
        }
    }

    /// The version after this one.
    #[must_use]
    pub fn next(&self, expires: Time) -> Self {
        Targets { version: self.version + 1, expires: time::whole_seconds(expires), ..self.clone() }
    }

    /// Delegates `paths` to the role `name`, to be signed by any `threshold` of `keys`, in place of
    /// what was delegated to that name before.
    pub fn delegate(&mut self, name: &str, paths: &str, keys: &[PublicKey], threshold: u64) {
        let delegations = self.delegations.get_or_insert_default();
        delegations.keys.extend(keys.iter().map(|key| (key.id(), TufKey::of(key))));
        let RoleKeys { keyids, threshold } = RoleKeys::of(keys, threshold);
        let role = DelegatedRole {
            name: name.into(),
            keyids,
            threshold,
            paths: vec![paths.into()],
            terminating: true,
        };
        match delegations.roles.iter_mut().find(|role| role.name == name) {
            Some(old) => *old = role,
            None => delegations.roles.push(role),
        }
        let roles = &delegations.roles;
        delegations.keys.retain(|id, _| roles.iter().any(|role| role.keyids.contains(id)));
    }

    /// The roles it delegates to.
    #[must_use]
    pub fn delegated(&self) -> &[DelegatedRole] {
        self.delegations.as_ref().map_or(&[], |delegations| &delegations.roles)
    }

    /// The keys of the roles it delegates to.
    #[must_use]
    pub fn delegation_keys(&self) -> Keys {
        self.delegations.as_ref().map(|delegations| delegations.keys.clone()).unwrap_or_default()
    }
}

impl DelegatedRole {
    /// Who may sign for it, and how many must.
    #[must_use]
    pub fn role_keys(&self) -> RoleKeys {
        RoleKeys { keyids: self.keyids.clone(), threshold: self.threshold }
    }
}

impl TargetFile {
    /// The file whose content is `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let digest = hex::encode(Sha256::digest(bytes));
        let hashes = BTreeMap::from([("sha256".to_owned(), digest)]);
        TargetFile { length: bytes.len() as u64, hashes, custom: None }
    }

    /// Its digest.
    #[must_use]
    pub fn sha256(&self) -> &str {
        self.hashes.get("sha256").map_or("", String::as_str)
    }

    /// Whether `bytes` are its content.
    #[must_use]
    pub fn is(&self, bytes: &[u8]) -> bool {
        let of = TargetFile::of(bytes);
        of.length == self.length && of.hashes == self.hashes
    }
}

impl Role for Targets {
    const TYPE: &'static str = "targets";

    fn kind(&self) -> &str {
        &self.kind
    }
    fn version(&self) -> u64 {
        self.version
    }
    fn expires(&self) -> Time {
        self.expires
    }
}
