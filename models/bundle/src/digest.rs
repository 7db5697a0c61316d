//! SHA-256 digests as the manifest writes them.

use std::fmt;
use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A SHA-256 digest, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256Hex(String);

/// Hexadecimal digits of a SHA-256 digest: 32 bytes, two digits each.
const DIGITS: usize = 64;
/// Large enough that the calls cost nothing beside the hashing.
const READ: usize = 64 << 10;

impl Sha256Hex {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Sha256Hex(hex::encode(Sha256::digest(bytes)))
    }

    /// The digest of all that `reader` has left; in constant memory.
    ///
    /// # Errors
    /// What the reader answers.
    pub fn of_reader(mut reader: impl Read) -> io::Result<Self> {
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; READ];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(Sha256Hex(hex::encode(hasher.finalize()))),
                Ok(read) => hasher.update(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Sha256Hex {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let hex = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if hex && text.len() == DIGITS {
            Ok(Sha256Hex(text))
        } else {
            Err(format!("`{text}` is no SHA-256 digest: {DIGITS} digits 0-9 a-f are needed"))
        }
    }
}

impl From<Sha256Hex> for String {
    fn from(digest: Sha256Hex) -> String {
        digest.0
    }
}

impl fmt::Display for Sha256Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_standard() {
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Sha256Hex::of(b"abc").as_str(), abc);
        let long = vec![7; 3 * READ + 1];
        assert_eq!(Sha256Hex::of_reader(&*long).unwrap(), Sha256Hex::of(&long));
    }

    #[test]
    fn upper_case_and_wrong_lengths_are_refused() {
        assert!(Sha256Hex::try_from("A".repeat(DIGITS)).is_err());
        assert!(Sha256Hex::try_from("a".repeat(DIGITS - 1)).is_err());
        assert!(Sha256Hex::try_from("a".repeat(DIGITS)).is_ok());
    }
}
