//! A folder of keys: `NAME.pem` with the secret, `NAME.pub` beside it for everybody.

use std::fs;
use std::path::{Path, PathBuf};

use rand::CryptoRng;

use super::passphrase::Asker;
use super::{KeyError, KeyFile, KeyId, PublicKey};

/// The longest name.
const MAX_NAME: usize = 64;

/// A folder of keys.
#[derive(Clone, Debug)]
pub struct KeyFolder {
    folder: PathBuf,
}

/// A key of the folder, not opened.
#[derive(Clone, Debug)]
pub struct NamedKey {
    /// Its name.
    pub name: String,
    /// Its public half.
    pub public: PublicKey,
    /// Where its secret lies, if it is here.
    pub secret: Option<PathBuf>,
}

impl KeyFolder {
    /// The folder at `folder`; it is made, closed to others, when the first key is.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        KeyFolder { folder: folder.to_owned() }
    }

    /// Makes the key `name`.
    ///
    /// # Errors
    /// When there is one of that name, or it cannot be written.
    pub fn create(
        &self,
        name: &str,
        asker: &Asker,
        random: &mut impl CryptoRng,
    ) -> Result<KeyFile, KeyError> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(fits) {
            return Err(KeyError::Name { name: name.to_owned() });
        }
        let failed = |file: &Path, cause| KeyError::File { file: file.to_owned(), cause };
        if !self.folder.is_dir() {
            use std::os::unix::fs::DirBuilderExt;
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder);
            made.map_err(|cause| failed(&self.folder, cause))?;
        }
        let (secret, public) = (self.path(name, "pem"), self.path(name, "pub"));
        if let Some(file) = [&secret, &public].into_iter().find(|file| file.exists()) {
            return Err(KeyError::Exists { file: file.clone() });
        }
        let key = KeyFile::create(&secret, &asker.new_one(name)?, random)?;
        fs::write(&public, super::Signer::public(&key).to_pem()).map_err(|cause| failed(&public, cause))?;
        Ok(key)
    }

    /// All keys, by name.
    ///
    /// # Errors
    /// When the folder or one of its `.pub` files cannot be read.
    pub fn keys(&self) -> Result<Vec<NamedKey>, KeyError> {
        let failed = |file: &Path, cause| KeyError::File { file: file.to_owned(), cause };
        let mut keys = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(|cause| failed(&self.folder, cause))? {
            let file = entry.map_err(|cause| failed(&self.folder, cause))?.path();
            let Some(name) = file.file_stem().and_then(|stem| stem.to_str()) else { continue };
            if file.extension().is_none_or(|extension| extension != "pub") {
                continue;
            }
            let text = fs::read_to_string(&file).map_err(|cause| failed(&file, cause))?;
            let secret = Some(self.path(name, "pem")).filter(|secret| secret.exists());
            keys.push(NamedKey { name: name.to_owned(), public: PublicKey::from_pem(&text)?, secret });
        }
        keys.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(keys)
    }

    /// The key called `name`, if there is one.
    ///
    /// # Errors
    /// As for [`KeyFolder::keys`].
    pub fn named(&self, name: &str) -> Result<Option<NamedKey>, KeyError> {
        if !self.folder.is_dir() {
            return Ok(None);
        }
        Ok(self.keys()?.into_iter().find(|key| key.name == name))
    }

    /// Opens those of the wanted keys whose secret lies here, and no other: nobody is asked for a
    /// passphrase in vain.
    ///
    /// # Errors
    /// When one cannot be opened, or is not the one its `.pub` file says.
    pub fn open(&self, wanted: &[KeyId], asker: &Asker) -> Result<Vec<KeyFile>, KeyError> {
        let mut opened = Vec::new();
        for key in self.keys()? {
            let Some(secret) = &key.secret else { continue };
            if wanted.contains(&key.public.id()) {
                let file = KeyFile::open(secret, &asker.existing(&key.name)?)?;
                if super::Signer::public(&file) != key.public {
                    return Err(KeyError::NotOpened { file: secret.clone() });
                }
                opened.push(file);
            }
        }
        Ok(opened)
    }

    fn path(&self, name: &str, extension: &str) -> PathBuf {
        self.folder.join(format!("{name}.{extension}"))
    }
}

#[cfg(test)]
mod tests {
    use rand::rand_core::UnwrapErr;
    use rand::rngs::SysRng;

    use super::*;
    use crate::keys::{Passphrase, Signer};

    #[test]
    fn only_keys_that_are_asked_for_are_opened_and_only_if_they_are_what_they_say() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFolder::new(&folder.path().join("keys"));
        let asker = |text: &str| Asker { file: None, environment: Some(Passphrase::new(text.into())) };
        let (one, other) = (asker("passphrase of one"), asker("passphrase of another"));
        let anna = keys.create("anna", &one, &mut UnwrapErr(SysRng)).unwrap();
        let bert = keys.create("bert", &other, &mut UnwrapErr(SysRng)).unwrap();
        // The passphrase opens one of them: the other is not touched.
        let opened = keys.open(&[anna.public().id()], &one).unwrap();
        assert_eq!(opened.iter().map(Signer::public).collect::<Vec<_>>(), [anna.public()]);
        assert!(keys.open(&[bert.public().id()], &one).is_err());
        fs::copy(keys.path("bert", "pub"), keys.path("anna", "pub")).unwrap();
        assert!(keys.open(&[bert.public().id()], &one).is_err());
    }

    #[test]
    fn a_name_with_a_path_in_it_is_no_name() {
        let keys = KeyFolder::new(Path::new("nowhere"));
        for name in ["", "../root", "a/b", ".", &"x".repeat(65)] {
            let made = keys.create(name, &Asker::default(), &mut UnwrapErr(SysRng));
            assert!(matches!(made, Err(KeyError::Name { .. })), "{name}");
        }
    }
}
