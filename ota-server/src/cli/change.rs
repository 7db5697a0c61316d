//! `sign` and `apply`, and the end of every command that makes a change.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::signing::Signing;
use super::terms::TermsArguments;
use crate::keys::KeyId;
use crate::repository::{Change, Repository, Terms};

/// Where a change goes that others sign.
#[derive(Debug, Args)]
pub(super) struct Proposing {
    /// Write the change to this file for others to sign, and change nothing yet
    #[arg(long, value_name = "FILE")]
    pub(super) propose: Option<PathBuf>,
}

/// Shows a change that waits for signatures, and signs it with your keys.
#[derive(Debug, Args)]
pub(super) struct Sign {
    /// The change's file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The bundle that you mean to sign: its digest must be in the change
    #[arg(long, value_name = "BUNDLE")]
    bundle: Option<PathBuf>,
    #[command(flatten)]
    signing: Signing,
}

impl Sign {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut change = read(&self.file)?;
        self.signing.name_keys(&mut change)?;
        say!("{}", change.describe().join("\n"));
        if let Some(bundle) = &self.bundle {
            let (bytes, _) = crate::repository::archive::read(bundle)?;
            let is_in =
                change.models.values().any(|role| role.signed.targets.values().any(|file| file.is(&bytes)));
            anyhow::ensure!(
                is_in,
                "{}: is not among what this change says; do not sign it",
                bundle.display()
            );
        }
        let opened = self.signing.open(&change.wanted())?;
        sign(&mut change, &opened.signers())?;
        anyhow::ensure!(!opened.is_empty(), "none of your keys is asked for; name one with --key or --keys");
        write(&self.file, &change, true)?;
        report(&self.file, &change)
    }
}

/// Puts a change in place that is signed to its thresholds.
#[derive(Debug, Args)]
pub(super) struct Apply {
    /// The change's file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The repository
    #[arg(long, value_name = "DIR")]
    repo: PathBuf,
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    terms: TermsArguments,
}

impl Apply {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let change = read(&self.file)?;
        let repository = Repository::at(&self.repo);
        apply(&repository, &change, &self.signing, &self.terms.now())?;
        say!("{}: put in place in {}", self.file.display(), self.repo.display());
        Ok(())
    }
}

/// Signs the change with what keys there are, and puts it in place or writes it down for others.
/// Returns whether it is in place. Keys `without` are not used though they may be at hand.
pub(super) fn conclude(
    repository: &Repository,
    mut change: Change,
    signing: &Signing,
    proposing: &Proposing,
    without: &[KeyId],
    terms: &Terms,
) -> anyhow::Result<bool> {
    signing.name_keys(&mut change)?;
    if let Some(file) = &proposing.propose {
        let mut wanted = change.wanted();
        wanted.retain(|id| !without.contains(id));
        sign(&mut change, &signing.open(&wanted)?.signers())?;
        write(file, &change, false)?;
        report(file, &change)?;
        return Ok(false);
    }
    let mut wanted = change.wanted();
    wanted.extend(if change.lease.is_none() { online(&change) } else { BTreeSet::new() });
    wanted.retain(|id| !without.contains(id));
    let opened = signing.open(&wanted)?;
    for signer in opened.signers() {
        change.sign(signer)?;
    }
    put(repository, &change, &opened.signers(), terms)?;
    Ok(true)
}

/// Puts the change in place with the online key.
fn apply(repository: &Repository, change: &Change, signing: &Signing, terms: &Terms) -> anyhow::Result<()> {
    let missing = change.missing()?;
    if !missing.is_empty() {
        return Err(crate::repository::RepositoryError::Missing(missing).into());
    }
    if change.lease.is_some() {
        return put(repository, change, &[], terms);
    }
    let opened = signing.open(&online(change))?;
    put(repository, change, &opened.signers(), terms)
}

fn put(
    repository: &Repository,
    change: &Change,
    signers: &[&dyn crate::keys::Signer],
    terms: &Terms,
) -> anyhow::Result<()> {
    match change.lease {
        Some(_) => repository.put_lease(change)?,
        None => drop(repository.apply(change, signers, terms)?),
    }
    Ok(())
}

/// The online keys under the new root, and those under the old, which bridge the two.
fn online(change: &Change) -> BTreeSet<KeyId> {
    // After a theft the old key must not bridge anything.
    let old = change.trusted_root.as_ref().filter(|_| change.root.is_none() || !change.drop_rollouts);
    let roots = change.root.as_ref().into_iter().chain(old);
    roots.flat_map(|root| root.signed.role("timestamp").keyids).collect()
}

fn sign(change: &mut Change, signers: &[&dyn crate::keys::Signer]) -> anyhow::Result<()> {
    for signer in signers {
        let signed = change.sign(*signer)?;
        let id = signer.public().id();
        anyhow::ensure!(!signed.is_empty(), "key {id} is not asked for by this change; sign it with another");
        say!("key {id} signed {}", signed.join(", "));
    }
    Ok(())
}

/// Says what is missing yet.
fn report(file: &Path, change: &Change) -> anyhow::Result<()> {
    let missing = change.missing()?;
    if missing.is_empty() {
        say!("{}: signed to its thresholds; `lineside-ota apply` puts it in place", file.display());
    }
    for missing in missing {
        say!("{}: {missing}", file.display());
    }
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<Change> {
    let bytes = fs::read(file).with_context(|| file.display().to_string())?;
    Change::parse(&bytes).with_context(|| file.display().to_string())
}

/// Writes the change whole: a new file, or a new version of the one there.
fn write(file: &Path, change: &Change, over: bool) -> anyhow::Result<()> {
    let failed = || format!("{}: cannot be written", file.display());
    if !over && file.exists() {
        anyhow::bail!("{}: is there already; choose another name", file.display());
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut beside = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
    beside.write_all(&change.to_bytes()?).and_then(|()| beside.as_file().sync_all()).with_context(failed)?;
    beside.persist(file).with_context(failed)?;
    Ok(())
}
