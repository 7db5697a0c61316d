//! The command line: parses, reads the clock once, and calls the library.

/// Says a line. Whoever does not listen any more, as behind `| head`, is no reason to stop.
macro_rules! say {
    ($($text:tt)*) => {
        let _ = ::std::io::Write::write_fmt(
            &mut ::std::io::stdout().lock(),
            format_args!("{}\n", format_args!($($text)*)),
        );
    };
}

mod audit;
mod change;
mod client;
mod device;
mod init;
mod key;
mod publish;
mod rollout;
mod screen;
mod serve;
mod signing;
mod terms;
mod upkeep;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Signs, serves and rolls out model bundles.
#[derive(Debug, Parser)]
#[command(name = "lineside-ota", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a repository, and the keys that are not there yet.
    Init(init::Init),
    /// Makes, lists and exchanges keys.
    #[command(subcommand)]
    Key(key::Key),
    /// Publishes a bundle as the next release of its model.
    Publish(publish::Publish),
    /// Shows a change that waits for signatures, and signs it with your keys.
    Sign(change::Sign),
    /// Puts a change in place that is signed to its thresholds.
    Apply(change::Apply),
    /// Signs again what the online key says, before it expires.
    Refresh(upkeep::Refresh),
    /// Signs targets and the models' roles for another year.
    Renew(upkeep::Renew),
    /// Lets a release replace higher ones.
    PermitDowngrade(publish::PermitDowngrade),
    /// Lets a copy without network count as fresh for longer.
    Lease(upkeep::Lease),
    /// Checks every signature and every file.
    Verify(upkeep::Verify),
    /// Copies what counts now to another folder, such as a USB stick.
    Export(upkeep::Export),
    /// Serves the repository, enrols devices and takes their reports.
    Serve(Box<serve::Serve>),
    /// Decides which group runs which release, and when.
    Rollout(rollout::Rollout),
    /// Enrols devices and lists them.
    Device(device::Device),
    /// Checks and prints the log of who did what.
    Audit(audit::Audit),
}

/// Runs the command that the arguments name.
#[must_use]
pub fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Init(command) => command.run(),
        Command::Key(command) => command.run(),
        Command::Publish(command) => command.run(),
        Command::Sign(command) => command.run(),
        Command::Apply(command) => command.run(),
        Command::Refresh(command) => command.run(),
        Command::Renew(command) => command.run(),
        Command::PermitDowngrade(command) => command.run(),
        Command::Lease(command) => command.run(),
        Command::Verify(command) => command.run(),
        Command::Export(command) => command.run(),
        Command::Serve(command) => command.run(),
        Command::Rollout(command) => command.run(),
        Command::Device(command) => command.run(),
        Command::Audit(command) => command.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The terminal is the one place that is left to say it.
            let _ =
                std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("lineside-ota: {error:#}\n"));
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_sound() {
        super::Arguments::command().debug_assert();
    }
}
