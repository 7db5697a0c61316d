//! `lineside status`: asks the running agent how it is.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::ensure;
use clap::Args;

use super::exit::Exit;
use super::terminal::{Paint, print};
use crate::config::StatusConfig;
use crate::status::{client, page::page};

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// The agent's TOML file, for the address; without it the default address is asked.
    #[arg(long, short, value_name = "FILE", conflicts_with = "address")]
    config: Option<PathBuf>,
    /// The agent's address, such as 127.0.0.1:9480.
    #[arg(long, short, value_name = "ADDRESS")]
    address: Option<SocketAddr>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &StatusArgs) -> anyhow::Result<ExitCode> {
    let report = client::report(address(args)?)?;
    if args.json {
        print(&format!("{}\n", serde_json::to_string_pretty(&report)?))?;
    } else {
        print(&page(&report, Paint::stdout()))?;
    }
    Ok(Exit::Ok.into())
}

fn address(args: &StatusArgs) -> anyhow::Result<SocketAddr> {
    let Some(path) = &args.config else {
        return Ok(args.address.unwrap_or(StatusConfig::default().listen));
    };
    let status = super::load(path)?.config.status;
    ensure!(
        status.enabled,
        "{}: status.enabled is false, so the agent has no page to ask; set it to true and start the agent again",
        path.display()
    );
    Ok(status.listen)
}
