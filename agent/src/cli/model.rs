//! `lineside model` and `lineside update`: which models run here, and the operator's word on it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use clap::{Args, Subcommand};

use super::exit::Exit;
use super::{ConfigFile, load};
use crate::agent::updates::{UpdateFolder, update_folder};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::update::control::{self, Answer, Request};
use crate::update::event::Event;
use crate::update::show::Listed;

/// Which models run here.
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// The models, what runs and what would come back.
    List(ConfigFile),
    /// What happened to releases here, oldest first.
    History(ConfigFile),
    /// Send the active release back; it is not taken again by itself.
    Rollback(OneModel),
    /// Hold updates of a model off.
    Pin(OneModel),
    /// Let updates of a model in again.
    Unpin(OneModel),
    /// Take a release off the list of those that failed here.
    Allow(Allowed),
}

/// Updates by hand.
#[derive(Debug, Subcommand)]
pub enum UpdateCommand {
    /// Take the newest release from a repository in a folder, such as a USB stick.
    Apply(Apply),
    /// Ask the OTA server now.
    Poll(ConfigFile),
}

/// A model of this gateway.
#[derive(Debug, Args)]
pub struct OneModel {
    /// The model's name.
    #[arg(default_value = crate::agent::updates::DETECTOR)]
    model: String,
    #[command(flatten)]
    file: ConfigFile,
}

/// A release of a model.
#[derive(Debug, Args)]
pub struct Allowed {
    #[command(flatten)]
    model: OneModel,
    /// The release's number.
    #[arg(long)]
    release: u32,
}

/// A repository in a folder.
#[derive(Debug, Args)]
pub struct Apply {
    /// The folder that holds `metadata` and `targets`.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    #[command(flatten)]
    file: ConfigFile,
}

/// Runs `lineside model`.
///
/// # Errors
/// What the agent refuses, or what keeps the update folder from being used.
pub fn run(command: ModelCommand) -> anyhow::Result<ExitCode> {
    let (file, request) = match command {
        ModelCommand::List(file) => (file, Request::List),
        ModelCommand::History(file) => (file, Request::History),
        ModelCommand::Rollback(one) => (one.file, Request::Rollback { model: one.model }),
        ModelCommand::Pin(one) => (one.file, Request::Pin { model: one.model, pinned: true }),
        ModelCommand::Unpin(one) => (one.file, Request::Pin { model: one.model, pinned: false }),
        ModelCommand::Allow(Allowed { model, release }) => {
            (model.file, Request::Allow { model: model.model, release })
        }
    };
    ask(&load(&file.config)?.config, request)
}

/// Runs `lineside update`.
///
/// # Errors
/// As for [`run`].
pub fn update(command: UpdateCommand) -> anyhow::Result<ExitCode> {
    let (file, request) = match command {
        UpdateCommand::Apply(Apply { from, file }) => {
            // The agent may run in another folder.
            let from = std::path::absolute(&from)?;
            (file, Request::Apply { from })
        }
        UpdateCommand::Poll(file) => (file, Request::Poll),
    };
    ask(&load(&file.config)?.config, request)
}

/// The running agent does it; where none runs, this command does.
fn ask(config: &Config, request: Request) -> anyhow::Result<ExitCode> {
    let answer = match control::ask(&update_folder(config), &request)? {
        Some(answer) => answer,
        None if request == Request::Poll => bail!("no agent runs here: start it, and it asks by itself"),
        None => UpdateFolder::open(config, Arc::new(SystemClock::new()))?.answer(config, request)?,
    };
    match answer {
        Answer::Done => println!("done"),
        Answer::Models(models) => models.iter().for_each(print_model),
        Answer::History(events) => events.iter().for_each(print_event),
        Answer::Applied(models) => models.iter().for_each(|(model, word)| println!("{model}: {word}")),
        Answer::Refused(why) => bail!("{why}"),
    }
    Ok(Exit::Ok.into())
}

fn print_model(listed: &Listed) {
    let Listed { model, version, release, factory, stage, previous, floor, pinned, safe_mode, denied } =
        listed;
    let origin = if *factory { "factory model" } else { "signed update" };
    println!(
        "{model} {version} (release {release}, {origin}), {stage}, before it: {previous}, floor: {floor}"
    );
    if *pinned {
        println!("  pinned: takes no updates until `lineside model unpin {model}`");
    }
    if *safe_mode {
        println!("  safe mode: a proven model was lost, the factory model runs");
    }
    for (release, reason) in denied {
        println!(
            "  release {release} failed here ({reason}); again: `lineside model allow {model} --release {release}`"
        );
    }
}

fn print_event(event: &Event) {
    let Event { time, model, release, phase, reason, detail, .. } = event;
    println!("{time}  {model} release {release}  {:<12}{reason}  {detail}", phase.as_str());
}
