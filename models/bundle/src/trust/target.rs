//! A file that signed metadata names.

use sha2::{Digest, Sha512};

use crate::digest::Sha256Hex;

use super::error::TrustError;
use super::names;

/// A file that signed metadata names.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Its name in the metadata, `models/detector/detector-1.1.0-r2.tar`.
    pub name: String,
    /// Where it is served, relative to `BASE/targets`: `DIR/SHA256.FILE`.
    pub path: String,
    /// Its length in bytes.
    pub length: u64,
    /// Its digest.
    pub sha256: Sha256Hex,
    /// What the signer added.
    pub custom: Option<serde_json::Value>,
}

impl Target {
    /// The target `name` as a verified role describes it. Without consistent snapshots it is served
    /// under its plain name.
    pub(super) fn new(
        name: &str,
        file: sigstore_tuf::TargetFile,
        consistent: bool,
    ) -> Result<Self, TrustError> {
        names::clean_path(name).map_err(|problem| TrustError::malformed(name, problem))?;
        let SignedDigest::Sha256(sha256) = SignedDigest::of(name, &file)? else {
            let problem =
                "a bundle must have a SHA-256 digest, after which its slot is named: sign it with one";
            return Err(TrustError::malformed(name, problem));
        };
        let path = served_at(name, sha256.as_str(), consistent);
        Ok(Target { name: name.into(), path, length: file.length, sha256, custom: file.custom })
    }
}

/// Where a target is served. Without consistent snapshots it is under its plain name.
pub(super) fn served_at(name: &str, digest: &str, consistent: bool) -> String {
    match name.rsplit_once('/') {
        _ if !consistent => name.to_owned(),
        Some((folder, file)) => format!("{folder}/{digest}.{file}"),
        None => format!("{digest}.{name}"),
    }
}

/// The digest that a target was signed with.
pub(super) enum SignedDigest {
    /// The usual one.
    Sha256(Sha256Hex),
    /// The one of those who use no other, as hexadecimal digits.
    Sha512(String),
}

impl SignedDigest {
    /// The digest that counts: SHA-256 where there is one.
    pub(super) fn of(name: &str, file: &sigstore_tuf::TargetFile) -> Result<Self, TrustError> {
        if let Some(digest) = file.hashes.get("sha256") {
            let digest = Sha256Hex::try_from(digest.clone());
            return digest.map(Self::Sha256).map_err(|problem| TrustError::malformed(name, problem));
        }
        let problem = "a target must have a SHA-256 or SHA-512 digest: sign it with one";
        let digest = file.hashes.get("sha512").ok_or_else(|| TrustError::malformed(name, problem))?;
        // It becomes part of a path.
        let plain = digest.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        match plain && digest.len() == 2 * Sha512::output_size() {
            true => Ok(Self::Sha512(digest.clone())),
            false => Err(TrustError::malformed(name, problem)),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Sha256(digest) => digest.as_str(),
            Self::Sha512(digest) => digest,
        }
    }

    pub(super) fn is_of(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Sha256(digest) => Sha256Hex::of(bytes) == *digest,
            Self::Sha512(digest) => hex::encode(Sha512::digest(bytes)) == *digest,
        }
    }
}
