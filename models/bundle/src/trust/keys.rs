//! One key counts once.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use sigstore_tuf::{Delegations, Key, RoleKeys};

/// The part of `root` and `targets` that says which keys count.
#[derive(Deserialize)]
struct Envelope {
    signed: Signed,
}

#[derive(Deserialize)]
struct Signed {
    #[serde(rename = "_type")]
    kind: String,
    #[serde(default)]
    keys: Option<BTreeMap<String, Key>>,
    #[serde(default)]
    roles: Option<BTreeMap<String, RoleKeys>>,
    #[serde(default)]
    delegations: Option<Delegations>,
}

/// Whether no role of this metadata lists one key under two ids. Signatures are counted by id, and an id
/// is whatever the metadata says: with two of them, one key would reach a threshold of two.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    let signed = serde_json::from_slice::<Envelope>(bytes).map_err(|e| e.to_string())?.signed;
    match (signed.kind.as_str(), signed.keys, signed.roles, signed.delegations) {
        ("root", Some(keys), Some(roles), _) => {
            roles.iter().try_for_each(|(name, role)| distinct(name, &role.keyids, &keys))
        }
        ("targets", _, _, Some(Delegations { keys, roles, .. })) => {
            roles.iter().try_for_each(|role| distinct(&role.name, &role.keyids, &keys))
        }
        _ => Ok(()),
    }
}

fn distinct(role: &str, ids: &[String], keys: &BTreeMap<String, Key>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for id in ids.iter().collect::<BTreeSet<_>>() {
        // A key that cannot be used never counts.
        let Some(key) = keys.get(id).and_then(|key| key.verification_key().ok()) else { continue };
        if !seen.insert(key.as_bytes().to_vec()) {
            return Err(format!("role `{role}` lists one key under two ids, one of them {id}"));
        }
    }
    Ok(())
}
