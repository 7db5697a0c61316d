//! `lineside`, built with the features and in the same step as the tests that run it. The binary
//! that ships has the same one line.

use std::process::ExitCode;

fn main() -> ExitCode {
    lineside::cli::main()
}
