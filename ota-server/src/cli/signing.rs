//! Which keys sign.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;

use crate::keys::passphrase::Asker;
use crate::keys::{KeyFile, KeyFolder, KeyId, PublicKey, Signer};
use crate::repository::{Change, State};

/// Which keys sign.
#[derive(Debug, Args)]
pub(super) struct Signing {
    /// A folder of keys; those that are asked for are opened, and no others
    #[arg(long, value_name = "KEYDIR")]
    pub(super) keys: Option<PathBuf>,
    /// A single key, such as the online one; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(super) key: Vec<PathBuf>,
    /// The passphrase's file; else LINESIDE_OTA_PASSPHRASE, else you are asked
    #[arg(long, value_name = "FILE")]
    pub(super) passphrase_file: Option<PathBuf>,
}

/// Keys that were opened.
pub(super) struct Opened(Vec<KeyFile>);

impl Opened {
    pub(super) fn signers(&self) -> Vec<&dyn Signer> {
        self.0.iter().map(|key| key as &dyn Signer).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Signing {
    pub(super) fn asker(&self) -> Asker {
        Asker::from_process(self.passphrase_file.clone())
    }

    /// Opens the single keys, and those of the folder that are among `wanted`.
    pub(super) fn open(&self, wanted: &BTreeSet<KeyId>) -> anyhow::Result<Opened> {
        let asker = self.asker();
        let mut opened: Vec<KeyFile> = Vec::new();
        for file in &self.key {
            opened.push(KeyFile::open(file, &asker.existing(&file.display().to_string())?)?);
        }
        if let Some(folder) = &self.keys {
            let there: BTreeSet<KeyId> = opened.iter().map(|key| key.public().id()).collect();
            let others: Vec<KeyId> = wanted.difference(&there).cloned().collect();
            opened.extend(KeyFolder::new(folder).open(&others, &asker)?);
        }
        Ok(Opened(opened))
    }

    /// Writes what people call the keys of the folder into the change.
    pub(super) fn name_keys(&self, change: &mut Change) -> anyhow::Result<()> {
        if let Some(folder) = &self.keys {
            change
                .names
                .extend(KeyFolder::new(folder).keys()?.into_iter().map(|key| (key.public.id(), key.name)));
        }
        Ok(())
    }
}

/// The online key's id.
pub(super) fn online(state: &State) -> BTreeSet<KeyId> {
    state.root.signed.role("timestamp").keyids.into_iter().collect()
}

/// The targets keys' ids, and the online key's.
pub(super) fn publishing(state: &State) -> BTreeSet<KeyId> {
    let mut ids = online(state);
    ids.extend(state.root.signed.role("targets").keyids);
    ids
}

/// A public key given as a PEM file or as 64 hexadecimal digits.
pub(super) fn public_key(text: &str) -> anyhow::Result<PublicKey> {
    match std::fs::read_to_string(text) {
        Ok(pem) => Ok(PublicKey::from_pem(&pem)?),
        Err(_) if text.len() == 64 => Ok(PublicKey::from_hex(text)?),
        Err(cause) => {
            anyhow::bail!("{text}: {cause}; give the key's `.pub` file or its 64 hexadecimal digits")
        }
    }
}
