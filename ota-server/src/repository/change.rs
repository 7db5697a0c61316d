//! A change that people sign before it is put in place, as a file that travels between them.
//!
//! It holds all that the offline keys say: metadata in full, the signatures so far, and the root it is
//! made under. Who signs needs this file and a key, no repository and no network.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::RepositoryError;
use crate::keys::{KeyId, Signer};
use crate::tuf::root::Keys;
use crate::tuf::{Envelope, Lease, Role, RoleKeys, Root, Targets, strict};

/// The form of the file.
const SCHEMA: u32 = 1;

/// A change that waits for signatures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The form of the file.
    pub schema: u32,
    /// What people call the keys.
    #[serde(default, deserialize_with = "strict::map")]
    pub names: BTreeMap<KeyId, String>,
    /// The root it is made under; none when it is the first.
    pub trusted_root: Option<Envelope<Root>>,
    /// A new root.
    pub root: Option<Envelope<Root>>,
    /// New targets.
    pub targets: Option<Envelope<Targets>>,
    /// New roles of models, by role name.
    #[serde(deserialize_with = "strict::map")]
    pub models: BTreeMap<String, Envelope<Targets>>,
    /// A lease.
    pub lease: Option<Envelope<Lease>>,
    /// Rollouts begin anew: what was signed by a stolen key is not signed again.
    #[serde(default)]
    pub drop_rollouts: bool,
}

/// Signatures that a change lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What must be signed, and in whose eyes.
    pub what: String,
    /// How many have signed.
    pub have: u64,
    /// How many must.
    pub need: u64,
    /// Who could yet: names where they are known, else ids.
    pub candidates: Vec<String>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Missing { what, have, need, candidates } = self;
        write!(f, "{what} has {have} of {need} signatures, and could be signed by {}", candidates.join(", "))
    }
}

/// One threshold that must be met.
struct Need {
    what: String,
    keys: Keys,
    role: RoleKeys,
}

impl Change {
    /// A change of nothing yet, made under `root`.
    #[must_use]
    pub fn under(root: Option<&Envelope<Root>>) -> Self {
        Change {
            schema: SCHEMA,
            names: BTreeMap::new(),
            trusted_root: root.cloned(),
            root: None,
            targets: None,
            models: BTreeMap::new(),
            lease: None,
            drop_rollouts: false,
        }
    }

    /// Reads the file of a change.
    ///
    /// # Errors
    /// Names the key that is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, RepositoryError> {
        let refused = |key: String, problem: String| {
            RepositoryError::Refused(format!("the file of the change: key `{key}`: {problem}"))
        };
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let change: Self = serde_path_to_error::deserialize(&mut json)
            .map_err(|e| refused(e.path().to_string(), e.inner().to_string()))?;
        if change.schema != SCHEMA {
            return Err(refused("schema".into(), format!("{} is not {SCHEMA}", change.schema)));
        }
        Ok(change)
    }

    /// The file of the change.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, RepositoryError> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(crate::tuf::TufError::from)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The root that counts once the change is in place.
    pub(super) fn final_root(&self) -> Option<&Root> {
        self.root.as_ref().or(self.trusted_root.as_ref()).map(|root| &root.signed)
    }

    /// The same for each kind of metadata in the change: what it needs, and who else may sign it.
    fn needs_of(&self, role: &str) -> (Vec<Need>, BTreeSet<KeyId>) {
        let old = self.trusted_root.as_ref().map(|root| &root.signed);
        let top = |root: &Root, role: &str, what: String| Need {
            what,
            keys: root.keys.clone(),
            role: root.role(role),
        };
        let mut needs = Vec::new();
        let mut welcome = BTreeSet::new();
        if role == "root" {
            needs.extend(old.map(|root| top(root, role, "root, by its present keys".into())));
            needs.extend(
                self.root.as_ref().map(|root| top(&root.signed, role, "root, by its new keys".into())),
            );
        } else {
            // Old keys are welcome: signed by both, the change can be put in place without a gap.
            welcome.extend(old.map(|root| root.role("targets").keyids).unwrap_or_default());
            let delegated = self.targets.as_ref().and_then(|targets| {
                let found = targets.signed.delegated().iter().find(|delegated| delegated.name == role)?;
                Some((targets.signed.delegation_keys(), found.role_keys()))
            });
            match (delegated, self.final_root()) {
                (Some((keys, role_keys)), _) => needs.push(Need { what: role.into(), keys, role: role_keys }),
                (None, Some(root)) => needs.push(top(root, "targets", role.into())),
                (None, None) => (),
            }
        }
        (needs, welcome)
    }

    fn missing_of<T: Role>(
        &self,
        role: &str,
        envelope: &Envelope<T>,
        missing: &mut Vec<Missing>,
    ) -> Result<(), RepositoryError> {
        for need in self.needs_of(role).0 {
            let valid = envelope.valid(&need.keys, &need.role)?;
            let have = valid.len() as u64;
            if have < need.role.threshold.max(1) {
                let still = need.role.keyids.iter().filter(|id| !valid.contains(id));
                let candidates = still.map(|id| self.name(id)).collect();
                missing.push(Missing { what: need.what, have, need: need.role.threshold, candidates });
            }
        }
        Ok(())
    }

    /// The signatures it lacks; none when it can be put in place.
    ///
    /// # Errors
    /// When there is a number in it that is no whole one.
    pub fn missing(&self) -> Result<Vec<Missing>, RepositoryError> {
        let mut missing = Vec::new();
        if let Some(root) = &self.root {
            self.missing_of("root", root, &mut missing)?;
        }
        if let Some(targets) = &self.targets {
            self.missing_of("targets", targets, &mut missing)?;
        }
        for (role, envelope) in &self.models {
            self.missing_of(role, envelope, &mut missing)?;
        }
        if let Some(lease) = &self.lease {
            self.missing_of("lease", lease, &mut missing)?;
        }
        Ok(missing)
    }

    /// Signs everything that the key of `signer` may sign, and says what that was.
    ///
    /// # Errors
    /// When the signer fails.
    pub fn sign(&mut self, signer: &dyn Signer) -> Result<Vec<String>, RepositoryError> {
        let id = signer.public().id();
        let asked = |change: &Change, role: &str| {
            let (needs, welcome) = change.needs_of(role);
            welcome.contains(&id) || needs.iter().any(|need| need.role.keyids.contains(&id))
        };
        let mut signed = Vec::new();
        let roles: Vec<String> = self.models.keys().cloned().collect();
        if self.root.is_some() && asked(self, "root") {
            self.root.iter_mut().try_for_each(|root| root.sign(signer))?;
            signed.push("root".to_owned());
        }
        if self.targets.is_some() && asked(self, "targets") {
            self.targets.iter_mut().try_for_each(|targets| targets.sign(signer))?;
            signed.push("targets".to_owned());
        }
        for role in roles {
            if asked(self, &role) {
                self.models.get_mut(&role).into_iter().try_for_each(|envelope| envelope.sign(signer))?;
                signed.push(role);
            }
        }
        if self.lease.is_some() && asked(self, "lease") {
            self.lease.iter_mut().try_for_each(|lease| lease.sign(signer))?;
            signed.push("lease".to_owned());
        }
        Ok(signed)
    }

    /// The keys whose signature is needed or welcome.
    #[must_use]
    pub fn wanted(&self) -> BTreeSet<KeyId> {
        let mut wanted = BTreeSet::new();
        let of_models = self.models.keys().map(String::as_str);
        let top = [
            self.root.as_ref().map(|_| "root"),
            self.targets.as_ref().map(|_| "targets"),
            self.lease.as_ref().map(|_| "lease"),
        ];
        for role in top.into_iter().flatten().chain(of_models) {
            let (needs, welcome) = self.needs_of(role);
            wanted.extend(needs.into_iter().flat_map(|need| need.role.keyids));
            wanted.extend(welcome);
        }
        wanted
    }

    /// What people call the key, with the beginning of its id.
    fn name(&self, id: &KeyId) -> String {
        /// Enough digits to tell keys apart by eye.
        const SHORT: usize = 8;
        let short = id.as_str().get(..SHORT).unwrap_or(id.as_str());
        self.names.get(id).map_or_else(|| short.to_owned(), |name| format!("{name} ({short})"))
    }
}

mod describe;
