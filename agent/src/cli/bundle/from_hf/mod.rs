//! `lineside bundle from-hf`: makes a bundle of a Hugging Face folder that optimum exported.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use lineside_bundle::manifest::Task;

use super::{pack, page};
use crate::slm::import::{Imported, Options, import};

/// A folder as `optimum-cli export onnx` writes it.
#[derive(Debug, Args)]
pub(in crate::cli) struct FromHfArgs {
    /// Folder with `model.onnx`, `config.json` and `tokenizer.json`.
    folder: PathBuf,
    /// The bundle to make: a folder that is not there yet, or a tar if the name ends in `.tar`.
    #[arg(long, value_name = "BUNDLE")]
    out: PathBuf,
    /// What the model is for; the first one is its main task.
    #[arg(long = "task", value_name = "TASK", value_parser = task)]
    tasks: Vec<Task>,
    /// Make the weights of a model that writes four-bit: an eighth of the memory, some accuracy lost.
    #[arg(long)]
    int4: bool,
    /// The bundle's name; the folder's, unless given.
    #[arg(long)]
    name: Option<String>,
    /// SPDX identifier of the weights' licence; from the folder's README.md, unless given.
    #[arg(long, value_name = "SPDX")]
    licence: Option<String>,
    /// Which model file to take where the folder has several.
    #[arg(long, value_name = "NAME")]
    file: Option<String>,
    /// Most tokens of one call; at most what the model was made for.
    #[arg(long, value_name = "TOKENS")]
    context: Option<u32>,
}

fn task(name: &str) -> Result<Task, String> {
    let found = Task::ALL.into_iter().find(|task| task.name() == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = Task::ALL.iter().map(|task| task.name()).collect();
        format!("the tasks are {}", names.join(", "))
    })
}

/// Makes the bundle; says what was made of what.
pub(super) fn run(args: FromHfArgs) -> anyhow::Result<String> {
    let options = Options {
        name: args.name,
        licence: args.licence,
        tasks: args.tasks,
        file: args.file,
        context: args.context,
        four_bits: args.int4,
    };
    if args.out.extension().is_none_or(|ending| ending != "tar") {
        let imported = import(&args.folder, &args.out, &options)?;
        return Ok(said(&imported, &args.out));
    }
    if args.out.exists() {
        bail!("--out: {} is there already: remove it, or take another name", args.out.display());
    }
    let beside = args.out.parent().filter(|folder| !folder.as_os_str().is_empty());
    let scratch = Scratch(beside.unwrap_or(Path::new(".")).join(format!(".from-hf-{}", std::process::id())));
    let imported = import(&args.folder, &scratch.0, &options)?;
    let packed = pack(&scratch.0, &args.out).context("the bundle was made, but cannot be packed")?;
    Ok(said(&imported, &args.out) + &packed)
}

/// A folder that goes when its work is done.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn said(imported: &Imported, out: &Path) -> String {
    let Imported { manifest, variant, quantised, made_for } = imported;
    let mut text = format!("took {}", variant.file);
    if !variant.left.is_empty() {
        text += &format!(", left {}; --file takes another", variant.left.join(", "));
    }
    text += "\n";
    if let Some(quantised) = quantised {
        text += &format!("four bits: {} products, {} tables of tokens", quantised.products, quantised.tables);
        if quantised.left > 0 {
            text += &format!("; {} left, whose rows are no multiple of 32", quantised.left);
        }
        text += "\n";
    }
    if let Some(language) = &manifest.language
        && u64::from(language.context) < *made_for
    {
        text += &format!(
            "context {} of the {made_for} tokens that it was made for; --context changes it\n",
            language.context
        );
    }
    let tasks = [manifest.task].into_iter().chain(manifest.also.iter().copied());
    let tasks: Vec<&str> = tasks.map(Task::name).collect();
    let (name, size) = (&manifest.name, page::size(manifest.model.bytes));
    text + &format!("{}: {name} {}, {}, {size}\n", out.display(), manifest.version, tasks.join(", "))
}

#[cfg(test)]
mod tests;
