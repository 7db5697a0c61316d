//! `lineside config`: writes, checks and describes a configuration.

use std::process::ExitCode;

use clap::Subcommand;

use super::ConfigFile;
use super::exit::Exit;
use super::terminal::{Paint, print};
use crate::config::example::EXAMPLE;
use crate::config::{Loaded, json_schema};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print a complete, commented file that runs as it stands, on a simulated machine.
    Example,
    /// Check a file: every error with its line, and warnings about secrets that others can read.
    Check(ConfigFile),
    /// Print the JSON Schema of the file, for editors.
    Schema,
}

pub(super) fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Example => print(EXAMPLE)?,
        Command::Schema => print(&format!("{:#}\n", json_schema()))?,
        Command::Check(file) => {
            let loaded = super::load(&file.config)?;
            let label = Paint::stderr().yellow("warning:");
            for warning in &loaded.warnings {
                eprintln!("{label} {warning}");
            }
            print(&summary(&loaded))?;
        }
    }
    Ok(Exit::Ok.into())
}

fn summary(loaded: &Loaded) -> String {
    let devices = loaded.config.devices.len();
    let channels: usize = loaded.config.devices.iter().map(|device| device.channels.len()).sum();
    let warnings = loaded.warnings.len();
    let path = loaded.path.display();
    format!(
        "{path}: good; {}, {}, {}\n",
        count(devices, "device"),
        count(channels, "channel"),
        count(warnings, "warning")
    )
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_good_file_is_summed_up_in_a_line() {
        let config: Config = toml::from_str(EXAMPLE).unwrap();
        let loaded = Loaded { path: "agent.toml".into(), config, warnings: Vec::new() };
        assert_eq!(summary(&loaded), "agent.toml: good; 1 device, 4 channels, 0 warnings\n");
    }
}
