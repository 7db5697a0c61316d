//! `lineside bench`: what a model costs on this machine.

mod figures;
mod slm;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Measure a language model: loading, reading a prompt, writing, memory.
    Slm(slm::SlmArgs),
}

pub(super) fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Slm(args) => slm::run(&args),
    }
}
