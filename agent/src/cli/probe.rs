//! `lineside probe`: tries a bundle out and says how it did, as JSON. The updater runs it in a
//! process of its own, under limits.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use lineside_bundle::Bundle;

use super::exit::Exit;
use crate::probe::{ProbeReport, Reason, Verdict, probe};
use crate::update::limits::{self, Limits};
use crate::update::prober::NO_LIMITS;

/// A bundle to try out.
#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// The bundle's tar.
    bundle: PathBuf,
    /// Limits that this process puts on itself.
    #[arg(long)]
    limits: Option<Limits>,
}

/// Tries it out.
///
/// # Errors
/// When the report cannot be written.
pub fn run(args: &ProbeArgs) -> anyhow::Result<ExitCode> {
    if let Some(limits) = &args.limits
        && let Err(error) = limits::apply_to_self(limits)
    {
        eprintln!("the limits cannot be set: {error}");
        return Ok(ExitCode::from(NO_LIMITS));
    }
    let report = match Bundle::open(&args.bundle) {
        Ok(bundle) => probe(&bundle),
        Err(error) => ProbeReport {
            verdict: Verdict::Failed { reason: Reason::LoadFailed, detail: error.to_string() },
            ..ProbeReport::default()
        },
    };
    println!("{}", serde_json::to_string(&report)?);
    Ok(Exit::Ok.into())
}
