//! Who this gateway is to the OTA server: its id and an ed25519 key of its own, made here, never
//! leaving.

use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use ed25519_dalek::{Signer, SigningKey};

use crate::durable;

/// The key's file within the update folder: 64 hexadecimal digits.
const FILE: &str = "device.key";
/// What is signed begins with this, so that a signature for a report is one for nothing else.
const CONTEXT: &[u8] = b"lineside-status-v1\n";

/// The gateway's id and key.
pub struct Identity {
    device: String,
    key: SigningKey,
}

impl Identity {
    /// Reads the key in `folder`, or makes one from `seed`.
    ///
    /// # Errors
    /// When it can be neither read nor written, or is no key.
    pub fn open(folder: &Path, device: String, seed: impl FnOnce() -> [u8; 32]) -> io::Result<Identity> {
        let path = folder.join(FILE);
        let seed = match std::fs::read_to_string(&path) {
            Ok(text) => decode(text.trim()).ok_or_else(|| {
                let problem = format!("{}: holds no key; remove it and enrol again", path.display());
                io::Error::new(io::ErrorKind::InvalidData, problem)
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let seed = seed();
                // Nobody else may read it, not even for the moment before its mode is set.
                let mut options = std::fs::OpenOptions::new();
                options.write(true).create(true).truncate(true).mode(0o600);
                let beside = path.with_extension("making");
                let mut file = options.open(&beside)?;
                io::Write::write_all(&mut file, hex::encode(seed).as_bytes())?;
                file.sync_all()?;
                durable::rename(&beside, &path)?;
                seed
            }
            Err(error) => return Err(error),
        };
        Ok(Identity { device, key: SigningKey::from_bytes(&seed) })
    }

    /// The gateway's id, `site/gateway`.
    #[must_use]
    pub fn device(&self) -> &str {
        &self.device
    }

    /// The public key, 64 hexadecimal digits.
    #[must_use]
    pub fn public_key(&self) -> String {
        hex::encode(self.key.verifying_key().to_bytes())
    }

    /// The signature of a report's body, 128 hexadecimal digits.
    #[must_use]
    pub fn sign(&self, body: &[u8]) -> String {
        hex::encode(self.key.sign(&[CONTEXT, body].concat()).to_bytes())
    }
}

fn decode(text: &str) -> Option<[u8; 32]> {
    hex::decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_nobody_else_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let open = |seed: [u8; 32]| Identity::open(folder.path(), "site/gw".into(), || seed).unwrap();
        let first = open([7; 32]).public_key();
        assert_eq!(open([8; 32]).public_key(), first);
        let mode = std::fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_key_is_refused_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "short").unwrap();
        let error = Identity::open(folder.path(), "site/gw".into(), || [0; 32]).err().unwrap();
        assert!(error.to_string().contains("device.key"), "{error}");
    }
}
