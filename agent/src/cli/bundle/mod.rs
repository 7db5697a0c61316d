//! `lineside bundle`: packs, shows, checks and tries model bundles.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use lineside_bundle::{Archive, Bundle, Sha256Hex, archive, diff};

use super::exit::Exit;
use super::terminal::{Paint, print};
use crate::durable;
use crate::probe::{Verdict, probe};

mod from_hf;
mod page;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write the bundle in a folder as one tar; the same folder always gives the same bytes.
    Pack(PackArgs),
    /// Show what a bundle is.
    Inspect(OneBundle),
    /// Check that a bundle is whole: that it holds what its manifest describes, byte for byte.
    Verify(VerifyArgs),
    /// Run a bundle's model: it must load, give its golden outputs, and stay inside its budget.
    Test(TestArgs),
    /// Show what differs between the manifests of two bundles.
    Diff(DiffArgs),
    /// Make a bundle of a Hugging Face folder that optimum exported to ONNX.
    FromHf(from_hf::FromHfArgs),
}

#[derive(Debug, Args)]
pub(super) struct PackArgs {
    /// Folder with `manifest.toml` and the files it names.
    folder: PathBuf,
    /// The tar to write; an old one is replaced.
    out: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct OneBundle {
    /// A bundle: a tar or a folder.
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    bundle: OneBundle,
    /// The digest that the whole tar must have.
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct TestArgs {
    #[command(flatten)]
    bundle: OneBundle,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// The bundle before: a tar or a folder.
    a: PathBuf,
    /// The bundle after: a tar or a folder.
    b: PathBuf,
}

pub(super) fn run(command: Command) -> anyhow::Result<ExitCode> {
    let (text, exit) = match command {
        Command::Pack(args) => (pack(&args.folder, &args.out)?, Exit::Ok),
        Command::Inspect(args) => (inspect(&args.file, Paint::stdout())?, Exit::Ok),
        Command::Verify(args) => (verify(&args.bundle.file, args.sha256.as_deref())?, Exit::Ok),
        Command::Test(args) => test(&args.bundle.file, args.json, Paint::stdout())?,
        Command::Diff(args) => (differences(&args.a, &args.b)?, Exit::Ok),
        Command::FromHf(args) => (from_hf::run(args)?, Exit::Ok),
    };
    print(&text)?;
    Ok(exit.into())
}

fn pack(folder: &Path, out: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let manifest = archive::pack(folder, &mut bytes)?;
    durable::replace(out, &bytes).with_context(|| format!("{}: cannot be written", out.display()))?;
    let (name, version, release) = (manifest.name, manifest.version, manifest.release);
    let digest = Sha256Hex::of(&bytes);
    Ok(format!(
        "{}: {name} {version}, release {release}, {}\nsha256 {digest}\n",
        out.display(),
        page::size(bytes.len() as u64)
    ))
}

fn inspect(file: &Path, paint: Paint) -> anyhow::Result<String> {
    // A folder has no digest of its own: there is nothing that could be signed.
    let digest = if file.is_dir() { None } else { Some(Archive::open(file)?.sha256()?) };
    Ok(page::page(&Bundle::at(file)?, digest.as_ref(), paint))
}

fn verify(file: &Path, sha256: Option<&str>) -> anyhow::Result<String> {
    let bundle = match sha256 {
        None => Bundle::at(file)?,
        Some(expected) => {
            let expected =
                Sha256Hex::try_from(expected.to_owned()).map_err(|e| anyhow::anyhow!("--sha256: {e}"))?;
            if file.is_dir() {
                bail!("--sha256: {} is a folder: only a tar has a digest", file.display());
            }
            let archive = Archive::open(file)?;
            let found = archive.sha256()?;
            if found != expected {
                bail!("{}: its SHA-256 digest is {found}, expected {expected}", file.display());
            }
            Bundle::from_archive(&archive)?
        }
    };
    let manifest = bundle.manifest();
    Ok(format!(
        "{}: good; {} {}, release {}\n",
        file.display(),
        manifest.name,
        manifest.version,
        manifest.release
    ))
}

fn test(file: &Path, json: bool, paint: Paint) -> anyhow::Result<(String, Exit)> {
    let bundle = Bundle::at(file)?;
    let report = probe(&bundle);
    let exit = if report.passed() { Exit::Ok } else { Exit::Failure };
    if json {
        return Ok((serde_json::to_string_pretty(&report)? + "\n", exit));
    }
    let mut text = page::report(&report, bundle.manifest());
    text += &match &report.verdict {
        Verdict::Ok => format!("{}\n", paint.green("good")),
        Verdict::Failed { reason, detail } => format!("{} {detail}\n", paint.red(&format!("{reason}:"))),
    };
    Ok((text, exit))
}

fn differences(a: &Path, b: &Path) -> anyhow::Result<String> {
    let (before, after) = (Bundle::at(a)?, Bundle::at(b)?);
    let lines: String = diff(before.manifest(), after.manifest())
        .iter()
        .map(|difference| format!("{difference}\n"))
        .collect();
    Ok(if lines.is_empty() { "no difference\n".into() } else { lines })
}

#[cfg(test)]
mod tests;
