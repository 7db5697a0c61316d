//! The offline lease: a signed statement that metadata on a stick may be judged as of an earlier time.

use std::collections::BTreeSet;

use serde::Deserialize;
use sigstore_tuf::{Root, Signature, canonical_json};
use sigstore_types::encoding::SignatureBytes;

use crate::digest::Sha256Hex;

use super::error::TrustError;
use super::strict_json;

const NAME: &str = "lease.json";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    signed: serde_json::Value,
    signatures: Vec<Signature>,
}

/// What a lease states.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lease {
    #[serde(rename = "_type")]
    kind: String,
    pub(super) as_of: jiff::Timestamp,
    expires: jiff::Timestamp,
    pub(super) timestamp: Named,
}

/// The `timestamp.json` that a lease is for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    pub(super) version: u64,
    pub(super) sha256: Sha256Hex,
}

impl Lease {
    /// The lease, if `root` vouches for it and it has not expired.
    pub(super) fn open(bytes: &[u8], root: &Root, now: jiff::Timestamp) -> Result<Self, TrustError> {
        let malformed = |problem: String| TrustError::malformed(NAME, problem);
        strict_json::check(bytes).map_err(|e| malformed(e.to_string()))?;
        let envelope: Envelope = serde_json::from_slice(bytes).map_err(|e| malformed(e.to_string()))?;
        vouch(&envelope, root)?;
        let lease: Lease = serde_json::from_value(envelope.signed).map_err(|e| malformed(e.to_string()))?;
        // The same keys sign `targets`: the type tells the two apart.
        if lease.kind != "lease" {
            return Err(malformed(format!("`_type` is `{}` where `lease` is due", lease.kind)));
        }
        if lease.expires < now {
            return Err(TrustError::Stale { role: NAME.into(), expires: lease.expires });
        }
        Ok(lease)
    }
}

/// Whether the root's `targets` role signed to its threshold. No role lists one key under two ids: the
/// gate saw to that before the root was trusted.
fn vouch(envelope: &Envelope, root: &Root) -> Result<(), TrustError> {
    let unsigned = |problem: String| TrustError::BadSignature(format!("{NAME}: {problem}"));
    let role = root.role("targets").ok_or_else(|| unsigned("the root has no `targets` role".into()))?;
    let signed = canonical_json::to_canonical_bytes(&envelope.signed)?;
    let fits = |signature: &Signature| {
        let key = root.keys.get(&signature.keyid)?;
        let bytes = hex::decode(&signature.sig).ok()?;
        key.verify(&signed, &SignatureBytes::new(bytes)).ok()
    };
    let valid: BTreeSet<&String> = envelope
        .signatures
        .iter()
        .filter(|signature| role.keyids.contains(&signature.keyid) && fits(signature).is_some())
        .map(|signature| &signature.keyid)
        .collect();
    if role.threshold == 0 || valid.len() < role.threshold {
        return Err(unsigned(format!(
            "{} valid signatures where {} are needed",
            valid.len(),
            role.threshold
        )));
    }
    Ok(())
}
