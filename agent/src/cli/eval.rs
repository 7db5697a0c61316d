//! `lineside eval`: scores labelled recordings by event, beside detectors that see nothing.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::recordings;
use super::terminal::{self, Progress};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, DeviceConfig, Span};
use crate::detect::model::DetectorModel;
use crate::eval::runner::{Place, Plan, Recording, Runner};
use crate::eval::{LabelWindows, Report, labels};
use crate::signal::geometry::Geometry;

/// Trials of each recording: enough to see how much a figure depends on where it starts.
const STARTS: u32 = 6;
/// Two minutes at one row a second: more than a rule by the clock can be right by chance.
const START_ROWS: u32 = 120;
/// How the `csv` source writes it.
const AS_FAST_AS_POSSIBLE: f64 = 0.0;
/// What an operator calls soon on a machine that is sampled every second.
const WITHIN: Span = Span::secs(60);

/// Scores labelled recordings by event: found or not, how late, how many false alarms.
#[derive(Debug, clap::Args)]
pub struct EvalArgs {
    /// Configuration with the recorded device
    #[arg(long, short, value_name = "FILE")]
    pub config: PathBuf,
    /// Column that is above 0 during an event; never an input. Recordings without it are normal
    #[arg(long, value_name = "COLUMN", required_unless_present = "label_windows")]
    pub label_column: Option<String>,
    /// JSON file with the events of every recording: {"path/end.csv": [["start", "end"], ...]}
    #[arg(long, value_name = "FILE", conflicts_with = "label_column")]
    pub label_windows: Option<PathBuf>,
    /// Recordings, or folders of them
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Device of the configuration that was recorded; by default its first
    #[arg(long, value_name = "ID")]
    pub device: Option<String>,
    /// Trials of each recording, each started cold at a random row of its own
    #[arg(long, value_name = "N", default_value_t = STARTS, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub starts: u32,
    /// The first rows of a recording, among which its start rows are drawn
    #[arg(long, value_name = "ROWS", default_value_t = START_ROWS)]
    pub start_rows: u32,
    /// Seed of the start rows and of the random detector
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub seed: u64,
    /// Delay up to which an event counts as found soon
    #[arg(long, value_name = "SPAN", default_value_t = WITHIN)]
    pub within: Span,
    /// Also write every window's score to this CSV file
    #[arg(long, value_name = "FILE")]
    pub scores: Option<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// Names the file, column or key that stands in the way.
pub fn run(args: &EvalArgs, config: &Config) -> Result<ExitCode> {
    let report = evaluate(args, config)?;
    let text = if args.json { serde_json::to_string_pretty(&report)? + "\n" } else { report.to_string() };
    terminal::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Scores the recordings that the arguments name.
///
/// # Errors
/// Names the file, column or key that stands in the way.
pub fn evaluate(args: &EvalArgs, config: &Config) -> Result<Report> {
    let device = recordings::device(config, args.device.as_deref())?;
    let labelled = label(args, device)?;
    let model = DetectorModel::configured(&config.detect)?;
    let tick = Geometry::of(device)?.tick();
    let plan =
        Plan { starts: args.starts, start_rows: args.start_rows, seed: args.seed, within: args.within.0 };
    let mut scores = args.scores.as_ref().map(ScoreFile::create).transpose()?;
    let mut unwritten = None;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let all = labelled.len() as u64 * u64::from(plan.starts);
    let mut progress = Progress::stderr("trials", Some(all));
    let runner = Runner { device, config, model: &model, tick };
    let trials = runner.run_all(
        &labelled,
        plan,
        &|file| {
            Box::new(recordings::source(device, vec![file.into()], AS_FAST_AS_POSSIBLE, Arc::clone(&clock)))
        },
        &mut |place, verdict| {
            if let (Some(scores), None) = (&mut scores, &unwritten) {
                unwritten = scores.write(&labelled[place.recording], place, verdict).err();
            }
        },
        &mut |done| progress.update(done as u64, clock.monotonic()),
    )?;
    progress.clear();
    if let Some(error) = unwritten.or_else(|| scores.and_then(|mut scores| scores.out.flush().err())) {
        return Err(error).context("--scores: the file cannot be written");
    }
    let names: Vec<String> = labelled.iter().map(|recording| recording.file.display().to_string()).collect();
    Ok(Report::of(&trials, &names, plan.within, plan.seed))
}

/// Finds the events of every recording.
fn label(args: &EvalArgs, device: &DeviceConfig) -> Result<Vec<Recording>> {
    let files = recordings::files(&args.files)?;
    if let Some(windows) = &args.label_windows {
        let windows = LabelWindows::load(windows)?;
        let find = |file: PathBuf| match windows.of(&file) {
            Some(events) => Ok(Recording { events: events.to_vec(), file }),
            None => {
                bail!("{}: --label-windows has no entry for it; a normal recording has []", file.display())
            }
        };
        return files.into_iter().map(find).collect();
    }
    let column = args.label_column.as_deref().unwrap_or_default();
    if let Some(channel) = device.channels.iter().find(|c| c.column.as_ref().unwrap_or(&c.name) == column) {
        bail!(
            "--label-column {column}: channel `{}` of device `{}` reads this column; labels are never an input",
            channel.name,
            device.id
        );
    }
    let mut anywhere = false;
    let mut labelled = Vec::with_capacity(files.len());
    for file in files {
        let rows = recordings::labels(device, &file, column)?;
        anywhere |= rows.is_some();
        labelled.push(Recording { events: labels::events(&rows.unwrap_or_default()), file });
    }
    if !anywhere {
        bail!("--label-column {column}: none of the recordings has this column");
    }
    Ok(labelled)
}

/// Every window's score as CSV, to compare two builds or to draw.
struct ScoreFile {
    out: BufWriter<File>,
}

impl ScoreFile {
    fn create(path: &PathBuf) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("--scores {}", path.display()))?;
        let mut out = BufWriter::new(file);
        writeln!(out, "recording,start,time,watching,score,limit,alarm")?;
        Ok(ScoreFile { out })
    }

    fn write(
        &mut self,
        recording: &Recording,
        place: Place,
        verdict: &crate::detect::Verdict,
    ) -> io::Result<()> {
        let name = recording.file.file_name().unwrap_or_default().to_string_lossy();
        let watching = verdict.phase == crate::detect::Phase::Watching;
        writeln!(
            self.out,
            "{name},{},{},{watching},{},{},{}",
            place.start, verdict.time, verdict.score, verdict.limit, verdict.alarm
        )
    }
}

#[cfg(test)]
mod tests;
