//! Command line of the OTA server.

use std::process::ExitCode;

fn main() -> ExitCode {
    lineside_ota::cli::main()
}
