//! `lineside summarize`: what happened in an incident, in words.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use super::{OneIncident, OneModel};
use crate::cli::exit::Exit;
use crate::cli::terminal::{Paint, print};
use crate::config::slm::TasksConfig;
use crate::slm::description::WordedBy;
use crate::slm::runtime::{Reply, Request, Words};

#[derive(Debug, Args)]
pub(in crate::cli) struct SummarizeArgs {
    #[command(flatten)]
    model: OneModel,
    #[command(flatten)]
    incident: OneIncident,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &SummarizeArgs) -> Result<ExitCode> {
    let case = args.incident.read()?;
    let mut tasks = TasksConfig::default();
    tasks.summarize_incident.model = Some(args.model.model.clone());
    let answer = args.model.ask(tasks, Request::SummarizeIncident(Box::new(case)), None)?.wait()?;
    let Reply::Words(Words { text, fallback }) = &answer.reply else { bail!("the model wrote no words") };
    if args.json {
        let by = super::by(answer.by);
        print(&format!("{:#}\n", json!({"summary": text, "summary_by": by, "fallback": fallback})))?;
    } else {
        print(&format!("{text}\n"))?;
        if answer.by == WordedBy::Rules {
            let label = Paint::stderr().yellow("warning:");
            let why = fallback.as_deref().unwrap_or("not asked");
            eprintln!("{label} these are the words of the rules; the model's were not taken: {why}");
        }
    }
    Ok(Exit::Ok.into())
}
