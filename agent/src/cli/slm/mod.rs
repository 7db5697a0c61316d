//! Language models from the command line, in a process of their own: no agent need run.

mod classify;
mod generate;
mod report;
mod summarize;

pub(super) use classify::ClassifyArgs;
pub(super) use generate::GenerateArgs;
pub(super) use report::ReportArgs;
pub(super) use summarize::SummarizeArgs;

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;

use crate::clock::SystemClock;
use crate::config::slm::TasksConfig;
use crate::config::{ByteSize, Config, SlmConfig};
use crate::slm::api::incident;
use crate::slm::case::Case;
use crate::slm::description::WordedBy;
use crate::slm::runtime::{Answer, Call, Pieces, Priority, Request, Runtime, Ticket};

/// A command has all of the machine's memory: it holds one model, and whoever typed it wants it.
const MEMORY: ByteSize = ByteSize(1 << 40);

#[derive(Debug, Args)]
pub(super) struct OneModel {
    /// The model's bundle: a tar or a folder.
    #[arg(long, value_name = "BUNDLE")]
    model: PathBuf,
    #[command(flatten)]
    how: How,
}

/// How a model is asked.
#[derive(Debug, Args)]
pub(super) struct How {
    /// Threads that the model may use.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    threads: u32,
    /// Say on the standard error output what the answer took.
    #[arg(long, short)]
    verbose: bool,
}

/// An incident to be told of.
#[derive(Debug, Args)]
pub(super) struct OneIncident {
    /// The incident as JSON, as the agent publishes it; `-` reads the standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// Free text that belongs to it, such as an alarm of the machine; may be repeated.
    #[arg(long, value_name = "TEXT")]
    note: Vec<String>,
}

pub(super) fn summarize(args: &SummarizeArgs) -> Result<ExitCode> {
    summarize::run(args)
}

pub(super) fn classify(args: &ClassifyArgs) -> Result<ExitCode> {
    classify::run(args)
}

pub(super) fn generate(args: &GenerateArgs) -> Result<ExitCode> {
    generate::run(args)
}

pub(super) fn report(args: &ReportArgs) -> Result<ExitCode> {
    report::run(args)
}

/// A request that is under way, with the model that answers it.
struct Asked {
    ticket: Ticket,
    runtime: Runtime,
    verbose: bool,
}

impl OneModel {
    /// Asks the model alone. `tasks` names it for the task that is asked for.
    fn ask(&self, mut tasks: TasksConfig, request: Request, pieces: Option<Pieces>) -> Result<Asked> {
        tasks.classify_incident.built_in = false;
        self.how.ask(tasks, request, pieces)
    }
}

impl How {
    /// Asks the model that `tasks` names for the task that is asked for.
    fn ask(&self, tasks: TasksConfig, request: Request, pieces: Option<Pieces>) -> Result<Asked> {
        let slm = SlmConfig { task: tasks, threads: self.threads, memory: MEMORY, ..SlmConfig::default() };
        let config = Config { slm, ..Config::default() };
        let runtime = Runtime::start(&config, Arc::new(SystemClock::new()))?;
        let ticket = runtime.ask(Call::new(request, Priority::Interactive, None), pieces);
        Ok(Asked { ticket, runtime, verbose: self.verbose })
    }
}

impl Asked {
    fn wait(self) -> Result<Answer> {
        let answer = self.ticket.wait()?;
        self.runtime.stop();
        if self.verbose {
            let Answer { model, version, usage, .. } = &answer;
            eprintln!(
                "{model} {version}: {} tokens in, {} out, {:.0} ms of a processor, {:.0} ms with loading",
                usage.tokens_in,
                usage.tokens_out,
                usage.cpu.as_secs_f64() * 1e3,
                usage.took.as_secs_f64() * 1e3
            );
        }
        Ok(answer)
    }
}

impl OneIncident {
    fn read(&self) -> Result<Case> {
        let what = name(&self.file);
        let value = serde_json::from_str(&text(&self.file)?).with_context(|| format!("{what}: no JSON"))?;
        let case = incident::read(&value, "", &[])
            .map_err(|error| anyhow::anyhow!("{what}: {}", error.detail.message))?;
        Ok(Case { notes: self.note.clone(), ..case })
    }
}

/// The text of a file, or of the standard input.
fn text(file: &Path) -> Result<String> {
    let read = || match file.as_os_str() == "-" {
        true => {
            let mut text = String::new();
            io::stdin().lock().read_to_string(&mut text).map(|_| text)
        }
        false => std::fs::read_to_string(file),
    };
    read().with_context(|| name(file))
}

fn name(file: &Path) -> String {
    if file.as_os_str() == "-" { "standard input".into() } else { file.display().to_string() }
}

fn by(by: WordedBy) -> &'static str {
    match by {
        WordedBy::Rules => "rules",
        WordedBy::Model => "model",
        WordedBy::Escalation => "escalation",
    }
}
