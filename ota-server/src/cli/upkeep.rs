//! `refresh`, `renew`, `lease`, `verify` and `export`.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;

use super::change::{Proposing, conclude};
use super::signing::{Signing, online};
use super::terms::TermsArguments;
use crate::repository::Repository;
use crate::tuf::time;

/// Signs again what the online key says, before it expires.
#[derive(Debug, Args)]
pub(super) struct Refresh {
    /// The repository
    #[arg(long, value_name = "DIR")]
    repo: PathBuf,
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    terms: TermsArguments,
}

impl Refresh {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let repository = Repository::at(&self.repo);
        let opened = self.signing.open(&online(&repository.state()?))?;
        let refreshed = repository.refresh(&opened.signers(), &self.terms.now())?;
        let applied = refreshed.applied;
        say!("timestamp version {}, snapshot version {}", applied.timestamp, applied.snapshot);
        for (role, end) in refreshed.expiring {
            let how = if role == "root" { "key ceremony start" } else { "renew" };
            say!("{role} expires at {}: sign it again with `lineside-ota {how}`", time::text(end));
        }
        Ok(())
    }
}

/// Signs targets and the models' roles for another year.
#[derive(Debug, Args)]
pub(super) struct Renew {
    /// The repository
    #[arg(long, value_name = "DIR")]
    repo: PathBuf,
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    proposing: Proposing,
    #[command(flatten)]
    terms: TermsArguments,
}

impl Renew {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let repository = Repository::at(&self.repo);
        let terms = self.terms.now();
        let change = repository.propose_renewal(&terms)?;
        if conclude(&repository, change, &self.signing, &self.proposing, &[], &terms)? {
            let end = time::text(terms.end(terms.expiries.targets));
            say!("targets and the models' roles count until {end}");
        }
        Ok(())
    }
}

/// Lets a copy without network count as fresh for longer.
#[derive(Debug, Args)]
pub(super) struct Lease {
    /// The copy, as `export` made it
    #[arg(long, value_name = "DIR")]
    repo: PathBuf,
    /// Until when it counts as fresh, such as 2027-03-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    expires: Timestamp,
    /// The time as of which it is judged; now, if not given
    #[arg(long, value_name = "TIME")]
    as_of: Option<Timestamp>,
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    proposing: Proposing,
    #[command(flatten)]
    terms: TermsArguments,
}

impl Lease {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let repository = Repository::at(&self.repo);
        let terms = self.terms.now();
        let change = repository.propose_lease(self.as_of.unwrap_or(terms.now), self.expires)?;
        if conclude(&repository, change, &self.signing, &self.proposing, &[], &terms)? {
            say!("{}: counts as fresh until {}", self.repo.display(), time::text(self.expires));
        }
        Ok(())
    }
}

/// Checks every signature and every file.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The repository
    #[arg(long, value_name = "DIR")]
    repo: PathBuf,
    /// The root that you trust; else the repository's first one
    #[arg(long, value_name = "ROOT")]
    root: Option<PathBuf>,
}

impl Verify {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let read = |file: &PathBuf| std::fs::read(file).with_context(|| file.display().to_string());
        let root = self.root.as_ref().map(read).transpose()?;
        let report = Repository::at(&self.repo).verify(root.as_deref(), Timestamp::now())?;
        say!("{report}");
        anyhow::ensure!(
            report.expired.is_empty(),
            "{} expired: run `lineside-ota refresh`, or have the offline keys sign again",
            report.expired.join(", ")
        );
        Ok(())
    }
}

/// Copies what counts now to another folder, such as a USB stick.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// The repository
    #[arg(long, value_name = "DIR")]
    repo: PathBuf,
    /// The folder to copy to; an earlier copy there is brought up to date
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

impl Export {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let exported = Repository::at(&self.repo).export(&self.to)?;
        say!("{}: {} files, {} bytes", self.to.display(), exported.files, exported.bytes);
        if !exported.leased {
            say!(
                "without network it counts until its timestamp expires; `lineside-ota lease` makes it longer"
            );
        }
        Ok(())
    }
}
