//! A small writer of repositories, good and bad ones, for the tests of this module alone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Map, Value, json};
use sigstore_tuf::canonical_json::to_canonical_bytes;

use crate::digest::Sha256Hex;

use super::source::{Source, SourceError};

/// The time at which everything written with [`FRESH`] is fresh.
pub const NOW: &str = "2026-11-21T10:00:00Z";
/// When everything expires unless a test says otherwise.
pub const FRESH: &str = "2026-12-21T10:00:00Z";

pub fn time(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

/// A key that signs.
#[derive(Clone)]
pub struct Key(SigningKey);

impl Key {
    pub fn new(seed: u8) -> Self {
        Key(SigningKey::from_bytes(&[seed; 32]))
    }

    pub fn public(&self) -> Value {
        let public = hex::encode(self.0.verifying_key().to_bytes());
        json!({"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": public}})
    }

    pub fn id(&self) -> String {
        Sha256Hex::of(&to_canonical_bytes(&self.public()).unwrap()).to_string()
    }

    pub fn sign(&self, signed: &Value) -> Value {
        let sig = hex::encode(self.0.sign(&to_canonical_bytes(signed).unwrap()).to_bytes());
        json!({"keyid": self.id(), "sig": sig})
    }
}

/// `signed`, signed by `keys`.
pub fn envelope(signed: &Value, keys: &[Key]) -> Vec<u8> {
    let signatures: Vec<Value> = keys.iter().map(|key| key.sign(signed)).collect();
    serde_json::to_vec(&json!({"signed": signed, "signatures": signatures})).unwrap()
}

/// Keys, threshold, version and expiry of a role.
#[derive(Clone)]
pub struct Role {
    pub keys: Vec<Key>,
    pub threshold: u64,
    pub version: u64,
    pub expires: &'static str,
}

impl Role {
    fn new(seeds: &[u8], threshold: u64) -> Self {
        Role { keys: seeds.iter().map(|s| Key::new(*s)).collect(), threshold, version: 1, expires: FRESH }
    }

    fn binding(&self) -> Value {
        let ids: Vec<String> = self.keys.iter().map(Key::id).collect();
        json!({"keyids": ids, "threshold": self.threshold})
    }

    fn head(&self, kind: &str) -> Map<String, Value> {
        let head = json!({
            "_type": kind, "spec_version": "1.0.31", "version": self.version, "expires": self.expires
        });
        head.as_object().unwrap().clone()
    }
}

/// What is served; shared with the verifier under test.
#[derive(Default)]
pub struct Served {
    pub files: Mutex<BTreeMap<String, Vec<u8>>>,
    /// Every name that was asked for.
    pub asked: Mutex<Vec<String>>,
}

impl Served {
    fn answer(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
        self.asked.lock().unwrap().push(name.into());
        match self.files.lock().unwrap().get(name) {
            Some(bytes) if bytes.len() as u64 > limit => Err(SourceError::too_large(limit)),
            other => Ok(other.cloned()),
        }
    }
}

impl Source for Served {
    fn metadata(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
        self.answer(name, limit)
    }

    fn target(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
        self.answer(&format!("targets/{path}"), limit)
    }
}

/// A repository as the decision record lays it out, with one model, `detector`.
pub struct Repo {
    pub roles: BTreeMap<&'static str, Role>,
    /// Targets of the delegated roles.
    pub listed: BTreeMap<&'static str, Map<String, Value>>,
    pub served: Arc<Served>,
}

pub const MODELS: &str = "models-detector";
pub const ROLES: [&str; 6] = ["root", "targets", MODELS, "rollouts", "snapshot", "timestamp"];

impl Repo {
    /// Published, with every role at version 1.
    pub fn new() -> Self {
        let online = &[30][..];
        let roles = BTreeMap::from([
            ("root", Role::new(&[10, 11, 12], 2)),
            ("targets", Role::new(&[20, 21], 2)),
            (MODELS, Role::new(&[20, 21], 2)),
            ("rollouts", Role::new(online, 1)),
            ("snapshot", Role::new(online, 1)),
            ("timestamp", Role::new(online, 1)),
        ]);
        let listed = BTreeMap::from([(MODELS, Map::new()), ("rollouts", Map::new())]);
        let repo = Repo { roles, listed, served: Arc::default() };
        repo.publish();
        repo
    }

    pub fn role(&mut self, name: &str) -> &mut Role {
        self.roles.get_mut(name).unwrap()
    }

    /// Lists a target and serves its bytes.
    pub fn add(&mut self, role: &str, name: &str, bytes: &[u8]) {
        let digest = Sha256Hex::of(bytes);
        let file = json!({"length": bytes.len(), "hashes": {"sha256": digest.as_str()}});
        self.listed.get_mut(role).unwrap().insert(name.into(), file);
        let (folder, file) = name.rsplit_once('/').unwrap();
        self.put(&format!("targets/{folder}/{digest}.{file}"), bytes.to_vec());
    }

    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        self.served.files.lock().unwrap().insert(name.into(), bytes);
    }

    pub fn get(&self, name: &str) -> Vec<u8> {
        self.served.files.lock().unwrap()[name].clone()
    }

    /// Counts the versions of `roles` up and publishes.
    pub fn bump(&mut self, roles: &[&str]) {
        for role in roles {
            self.role(role).version += 1;
        }
        self.publish();
    }

    /// Writes every role at the version it has.
    pub fn publish(&self) {
        for role in ROLES {
            self.write(role, &self.roles[role].keys);
        }
    }

    /// Writes one role, signed by `keys`.
    pub fn write(&self, role: &str, keys: &[Key]) {
        self.put(&self.file(role), envelope(&self.signed(role), keys));
    }

    /// The name under which a role is served.
    pub fn file(&self, role: &str) -> String {
        match role {
            "timestamp" => "timestamp.json".into(),
            _ => format!("{}.{role}.json", self.roles[role].version),
        }
    }

    /// What a role says.
    pub fn signed(&self, name: &str) -> Value {
        let role = &self.roles[name];
        let mut signed = role.head(if self.listed.contains_key(name) { "targets" } else { name });
        match name {
            "root" => {
                let top = ["root", "targets", "snapshot", "timestamp"];
                signed.insert("consistent_snapshot".into(), true.into());
                signed.insert("keys".into(), self.keys(&top));
                let bindings: Map<_, _> =
                    top.iter().map(|r| ((*r).to_owned(), self.roles[r].binding())).collect();
                signed.insert("roles".into(), bindings.into());
            }
            "targets" => {
                signed.insert("targets".into(), json!({}));
                let roles = [
                    self.delegation(MODELS, "models/detector/*"),
                    self.delegation("rollouts", "rollouts/*/*"),
                ];
                signed.insert(
                    "delegations".into(),
                    json!({"keys": self.keys(&[MODELS, "rollouts"]), "roles": roles}),
                );
            }
            "snapshot" => {
                let meta = ["targets", MODELS, "rollouts"].map(|r| (format!("{r}.json"), self.pin(r)));
                signed.insert("meta".into(), meta.into_iter().collect::<Map<_, _>>().into());
            }
            "timestamp" => {
                signed.insert("meta".into(), json!({"snapshot.json": self.pin("snapshot")}));
            }
            _ => {
                signed.insert("targets".into(), self.listed[name].clone().into());
            }
        }
        signed.into()
    }

    fn keys(&self, roles: &[&str]) -> Value {
        let keys = roles.iter().flat_map(|role| &self.roles[role].keys);
        keys.map(|key| (key.id(), key.public())).collect::<Map<_, _>>().into()
    }

    fn delegation(&self, role: &str, paths: &str) -> Value {
        let mut delegation = self.roles[role].binding();
        delegation["name"] = role.into();
        delegation["terminating"] = true.into();
        delegation["paths"] = json!([paths]);
        delegation
    }

    fn pin(&self, role: &str) -> Value {
        let bytes = self.get(&self.file(role));
        let digest = Sha256Hex::of(&bytes);
        json!({"version": self.roles[role].version, "length": bytes.len(), "hashes": {"sha256": digest.as_str()}})
    }
}
