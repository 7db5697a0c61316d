//! The `lineside` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    lineside::cli::main()
}
