//! The diagnosis over many cases, for those who train and judge its scorer: the agent's own rows and
//! judgements, so that no second implementation of them exists.
//!
//! Input: a JSON object a line, `{"case": {"kind", "labels", "incident": {"evidence"}, "notes"},
//! "without": [ids]}`; other fields are passed over. `without` names modes that the table is to lack.
//! Output: a NumPy file f32 `[cases, modes + 1, features]` with NaN in the rows of modes that the table
//! lacks, or a judgement a line.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Parser;
use serde::Deserialize;
use serde_json::json;

use super::numpy;
use crate::diagnosis::{Case, Diagnosis, FEATURES, Judgement, Library, Memory, Reason, Settings, TableFile};
use crate::incident::Incident;
use crate::incident::sentence::ChannelNames;

/// What is read and written.
#[derive(Debug, Parser)]
pub struct Arguments {
    /// The files of the table, in their order.
    #[arg(long, required = true)]
    table: Vec<PathBuf>,
    /// The cases, a JSON object a line.
    #[arg(long)]
    cases: PathBuf,
    /// Where the rows go.
    #[arg(long)]
    features: Option<PathBuf>,
    /// The scorer.
    #[arg(long, requires = "settings")]
    model: Option<PathBuf>,
    /// Its figures, a TOML file as the manifest's `[diagnosis]` table has them.
    #[arg(long)]
    settings: Option<PathBuf>,
    /// Where the judgements go.
    #[arg(long, requires = "model")]
    judgements: Option<PathBuf>,
    /// Judgements also say what carried them, which takes several times as long.
    #[arg(long, requires = "judgements")]
    because: bool,
}

#[derive(Deserialize)]
struct Line {
    case: Described,
    #[serde(default)]
    without: Vec<String>,
}

#[derive(Deserialize)]
struct Described {
    kind: Option<String>,
    #[serde(default)]
    labels: Vec<String>,
    incident: Incident,
    #[serde(default)]
    notes: Vec<String>,
}

/// Reads the cases and writes what was asked for.
///
/// # Errors
/// When a file cannot be read or written, or is not what the module's head describes.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let texts = arguments
        .table
        .iter()
        .map(|path| Ok((path.display().to_string(), read(path)?)))
        .collect::<anyhow::Result<Vec<(String, String)>>>()?;
    let files: Vec<TableFile<'_>> = texts.iter().map(|(name, text)| TableFile { name, text }).collect();
    let library = Library::read(&files)?;
    if let Some(path) = &arguments.features {
        features(&library, &arguments.cases, path)?;
    }
    if let (Some(model), Some(settings), Some(path)) =
        (&arguments.model, &arguments.settings, &arguments.judgements)
    {
        let onnx = std::fs::read(model).with_context(|| model.display().to_string())?;
        let settings: Settings =
            toml::from_str(&read(settings)?).with_context(|| settings.display().to_string())?;
        let diagnosis = Diagnosis::open(&files, &onnx, settings)?;
        judgements(&diagnosis, &arguments.cases, path, arguments.because)?;
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}

/// Calls `each` with every case and the places of the modes that its table has.
fn every(
    library: &Library,
    path: &Path,
    mut each: impl FnMut(&Case, &[usize], &[String]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let modes: Vec<String> = library.modes().map(str::to_owned).collect();
    let mut memory = Memory::default();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let at = || format!("{}: line {}", path.display(), number + 1);
        let line: Line = serde_json::from_str(&line.with_context(at)?).with_context(at)?;
        if let Some(unknown) = line.without.iter().find(|id| !modes.contains(id)) {
            bail!("{}: without: there is no mode {unknown:?}", at());
        }
        let evidence = &line.case.incident.evidence;
        let named = evidence.channels.iter().enumerate().map(|(place, channel)| {
            let label = line.case.labels.get(place).unwrap_or(&channel.name).clone();
            ChannelNames { name: channel.name.clone(), unit: channel.unit.clone(), label }
        });
        let named: Vec<ChannelNames> = named.collect();
        let case = library.case(line.case.kind.as_deref(), &named, evidence, &line.case.notes, &mut memory);
        let among: Vec<usize> =
            (0..modes.len()).filter(|&mode| !line.without.contains(&modes[mode])).collect();
        let names: Vec<String> = named.into_iter().map(|named| named.name).collect();
        each(&case, &among, &names).with_context(at)?;
    }
    Ok(())
}

fn features(library: &Library, cases: &Path, path: &Path) -> anyhow::Result<()> {
    let file = File::open(cases).with_context(|| cases.display().to_string())?;
    let count = BufReader::new(file).lines().count();
    let rows = library.modes().len() + 1;
    let file = File::create(path).with_context(|| path.display().to_string())?;
    let mut writer = BufWriter::new(file);
    writer.write_all(&numpy::header(&[count, rows, FEATURES]))?;
    every(library, cases, |case, among, _| {
        let mut values = vec![f32::NAN; rows * FEATURES];
        let known = library.rows(case, among).values;
        let places = among.iter().copied().chain([rows - 1]);
        for (row, place) in known.chunks_exact(FEATURES).zip(places) {
            values[place * FEATURES..][..FEATURES].copy_from_slice(row);
        }
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Ok(writer.write_all(&bytes)?)
    })?;
    writer.flush().with_context(|| path.display().to_string())
}

fn judgements(diagnosis: &Diagnosis, cases: &Path, path: &Path, because: bool) -> anyhow::Result<()> {
    let file = File::create(path).with_context(|| path.display().to_string())?;
    let mut writer = BufWriter::new(file);
    every(diagnosis.library(), cases, |case, among, names| {
        let judgement = diagnosis.judge_among(case, among, because)?;
        Ok(writeln!(writer, "{}", described(&judgement, names))?)
    })?;
    writer.flush().with_context(|| path.display().to_string())
}

fn described(judgement: &Judgement, names: &[String]) -> serde_json::Value {
    let because: Vec<_> = judgement
        .because
        .iter()
        .map(|(reason, loss)| match reason {
            Reason::Channel(place) => json!({"channel": names[*place], "loss": loss}),
            Reason::Notes => json!({"notes": true, "loss": loss}),
        })
        .collect();
    let unexplained: Vec<&String> = judgement.unexplained.iter().map(|&place| &names[place]).collect();
    json!({
        "label": judgement.label,
        "confidence": judgement.confidence,
        "scores": judgement.scores,
        "benign": judgement.finding.as_ref().is_some_and(|finding| finding.benign),
        "second": judgement.second.as_ref().map(|second| &second.mode),
        "unexplained": unexplained,
        "because": because,
    })
}
