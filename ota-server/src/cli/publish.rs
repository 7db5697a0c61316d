//! `publish` and `permit-downgrade`.

use std::path::PathBuf;

use clap::Args;

use super::change::{Proposing, conclude};
use super::signing::{Signing, publishing};
use super::terms::TermsArguments;
use crate::repository::{PublishOptions, Published, Repository};

/// Publishes a bundle as the next release of its model.
#[derive(Debug, Args)]
pub(super) struct Publish {
    /// The bundle: a tar that `lineside bundle pack` made
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// The repository
    #[arg(long, value_name = "DIR")]
    repo: PathBuf,
    /// Make patches from so many of the last releases
    #[arg(long, value_name = "N", default_value_t = PublishOptions::default().patches)]
    patches: usize,
    /// Let this release replace any up to that one, though it is lower
    #[arg(long, value_name = "RELEASE", default_value_t = 0)]
    permits_downgrade_from: u32,
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    proposing: Proposing,
    #[command(flatten)]
    terms: TermsArguments,
}

impl Publish {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let repository = Repository::at(&self.repo);
        let terms = self.terms.now();
        let options =
            PublishOptions { patches: self.patches, permits_downgrade_from: self.permits_downgrade_from };
        if self.proposing.propose.is_some() {
            let (change, published) = repository.propose_publish(&self.bundle, &options, &terms)?;
            conclude(&repository, change, &self.signing, &self.proposing, &[], &terms)?;
            tell("proposed", &published);
            return Ok(());
        }
        let opened = self.signing.open(&publishing(&repository.state()?))?;
        let published = repository.publish(&self.bundle, &opened.signers(), &options, &terms)?;
        tell("published", &published);
        Ok(())
    }
}

fn tell(what: &str, published: &Published) {
    let release = &published.release;
    say!("{what} {} ({} bytes, sha256 {})", release.target, release.length, release.sha256);
    let made: Vec<String> =
        published.patches.iter().map(|(from, bytes)| format!("from release {from} {bytes} bytes")).collect();
    if !made.is_empty() {
        say!("patches: {}", made.join(", "));
    }
}

/// Lets a release replace higher ones.
#[derive(Debug, Args)]
pub(super) struct PermitDowngrade {
    /// The model's name
    #[arg(value_name = "MODEL")]
    model: String,
    /// The release that devices should go back to
    #[arg(value_name = "RELEASE")]
    release: u32,
    /// The highest release that it may replace
    #[arg(long, value_name = "RELEASE")]
    from: u32,
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

impl PermitDowngrade {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let repository = Repository::at(&self.repo);
        let terms = self.terms.now();
        let change = repository.propose_downgrade(&self.model, self.release, self.from, &terms)?;
        if conclude(&repository, change, &self.signing, &self.proposing, &[], &terms)? {
            let Self { model, release, from, .. } = self;
            say!("release {release} of {model} may replace any up to release {from}");
        }
        Ok(())
    }
}
