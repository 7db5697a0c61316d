//! The one signature scheme: ed25519, verified strictly.

use ed25519_dalek::{Signature, VerifyingKey};
use sha2::Digest as _;
use sigstore_crypto::{CryptoProvider, Error, HashContext, Result, SigningScheme, install_default_provider};
use sigstore_types::HashAlgorithm;

static PROVIDER: Ed25519Provider = Ed25519Provider;

/// Makes [`Ed25519Provider`] the one of this process, unless it already has one.
pub fn install_provider() {
    // An error says that there is one already, which is what is wanted on the second call.
    let _ = install_default_provider(&PROVIDER);
}

/// Verifies ed25519 by `verify_strict`, which refuses weak keys and malleable signatures, and refuses
/// every other scheme.
#[derive(Clone, Copy, Debug)]
pub struct Ed25519Provider;

impl CryptoProvider for Ed25519Provider {
    fn hash(&self, algorithm: HashAlgorithm) -> Result<Box<dyn HashContext>> {
        match algorithm {
            HashAlgorithm::Sha2256 => Ok(Box::new(Hasher(sha2::Sha256::new()))),
            HashAlgorithm::Sha2384 => Ok(Box::new(Hasher(sha2::Sha384::new()))),
            HashAlgorithm::Sha2512 => Ok(Box::new(Hasher(sha2::Sha512::new()))),
            #[allow(unreachable_patterns, reason = "the list may grow")]
            other => Err(Error::UnsupportedAlgorithm(format!("{other:?}"))),
        }
    }

    fn verify_raw(&self, scheme: SigningScheme, key: &[u8], data: &[u8], signature: &[u8]) -> Result<()> {
        if scheme != SigningScheme::Ed25519 {
            return Err(refused(scheme));
        }
        let key = key.try_into().map_err(|_| Error::InvalidKey("an ed25519 key has 32 bytes".into()))?;
        let key = VerifyingKey::from_bytes(key).map_err(|e| Error::InvalidKey(e.to_string()))?;
        let signature = Signature::from_slice(signature).map_err(|e| Error::Verification(e.to_string()))?;
        key.verify_strict(data, &signature).map_err(|e| Error::Verification(e.to_string()))
    }

    fn verify_prehashed(&self, scheme: SigningScheme, _: &[u8], _: &[u8], _: &[u8]) -> Result<()> {
        Err(refused(scheme))
    }
}

fn refused(scheme: SigningScheme) -> Error {
    Error::UnsupportedAlgorithm(format!("{}: updates are signed with ed25519 alone", scheme.name()))
}

struct Hasher<D>(D);

impl<D: sha2::Digest + Send> HashContext for Hasher<D> {
    fn update(&mut self, data: &[u8]) {
        sha2::Digest::update(&mut self.0, data);
    }

    fn finalize(self: Box<Self>) -> Vec<u8> {
        self.0.finalize().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;

    #[test]
    fn only_ed25519_is_verified() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let public = key.verifying_key().to_bytes();
        let signature = key.sign(b"hello").to_bytes();
        let verify = |scheme, data: &[u8]| Ed25519Provider.verify_raw(scheme, &public, data, &signature);
        assert!(verify(SigningScheme::Ed25519, b"hello").is_ok());
        assert!(verify(SigningScheme::Ed25519, b"hallo").is_err());
        for scheme in [
            SigningScheme::EcdsaP256Sha256,
            SigningScheme::EcdsaP384Sha384,
            SigningScheme::RsaPssSha256,
            SigningScheme::RsaPkcs1Sha256,
            SigningScheme::MlDsa44,
        ] {
            assert!(matches!(verify(scheme, b"hello"), Err(Error::UnsupportedAlgorithm(_))), "{scheme:?}");
        }
    }

    #[test]
    fn a_weak_key_verifies_nothing() {
        // The neutral element: with it, the signature (R = neutral, S = 0) fits every message under
        // a check that is not strict.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let mut signature = [0; 64];
        signature[0] = 1;
        assert!(Ed25519Provider.verify_raw(SigningScheme::Ed25519, &neutral, b"any", &signature).is_err());
    }

    #[test]
    fn installing_twice_is_harmless() {
        install_provider();
        install_provider();
        assert_eq!(sigstore_crypto::sha256(b"abc").to_hex()[..8], *"ba7816bf");
    }
}
