//! What is signed, in the form of The Update Framework 1.0, to be written.
//!
//! Reading is strict: an unknown field, a key twice or a float is refused, because whoever edits
//! metadata signs all of it. Devices read with `lineside_bundle::trust`, never with this.

pub mod canonical;
pub mod envelope;
pub mod lease;
pub mod root;
pub mod snapshot;
pub mod strict;
pub mod targets;
pub mod time;

use serde::{Deserialize, Serialize};

use crate::keys::{KeyError, KeyId, PublicKey};

pub use envelope::{Envelope, Role, Signature};
pub use lease::Lease;
pub use root::{RoleKeys, Root};
pub use snapshot::{MetaFile, Snapshot, Timestamp};
pub use targets::{DelegatedRole, Delegations, TargetFile, Targets};

/// The version of the specification that is written.
pub const SPEC_VERSION: &str = "1.0.31";

/// The role that the online key signs and devices take rollouts from.
pub const ROLLOUTS: &str = "rollouts";
/// What the role `rollouts` may name, and nothing else.
pub const ROLLOUTS_PATHS: &str = "rollouts/*/*";

/// The role that says which bundles of `model` may run.
#[must_use]
pub fn role_of_model(model: &str) -> String {
    format!("models-{model}")
}

/// What the role of `model` may name, and nothing else.
#[must_use]
pub fn paths_of_model(model: &str) -> String {
    format!("models/{model}/*")
}

/// The only type and scheme of keys here.
const ED25519: &str = "ed25519";

/// A public key as metadata writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TufKey {
    /// Always `ed25519`.
    pub keytype: String,
    /// Always `ed25519`.
    pub scheme: String,
    /// The key itself.
    pub keyval: KeyVal,
}

/// The value of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyVal {
    /// 64 hexadecimal digits.
    pub public: String,
}

impl TufKey {
    /// `key` as metadata writes it.
    #[must_use]
    pub fn of(key: &PublicKey) -> Self {
        TufKey { keytype: ED25519.into(), scheme: ED25519.into(), keyval: KeyVal { public: key.to_hex() } }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let form = serde_json::json!({
            "keytype": self.keytype, "scheme": self.scheme, "keyval": {"public": self.keyval.public}});
        KeyId::of(&canonical::to_vec(&form).expect("three strings have no number that is none"))
    }

    /// The key itself.
    ///
    /// # Errors
    /// When it is no ed25519 key.
    pub fn public(&self) -> Result<PublicKey, KeyError> {
        if self.keytype != ED25519 || self.scheme != ED25519 {
            return Err(KeyError::NoPublicKey { found: format!("{} {}", self.keytype, self.scheme) });
        }
        PublicKey::from_hex(&self.keyval.public)
    }
}

/// Why metadata is refused.
#[derive(Debug, thiserror::Error)]
pub enum TufError {
    /// It does not have the form it must have.
    #[error("{role}: key `{key}`: {problem}")]
    Malformed {
        /// The role.
        role: String,
        /// The key's path.
        key: String,
        /// What is wrong.
        problem: String,
    },
    /// A number that canonical JSON has no form for.
    #[error("`{0}` is no whole number; metadata has no others")]
    Number(serde_json::Number),
    /// It cannot be written as JSON.
    #[error("cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A key in it is none, or a signer failed.
    #[error(transparent)]
    Key(#[from] KeyError),
}

#[cfg(test)]
mod tests;
