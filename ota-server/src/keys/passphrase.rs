//! Where a passphrase comes from.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::KeyError;

/// The environment variable that holds the passphrase where there is nobody to ask.
pub const VARIABLE: &str = "LINESIDE_OTA_PASSPHRASE";
/// Shorter ones are guessed, whatever the cost of a guess.
const LEAST: usize = 8;

/// A passphrase, wiped from memory when dropped.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// This passphrase.
    #[must_use]
    pub fn new(text: String) -> Self {
        Passphrase(Zeroizing::new(text))
    }

    /// The first line of `file`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn from_file(file: &Path) -> Result<Self, KeyError> {
        let text = std::fs::read_to_string(file)
            .map_err(|cause| KeyError::File { file: file.to_owned(), cause })
            .map(Zeroizing::new)?;
        Ok(Passphrase(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned())))
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Whether it may protect a new key.
    ///
    /// # Errors
    /// When it is too short.
    pub fn long_enough(&self) -> Result<(), KeyError> {
        match self.0.chars().count() {
            length if length < LEAST => Err(KeyError::ShortPassphrase { least: LEAST }),
            _ => Ok(()),
        }
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

/// Takes passphrases from the first place that has one: file, environment, terminal.
#[derive(Clone, Debug, Default)]
pub struct Asker {
    /// A file that holds it.
    pub file: Option<PathBuf>,
    /// What the environment variable says.
    pub environment: Option<Passphrase>,
}

impl Asker {
    /// Asks the file if there is one, else this process's environment, else people.
    #[must_use]
    pub fn from_process(file: Option<PathBuf>) -> Self {
        Asker { file, environment: std::env::var(VARIABLE).ok().map(Passphrase::new) }
    }

    /// The passphrase of the key that people know as `name`.
    ///
    /// # Errors
    /// When there is nowhere to take it from.
    pub fn existing(&self, name: &str) -> Result<Passphrase, KeyError> {
        match (&self.file, &self.environment) {
            (Some(file), _) => Passphrase::from_file(file),
            (None, Some(passphrase)) => Ok(passphrase.clone()),
            (None, None) => prompt(&format!("Passphrase of {name}: ")),
        }
    }

    /// A passphrase for a new key: people type it twice.
    ///
    /// # Errors
    /// When there is nowhere to take it from, the two differ, or it is too short.
    pub fn new_one(&self, name: &str) -> Result<Passphrase, KeyError> {
        let passphrase = self.existing(&format!("the new key {name}"))?;
        passphrase.long_enough()?;
        if self.file.is_none() && self.environment.is_none() {
            let again = prompt("The same again: ")?;
            if again.as_bytes() != passphrase.as_bytes() {
                return Err(KeyError::NoPassphrase(std::io::Error::other("the two differ")));
            }
        }
        Ok(passphrase)
    }
}

fn prompt(question: &str) -> Result<Passphrase, KeyError> {
    rpassword::prompt_password(question).map(Passphrase::new).map_err(KeyError::NoPassphrase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_before_the_environment_and_only_its_first_line_counts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("passphrase");
        std::fs::write(&file, "from the file\nand a note\n").unwrap();
        let environment = Some(Passphrase::new("from the environment".into()));
        let both = Asker { file: Some(file), environment: environment.clone() };
        assert_eq!(both.existing("k").unwrap().as_bytes(), b"from the file");
        let one = Asker { file: None, environment };
        assert_eq!(one.existing("k").unwrap().as_bytes(), b"from the environment");
    }

    #[test]
    fn a_new_key_refuses_a_passphrase_that_is_guessed_at_once() {
        let asker = Asker { file: None, environment: Some(Passphrase::new("1234567".into())) };
        assert!(matches!(asker.new_one("k"), Err(KeyError::ShortPassphrase { .. })));
    }

    #[test]
    fn a_passphrase_is_not_printed() {
        assert!(!format!("{:?}", Passphrase::new("hunter2hunter2".into())).contains("hunter"));
    }
}
