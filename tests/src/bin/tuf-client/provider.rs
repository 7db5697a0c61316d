//! Ed25519 as the agent verifies it, and ECDSA P-256 for the suite's repositories.

use lineside_bundle::trust::Ed25519Provider;
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use sigstore_crypto::{CryptoProvider, Error, HashContext, Result, SigningScheme, install_default_provider};
use sigstore_types::HashAlgorithm;

static PROVIDER: WithEcdsa = WithEcdsa;

/// Installs this provider before the agent's own gets the chance.
pub fn install() {
    // An error says that one is installed, which cannot be this early; and then tests would fail aloud.
    let _ = install_default_provider(&PROVIDER);
}

#[derive(Debug)]
struct WithEcdsa;

impl CryptoProvider for WithEcdsa {
    fn hash(&self, algorithm: HashAlgorithm) -> Result<Box<dyn HashContext>> {
        Ed25519Provider.hash(algorithm)
    }

    fn verify_raw(&self, scheme: SigningScheme, key: &[u8], data: &[u8], signature: &[u8]) -> Result<()> {
        if scheme != SigningScheme::EcdsaP256Sha256 {
            return Ed25519Provider.verify_raw(scheme, key, data, signature);
        }
        let key = VerifyingKey::from_sec1_bytes(key).map_err(|e| Error::InvalidKey(e.to_string()))?;
        let signature = Signature::from_der(signature).map_err(|e| Error::Verification(e.to_string()))?;
        key.verify(data, &signature).map_err(|e| Error::Verification(e.to_string()))
    }

    fn verify_prehashed(
        &self,
        scheme: SigningScheme,
        key: &[u8],
        digest: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        Ed25519Provider.verify_prehashed(scheme, key, digest, signature)
    }
}
