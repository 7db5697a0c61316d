//! `lineside report`: what happened in the last hours, as the running agent tells it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::cli::exit::Exit;
use crate::cli::terminal::print;
use crate::clock::{Clock, SystemClock};
use crate::config::Span;
use crate::config::slm::SlmApiConfig;
use crate::slm::api::{auth, client};

#[derive(Debug, Args)]
pub(in crate::cli) struct ReportArgs {
    /// How far it looks back, such as 8h.
    #[arg(long, value_name = "SPAN", default_value = "8h")]
    since: Span,
    /// The agent's TOML file, for where its API listens.
    #[arg(long, short, value_name = "FILE", default_value = "agent.toml")]
    config: PathBuf,
    /// Print what the agent answers as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ReportArgs) -> Result<ExitCode> {
    let SlmApiConfig { enabled, listen, token_file, .. } = crate::cli::load(&args.config)?.config.slm.api;
    ensure!(
        enabled,
        "{}: slm.api.enabled is false, so the agent cannot be asked; set it to true and start the agent again",
        args.config.display()
    );
    let token = token_file.as_deref().map(auth::read).transpose()?;
    let to = SystemClock::new().now();
    let period = json!({"from": to.minus(args.since.0).to_rfc3339(), "to": to.to_rfc3339()});
    let answer = client::post(listen, "/v1/report", token.as_deref(), &period)?;
    if args.json {
        print(&format!("{answer:#}\n"))?;
    } else {
        let Some(Value::String(report)) = answer.get("report") else { bail!("{listen} sent no report") };
        print(&format!("{report}\n"))?;
    }
    Ok(Exit::Ok.into())
}
