//! Prompts, slots and the mask for whoever trains a model that speaks in slots:
//! `slots [--lexicon FILE] < lines.jsonl > answers.jsonl`, as `lineside::slm::rehearsal` has it.

use std::path::PathBuf;

use anyhow::{Context, bail};
use lineside::slm::rehearsal::{self, Rehearsal};

const USAGE: &str = "usage: slots [--lexicon FILE] < lines.jsonl > answers.jsonl";

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let rehearsal = match (arguments.next(), arguments.next().map(PathBuf::from)) {
        (None, _) => None,
        (Some(option), Some(file)) if option == "--lexicon" => {
            let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
            Some(Rehearsal::of(&text).with_context(|| file.display().to_string())?)
        }
        _ => bail!(USAGE),
    };
    Ok(rehearsal::run(
        rehearsal.as_ref(),
        std::io::stdin().lock(),
        std::io::BufWriter::new(std::io::stdout().lock()),
    )?)
}
