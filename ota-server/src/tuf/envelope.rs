//! Signed metadata: what is said, and who signed it.

use std::collections::BTreeSet;

use jiff::Timestamp as Time;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{RoleKeys, TufError, canonical, root::Keys};
use crate::keys::{KeyId, Signer};

/// What every role says of itself.
pub trait Role: Clone + PartialEq + Serialize + DeserializeOwned {
    /// Its `_type`.
    const TYPE: &'static str;
    /// Its `_type` as it was read.
    fn kind(&self) -> &str;
    /// Its version.
    fn version(&self) -> u64;
    /// When it expires.
    fn expires(&self) -> Time;
}

/// Signed metadata: `{"signatures": […], "signed": {…}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope<T> {
    /// The signatures, by key id.
    pub signatures: Vec<Signature>,
    /// What is signed.
    pub signed: T,
}

/// One signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Whose it is.
    pub keyid: KeyId,
    /// 128 hexadecimal digits.
    pub sig: String,
}

impl<T: Role> Envelope<T> {
    /// Nobody has signed it yet.
    #[must_use]
    pub fn unsigned(signed: T) -> Self {
        Envelope { signatures: Vec::new(), signed }
    }

    /// Reads metadata, strictly.
    ///
    /// # Errors
    /// Names the key that is unknown, missing, there twice or of the wrong type.
    pub fn parse(bytes: &[u8]) -> Result<Self, TufError> {
        let malformed =
            |key: String, problem: String| TufError::Malformed { role: T::TYPE.into(), key, problem };
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let envelope: Self = serde_path_to_error::deserialize(&mut json)
            .map_err(|e| malformed(e.path().to_string(), e.inner().to_string()))?;
        json.end().map_err(|e| malformed(".".into(), e.to_string()))?;
        if envelope.signed.kind() != T::TYPE {
            let problem = format!("is `{}`, but must be `{}`", envelope.signed.kind(), T::TYPE);
            return Err(malformed("signed._type".into(), problem));
        }
        Ok(envelope)
    }

    /// The bytes that lie in the repository.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, TufError> {
        Ok(serde_json::to_vec(self)?)
    }

    /// The bytes that signatures cover.
    ///
    /// # Errors
    /// When there is a number in it that is no whole one.
    pub fn canonical(&self) -> Result<Vec<u8>, TufError> {
        canonical::to_vec(&serde_json::to_value(&self.signed)?)
    }

    /// Adds the signature of `signer`, in place of one that it gave before.
    ///
    /// # Errors
    /// When the signer fails.
    pub fn sign(&mut self, signer: &dyn Signer) -> Result<(), TufError> {
        let keyid = signer.public().id();
        let sig = hex::encode(signer.sign(&self.canonical()?)?);
        self.signatures.retain(|signature| signature.keyid != keyid);
        self.signatures.push(Signature { keyid, sig });
        self.signatures.sort_by(|a, b| a.keyid.cmp(&b.keyid));
        Ok(())
    }

    /// Which of the keys of `role` have validly signed: each counts once, whatever ids it goes by.
    ///
    /// # Errors
    /// When there is a number in it that is no whole one.
    pub fn valid(&self, keys: &Keys, role: &RoleKeys) -> Result<BTreeSet<KeyId>, TufError> {
        let bytes = self.canonical()?;
        let mut valid = BTreeSet::new();
        let mut counted = BTreeSet::new();
        for Signature { keyid, sig } in &self.signatures {
            let Some(key) = keys.get(keyid).filter(|_| role.keyids.contains(keyid)) else { continue };
            let mut signature = [0; 64];
            let Ok(public) = key.public() else { continue };
            let well_formed = hex::decode_to_slice(sig, &mut signature).is_ok();
            if well_formed && public.verifies(&bytes, &signature) && counted.insert(public.to_hex()) {
                valid.insert(keyid.clone());
            }
        }
        Ok(valid)
    }

    /// Whether the threshold of `role` is met.
    ///
    /// # Errors
    /// As for [`Envelope::valid`].
    pub fn meets(&self, keys: &Keys, role: &RoleKeys) -> Result<bool, TufError> {
        Ok(role.threshold > 0 && self.valid(keys, role)?.len() as u64 >= role.threshold)
    }
}
