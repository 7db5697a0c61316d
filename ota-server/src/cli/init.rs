//! `init`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;

use super::change::{Proposing, conclude};
use super::signing::{Signing, public_key};
use super::terms::TermsArguments;
use crate::keys::{KeyFolder, PublicKey, Signer};
use crate::repository::{InitialKeys, Repository};

/// Makes a repository, and the keys that are not there yet.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// The new repository's folder
    #[arg(value_name = "DIR")]
    repository: PathBuf,
    /// How many root keys there are: `root-1`, `root-2`, …
    #[arg(long, value_name = "N", default_value_t = 2)]
    root_keys: u8,
    /// How many root keys must sign
    #[arg(long, value_name = "N", default_value_t = 1)]
    root_threshold: u64,
    /// How many targets keys there are: `targets-1`, `targets-2`, …
    #[arg(long, value_name = "N", default_value_t = 1)]
    targets_keys: u8,
    /// How many targets keys must sign a release
    #[arg(long, value_name = "N", default_value_t = 1)]
    targets_threshold: u64,
    /// Public root keys of other people, in place of keys made here
    #[arg(long, value_name = "PUB")]
    root_pub: Vec<String>,
    /// Public targets keys of other people, in place of keys made here
    #[arg(long, value_name = "PUB")]
    targets_pub: Vec<String>,
    /// The online key made elsewhere, in place of one made here
    #[arg(long, value_name = "PUB")]
    online_pub: Option<String>,
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    proposing: Proposing,
    #[command(flatten)]
    terms: TermsArguments,
}

impl Init {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let repository = Repository::at(&self.repository);
        let root = self.keys("root", self.root_keys, &self.root_pub)?;
        let targets = self.keys("targets", self.targets_keys, &self.targets_pub)?;
        let online = match &self.online_pub {
            Some(text) => public_key(text)?,
            None => self.made("online")?,
        };
        let keys = InitialKeys {
            root,
            root_threshold: self.root_threshold,
            targets,
            targets_threshold: self.targets_threshold,
            online,
        };
        let terms = self.terms.now();
        let mut change = keys.propose(&terms)?;
        for text in self.root_pub.iter().chain(&self.targets_pub).chain(&self.online_pub) {
            let name = Path::new(text).file_stem().map(|name| name.to_string_lossy().into_owned());
            change
                .names
                .extend(name.map(|name| Ok::<_, anyhow::Error>((public_key(text)?.id(), name))).transpose()?);
        }
        let done = conclude(&repository, change, &self.signing, &self.proposing, &[], &terms)?;
        if done {
            let root = self.repository.join("metadata/1.root.json");
            say!("made {}; devices are built with {}", self.repository.display(), root.display());
        }
        Ok(())
    }

    fn keys(&self, task: &str, count: u8, given: &[String]) -> anyhow::Result<Vec<PublicKey>> {
        if !given.is_empty() {
            return given.iter().map(|text| public_key(text)).collect();
        }
        (1..=count).map(|number| self.made(&format!("{task}-{number}"))).collect()
    }

    /// The key `name` of the folder, made if it is not there.
    fn made(&self, name: &str) -> anyhow::Result<PublicKey> {
        let folder = self.signing.keys.as_ref().context("name a folder for the keys with --keys")?;
        let folder = KeyFolder::new(folder);
        if let Some(key) = folder.named(name)? {
            return Ok(key.public);
        }
        Ok(folder.create(name, &self.signing.asker(), &mut UnwrapErr(SysRng))?.public())
    }
}
