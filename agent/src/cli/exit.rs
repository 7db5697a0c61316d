//! What the exit code says.

use std::process::ExitCode;

/// How a command ended. The numbers are a promise to scripts and service managers:
/// `docs/reference/cli.md` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// It could not be done: a file, a disk, a port, a source.
    Failure = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The configuration is refused. Starting again does not help.
    ConfigRefused = 3,
    /// No agent answers at the address.
    NoAgent = 4,
}

/// The exit codes, at the end of `lineside --help`.
pub(super) const HELP: &str = "\
Exit codes: 0 done, 1 failed, 2 wrong command line, 3 configuration refused, 4 no agent answers";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_lists_every_exit_code() {
        let reference = include_str!("../../../docs/reference/cli.md");
        let table = [Exit::Ok, Exit::Failure, Exit::Usage, Exit::ConfigRefused, Exit::NoAgent];
        for exit in table {
            assert!(reference.contains(&format!("| {} |", exit as u8)), "{exit:?}");
            assert!(HELP.contains(&format!("{} ", exit as u8)), "{exit:?}");
        }
        // The parser of the command line has a code of its own: it must be ours.
        let error = clap::Error::new(clap::error::ErrorKind::UnknownArgument);
        assert_eq!(error.exit_code(), Exit::Usage as i32);
    }
}
