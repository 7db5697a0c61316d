//! Rows and judgements of cases: `diagnosis --table FILE… (--features OUT.npy | --model FILE.onnx --settings FILE.json)`.

use clap::Parser;

fn main() -> anyhow::Result<()> {
    lineside::cli::diagnosis::run(&lineside::cli::diagnosis::Arguments::parse())
}
