//! A key in a file: ed25519 in an encrypted PKCS#8 PEM, which `openssl pkey` reads too.
//!
//! Promise: the file is never overwritten, never readable by others, and never holds the secret
//! without its passphrase.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::{DecodePrivateKey, KeypairBytes};
use pkcs8::pkcs5::{pbes2, scrypt};
use pkcs8::{EncodePrivateKey, LineEnding, PrivateKeyInfoRef};
use rand::CryptoRng;

use super::{KeyError, Passphrase, PublicKey, Signer};

/// scrypt's cost: OWASP's minimum in the form whose 16 MiB stay under the 32 MiB that openssl grants.
const SCRYPT_LOG_N: u8 = 14;
const SCRYPT_R: u32 = 8;
const SCRYPT_P: u32 = 5;
/// A key of this kind is some 400 bytes; far beyond that it is something else.
const MAX_FILE_BYTES: u64 = 16 << 10;

/// A key that was opened with its passphrase.
#[derive(Debug)]
pub struct KeyFile {
    file: PathBuf,
    key: SigningKey,
}

impl KeyFile {
    /// Makes a new key from `random` and writes it to `file`, encrypted under `passphrase`.
    ///
    /// # Errors
    /// When the file exists, cannot be written, or the passphrase is too short.
    pub fn create(
        file: &Path,
        passphrase: &Passphrase,
        random: &mut impl CryptoRng,
    ) -> Result<Self, KeyError> {
        passphrase.long_enough()?;
        let mut secret = zeroize::Zeroizing::new([0; 32]);
        random.fill_bytes(&mut *secret);
        let key = SigningKey::from_bytes(&secret);
        let pem = encrypt(&key, passphrase, random)?;
        let failed = |cause: io::Error| match cause.kind() {
            io::ErrorKind::AlreadyExists => KeyError::Exists { file: file.to_owned() },
            _ => KeyError::File { file: file.to_owned(), cause },
        };
        let mut opened =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(failed)?;
        opened.write_all(pem.as_bytes()).and_then(|()| opened.sync_all()).map_err(failed)?;
        if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        }
        Ok(KeyFile { file: file.to_owned(), key })
    }

    /// Opens the key in `file` with its passphrase.
    ///
    /// # Errors
    /// When it cannot be read, others could read it, or the passphrase does not open it.
    pub fn open(file: &Path, passphrase: &Passphrase) -> Result<Self, KeyError> {
        let unreadable = |cause: io::Error| KeyError::File { file: file.to_owned(), cause };
        let about = fs::metadata(file).map_err(unreadable)?;
        if about.mode() & 0o077 != 0 {
            return Err(KeyError::Readable { file: file.to_owned(), mode: about.mode() & 0o777 });
        }
        if about.len() > MAX_FILE_BYTES {
            return Err(KeyError::NotOpened { file: file.to_owned() });
        }
        let pem = fs::read_to_string(file).map_err(unreadable)?;
        let key = SigningKey::from_pkcs8_encrypted_pem(&pem, passphrase.as_bytes())
            .map_err(|_| KeyError::NotOpened { file: file.to_owned() })?;
        Ok(KeyFile { file: file.to_owned(), key })
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.file
    }
}

/// Without the public half inside: with it the form is a later version of PKCS#8, which openssl
/// before 3.5 does not read.
fn encrypt(
    key: &SigningKey,
    passphrase: &Passphrase,
    random: &mut impl CryptoRng,
) -> Result<zeroize::Zeroizing<String>, KeyError> {
    let failed = |e: &dyn std::fmt::Display| KeyError::Encrypt(e.to_string());
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    random.fill_bytes(&mut salt);
    random.fill_bytes(&mut iv);
    let cost = scrypt::Params::new(SCRYPT_LOG_N, SCRYPT_R, SCRYPT_P).map_err(|e| failed(&e))?;
    let how = pbes2::Parameters::generate_scrypt_aes256cbc(cost, &salt, iv).map_err(|e| failed(&e))?;
    let plain = KeypairBytes { secret_key: key.to_bytes(), public_key: None }
        .to_pkcs8_der()
        .map_err(|e| failed(&e))?;
    PrivateKeyInfoRef::try_from(plain.as_bytes())
        .map_err(|e| failed(&e))?
        .encrypt_with_params(how, passphrase.as_bytes())
        .map_err(|e| failed(&e))?
        .to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF)
        .map_err(|e| failed(&e))
}

impl Signer for KeyFile {
    fn public(&self) -> PublicKey {
        self.key.public()
    }

    fn sign(&self, bytes: &[u8]) -> Result<[u8; 64], KeyError> {
        Signer::sign(&self.key, bytes)
    }
}

#[cfg(test)]
mod tests;
