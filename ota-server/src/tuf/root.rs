//! The role `root`: which keys count.

use std::collections::BTreeMap;

use jiff::Timestamp as Time;
use serde::{Deserialize, Serialize};

use super::{Role, SPEC_VERSION, TufKey, strict, time};
use crate::keys::{KeyId, PublicKey};

/// Keys by their ids.
pub type Keys = BTreeMap<KeyId, TufKey>;

/// The keys that `root` assigns, by the role's name.
pub const TOP_LEVEL: [&str; 4] = ["root", "snapshot", "targets", "timestamp"];

/// Which keys count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// Always `root`.
    #[serde(rename = "_type")]
    pub kind: String,
    /// Version of the specification.
    pub spec_version: String,
    /// Counts up by one.
    pub version: u64,
    /// When it expires.
    #[serde(with = "time")]
    pub expires: Time,
    /// Always true: files carry their version or digest in the name.
    pub consistent_snapshot: bool,
    /// The keys that a role below uses.
    #[serde(deserialize_with = "strict::map")]
    pub keys: Keys,
    /// The keys and threshold of `root`, `snapshot`, `targets` and `timestamp`.
    #[serde(deserialize_with = "strict::map")]
    pub roles: BTreeMap<String, RoleKeys>,
}

/// Who may sign for a role, and how many must.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleKeys {
    /// The keys.
    pub keyids: Vec<KeyId>,
    /// How many of them must sign.
    pub threshold: u64,
}

impl RoleKeys {
    /// Any `threshold` of `keys`.
    #[must_use]
    pub fn of(keys: &[PublicKey], threshold: u64) -> Self {
        let mut keyids: Vec<KeyId> = keys.iter().map(PublicKey::id).collect();
        keyids.sort_unstable();
        keyids.dedup();
        RoleKeys { keyids, threshold }
    }

    /// Whether enough keys are left to ever meet the threshold.
    #[must_use]
    pub fn can_be_met(&self) -> bool {
        self.threshold > 0 && self.keyids.len() as u64 >= self.threshold
    }
}

impl Root {
    /// The first version.
    #[must_use]
    pub fn first(expires: Time) -> Self {
        Root {
            kind: Self::TYPE.into(),
            spec_version: SPEC_VERSION.into(),
            version: 1,
            expires: time::whole_seconds(expires),
            consistent_snapshot: true,
            keys: Keys::new(),
            roles: BTreeMap::new(),
        }
    }

    /// Who signs for the top-level `role`; nobody if it has no such role.
    #[must_use]
    pub fn role(&self, role: &str) -> RoleKeys {
        self.roles.get(role).cloned().unwrap_or_default()
    }

    /// Assigns `role` to any `threshold` of `keys`; keys that no role uses any more are dropped.
    pub fn assign(&mut self, role: &str, keys: &[PublicKey], threshold: u64) {
        self.keys.extend(keys.iter().map(|key| (key.id(), TufKey::of(key))));
        self.roles.insert(role.into(), RoleKeys::of(keys, threshold));
        self.drop_unused();
    }

    /// Drops the keys that no role uses.
    pub fn drop_unused(&mut self) {
        let roles = &self.roles;
        self.keys.retain(|id, _| roles.values().any(|role| role.keyids.contains(id)));
    }

    /// The keys of `role`, as keys.
    #[must_use]
    pub fn keys_of(&self, role: &str) -> Vec<PublicKey> {
        let ids = self.role(role).keyids;
        ids.iter().filter_map(|id| self.keys.get(id)?.public().ok()).collect()
    }
}

impl Role for Root {
    const TYPE: &'static str = "root";

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
