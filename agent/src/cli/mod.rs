//! The command line: what `lineside` takes and which room does it.

mod bench;
mod bundle;
mod config;
pub mod diagnosis;
pub mod eval;
pub mod exit;
mod export_retraining;
pub mod features;
mod model;
mod numpy;
mod probe;
mod recordings;
pub mod replay;
pub mod run;
mod scratch;
mod slm;
mod status;
pub mod terminal;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, ConfigErrors, ENV_PREFIX, Loaded};
use crate::status::client::ClientError;
use exit::Exit;
use terminal::Paint;

/// Watches machines from a gateway: reads their sensors, notices when one goes wrong, says what
/// happened, and delivers it to a control room.
#[derive(Debug, Parser)]
#[command(name = "lineside", version, propagate_version = true, after_help = exit::HELP)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the agent until it is told to stop.
    Run(ConfigFile),
    /// Write, check or describe a configuration.
    #[command(subcommand)]
    Config(config::Command),
    /// Run recordings through the pipeline and print incidents as they happen.
    Replay(replay::ReplayArgs),
    /// Score labelled recordings by event, beside detectors that look at no sensor.
    Eval(eval::EvalArgs),
    /// Pack, show, check or try a model bundle.
    #[command(subcommand)]
    Bundle(bundle::Command),
    /// Ask the running agent how it is.
    Status(status::StatusArgs),
    /// Write what a retraining needs into a folder, on this machine.
    ExportRetraining(export_retraining::ExportArgs),
    /// Say which models run here, send one back, hold updates off.
    #[command(subcommand)]
    Model(model::ModelCommand),
    /// Bring updates by hand.
    #[command(subcommand)]
    Update(model::UpdateCommand),
    /// Say in words what happened in an incident.
    Summarize(slm::SummarizeArgs),
    /// Say what a short text or an incident is about.
    Classify(slm::ClassifyArgs),
    /// Continue a text or answer it, piece by piece.
    Generate(slm::GenerateArgs),
    /// Ask the running agent what happened in the last hours, in words.
    Report(slm::ReportArgs),
    /// Measure what a model costs here.
    #[command(subcommand)]
    Bench(bench::Command),
    /// Try a bundle out under limits; for the updater.
    #[command(hide = true)]
    Probe(probe::ProbeArgs),
}

/// The configuration to work with.
#[derive(Debug, Args)]
pub struct ConfigFile {
    /// The agent's TOML file; variables such as `LINESIDE__MQTT__HOST` override single keys.
    #[arg(long, short, value_name = "FILE", default_value = "agent.toml")]
    config: PathBuf,
}

/// The whole command: reads the arguments, does what they ask, says what went wrong.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match dispatch(cli.command) {
        Ok(code) => code,
        Err(error) => {
            let label = Paint::stderr().red("error:");
            for line in format!("{error:#}").lines() {
                eprintln!("{label} {line}");
            }
            exit_of(&error).into()
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Run(file) => run::run(load(&file.config)?),
        Command::Config(command) => config::run(command),
        Command::Replay(args) => replay::run(&args, &load(&args.config)?.config),
        Command::Eval(args) => eval::run(&args, &load(&args.config)?.config),
        Command::Bundle(command) => bundle::run(command),
        Command::Status(args) => status::run(&args),
        Command::ExportRetraining(args) => export_retraining::run(&args),
        Command::Model(command) => model::run(command),
        Command::Update(command) => model::update(command),
        Command::Summarize(args) => slm::summarize(&args),
        Command::Classify(args) => slm::classify(&args),
        Command::Generate(args) => slm::generate(&args),
        Command::Report(args) => slm::report(&args),
        Command::Bench(command) => bench::run(command),
        Command::Probe(args) => probe::run(&args),
    }
}

/// Loads a configuration with the variables of this process laid over it.
///
/// # Errors
/// Every reason why it is refused.
pub fn load(path: &Path) -> Result<Loaded, ConfigErrors> {
    // A variable that is no Unicode is read with replacement characters, and then refused or
    // taken like any other; those that are none of ours are not looked at.
    let env = std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
        .filter(|(name, _)| name.starts_with(ENV_PREFIX));
    Config::load(path, env)
}

fn exit_of(error: &anyhow::Error) -> Exit {
    if error.is::<ConfigErrors>() {
        Exit::ConfigRefused
    } else if error.is::<ClientError>() {
        Exit::NoAgent
    } else {
        Exit::Failure
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    const REFERENCE: &str = include_str!("../../../docs/reference/cli.md");

    #[test]
    fn the_definitions_of_the_command_line_are_sound() {
        Cli::command().debug_assert();
    }

    /// Every visible command, as people type it, with its flags.
    fn commands(command: &clap::Command, name: &str, all: &mut Vec<(String, Vec<String>)>) {
        let flags = command.get_arguments().filter_map(|argument| argument.get_long());
        all.push((name.to_owned(), flags.map(|flag| format!("--{flag}")).collect()));
        for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
            commands(inner, &format!("{name} {}", inner.get_name()), all);
        }
    }

    #[test]
    fn the_reference_names_every_command_and_flag() {
        let mut all = Vec::new();
        commands(&Cli::command(), "lineside", &mut all);
        for (command, flags) in all {
            assert!(REFERENCE.contains(&format!("`{command}")), "docs/reference/cli.md lacks `{command}`");
            for flag in flags {
                assert!(REFERENCE.contains(&flag), "docs/reference/cli.md lacks {flag} of `{command}`");
            }
        }
    }

    #[test]
    fn a_cause_is_said_once() {
        let error = anyhow::Error::from(load(Path::new("/nonexistent/agent.toml")).unwrap_err());
        assert_eq!(format!("{error:#}").matches("os error").count(), 1);
    }

    #[test]
    fn an_error_is_told_apart_by_its_exit_code() {
        let refused = ConfigErrors::Refused(Vec::new());
        assert_eq!(exit_of(&refused.into()), Exit::ConfigRefused);
        let nobody = ClientError::NobodyListens { address: ([127, 0, 0, 1], 1).into() };
        assert_eq!(exit_of(&nobody.into()), Exit::NoAgent);
        assert_eq!(exit_of(&anyhow::anyhow!("whatever")), Exit::Failure);
    }
}
