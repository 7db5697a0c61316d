//! Keys: what signs, wherever the secret lies.
//!
//! Everything that signs is a [`Signer`]: a file with a passphrase today, a PKCS#11 token or a key
//! management service tomorrow. Nothing but the signer ever sees the secret.

pub mod file;
pub mod folder;
pub mod passphrase;

use std::fmt;
use std::path::PathBuf;

use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::{DecodePublicKey, EncodePublicKey, spki};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::tuf::TufKey;

pub use file::KeyFile;
pub use folder::KeyFolder;
pub use passphrase::Passphrase;

/// Signs with one ed25519 key.
pub trait Signer: Send + Sync {
    /// The public half.
    fn public(&self) -> PublicKey;

    /// The signature of `bytes`.
    ///
    /// # Errors
    /// When the place where the secret lies cannot sign, such as a token that was pulled.
    fn sign(&self, bytes: &[u8]) -> Result<[u8; 64], KeyError>;
}

/// A key in memory: that of a test, or of a program that keeps its secret elsewhere.
impl Signer for ed25519_dalek::SigningKey {
    fn public(&self) -> PublicKey {
        PublicKey(self.verifying_key())
    }

    fn sign(&self, bytes: &[u8]) -> Result<[u8; 64], KeyError> {
        Ok(ed25519_dalek::Signer::sign(self, bytes).to_bytes())
    }
}

/// An ed25519 public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// The key of these 32 bytes, as RFC 8032 writes it.
    ///
    /// # Errors
    /// When they are no point of the curve, or one of small order, under which anything verifies.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        match VerifyingKey::from_bytes(bytes) {
            Ok(key) if !key.is_weak() => Ok(PublicKey(key)),
            _ => Err(KeyError::NoPublicKey { found: hex::encode(bytes) }),
        }
    }

    /// The key of 64 hexadecimal digits.
    ///
    /// # Errors
    /// As for [`PublicKey::from_bytes`].
    pub fn from_hex(digits: &str) -> Result<Self, KeyError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes)
            .map_err(|_| KeyError::NoPublicKey { found: digits.to_owned() })?;
        Self::from_bytes(&bytes)
    }

    /// The key in a PEM file, `BEGIN PUBLIC KEY`.
    ///
    /// # Errors
    /// When there is no ed25519 key in it.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_public_key_pem(text)
            .map_err(|_| KeyError::NoPublicKey { found: text.lines().next().unwrap_or("").to_owned() })?;
        Self::from_bytes(key.as_bytes())
    }

    /// The key as a PEM file, `BEGIN PUBLIC KEY`.
    #[must_use]
    pub fn to_pem(&self) -> String {
        self.0.to_public_key_pem(spki::der::pem::LineEnding::LF).unwrap_or_else(|_| self.to_hex())
    }

    /// Its 64 hexadecimal digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(self.0.as_bytes())
    }

    /// Its id: what metadata calls it by.
    #[must_use]
    pub fn id(&self) -> KeyId {
        TufKey::of(self).id()
    }

    /// Whether `signature` is this key's over `bytes`, by the strict rules of `verify_strict`.
    #[must_use]
    pub fn verifies(&self, bytes: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(bytes, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()
    }
}

/// What metadata calls a key by: SHA-256 of the canonical JSON of its type, scheme and value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// The id of a key whose canonical form is `bytes`.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        KeyId(hex::encode(Sha256::digest(bytes)))
    }

    /// An id as people type it: whole, or enough of its beginning.
    #[must_use]
    pub fn starts_with(&self, beginning: &str) -> bool {
        !beginning.is_empty() && self.0.starts_with(beginning)
    }

    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A key file cannot be read or written.
    #[error("{file}: {cause}", file = file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the file system answered.
        cause: std::io::Error,
    },
    /// A key file stands where one was to be made.
    #[error("{file}: there is a key already, and a key is never overwritten; choose another name, \
        or move the file away if it is really not needed", file = file.display())]
    Exists {
        /// The file.
        file: PathBuf,
    },
    /// The passphrase does not open the file, or it is none of ours.
    #[error("{file}: cannot be opened: the passphrase is wrong, or the file is no ed25519 key in \
        encrypted PKCS#8 (`BEGIN ENCRYPTED PRIVATE KEY`)", file = file.display())]
    NotOpened {
        /// The file.
        file: PathBuf,
    },
    /// Others could read the file.
    #[error("{file}: mode {mode:04o} lets others read the key; run `chmod 600 {file}` and think about \
        who could have read it", file = file.display())]
    Readable {
        /// The file.
        file: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The key could not be encrypted.
    #[error("the key could not be encrypted: {0}")]
    Encrypt(String),
    /// What should be a public key is none.
    #[error(
        "`{found}` is no ed25519 public key: a PEM file `BEGIN PUBLIC KEY` or 64 hexadecimal digits are needed"
    )]
    NoPublicKey {
        /// What was found.
        found: String,
    },
    /// There is no passphrase to take.
    #[error(
        "no passphrase: name a file with --passphrase-file, set LINESIDE_OTA_PASSPHRASE, \
        or run this in a terminal ({0})"
    )]
    NoPassphrase(std::io::Error),
    /// A passphrase that protects nothing.
    #[error("the passphrase is shorter than {least} characters; choose a longer one")]
    ShortPassphrase {
        /// The least length.
        least: usize,
    },
    /// A name that cannot be a file.
    #[error("`{name}` cannot name a key: 1 to 64 letters, digits, `-` and `_` are needed")]
    Name {
        /// The name.
        name: String,
    },
    /// The signer outside of this program failed.
    #[error("the signer did not sign: {0}")]
    Signer(String),
}
