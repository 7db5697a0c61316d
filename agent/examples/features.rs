//! The scorer's inputs for recordings: `features INPUT.npy OUTPUT.npy`.

use std::path::PathBuf;

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let input = arguments.next().context("usage: features INPUT.npy OUTPUT.npy")?;
    let output = arguments.next().context("usage: features INPUT.npy OUTPUT.npy")?;
    lineside::cli::features::run(&input, &output)
}
