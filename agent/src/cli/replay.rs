//! `lineside replay`: runs recordings through the pipeline and prints incidents as they happen.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, Result};

use super::exit::Exit;
use super::recordings;
use super::scratch::Scratch;
use super::terminal::{Paint, Progress};
use crate::agent::delivery::{Delivery, Newest};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, DeviceConfig};
use crate::detect::model::DetectorModel;
use crate::incident::{Change, Incident};
use crate::outbox::{Outbox, Record};
use crate::pipeline::{DevicePipeline, Output};
use crate::publish::{Topics, payload};
use crate::signal::BadSample;
use crate::source::{Batch, Sink, Source};

mod report;

pub use report::Tally;

/// The progress line may be looked at after so many rows: the clock is not free.
const ROWS_BETWEEN_LOOKS: u64 = 256;

/// Runs recordings through the pipeline of a device and prints incidents as they happen.
#[derive(Debug, clap::Args)]
pub struct ReplayArgs {
    /// Configuration with the recorded device
    #[arg(long, short, value_name = "FILE")]
    pub config: PathBuf,
    /// Recordings, or folders of them, played one after the other
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    pub input: Vec<PathBuf>,
    /// Device of the configuration that was recorded; by default its first
    #[arg(long, value_name = "ID")]
    pub device: Option<String>,
    /// How many times faster than recorded; `max` is as fast as possible
    #[arg(long, value_name = "N|max", default_value = "max")]
    pub speed: Speed,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// How fast a recording is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// This many times faster than recorded.
    Times(f64),
    /// As fast as possible.
    Max,
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            _ if text == "max" => Ok(Speed::Max),
            Ok(times) if times.is_finite() && times > 0.0 => Ok(Speed::Times(times)),
            _ => Err("a number above 0, such as 10, or `max`".into()),
        }
    }
}

impl Speed {
    /// As the `csv` source writes it: 0 is as fast as possible.
    fn factor(self) -> f64 {
        match self {
            Speed::Times(times) => times,
            Speed::Max => 0.0,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// Names the file or key that stands in the way.
pub fn run(args: &ReplayArgs, config: &Config) -> Result<ExitCode> {
    let clock = Arc::new(SystemClock::new());
    let result = replay(args, config, clock, Paint::stdout(), &mut io::stdout().lock());
    match result {
        // A reader that has gone, as in `lineside replay … | head`, is no error.
        Err(error)
            if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe) => {}
        result => drop(result?),
    }
    Ok(Exit::Ok.into())
}

/// Plays the recordings that the arguments name, writes incidents and the report to `out`.
///
/// Everything goes the way it goes on a gateway, through detection into an outbox; only nobody
/// collects it there.
///
/// # Errors
/// Names the file or key that stands in the way.
pub fn replay(
    args: &ReplayArgs,
    config: &Config,
    clock: Arc<dyn Clock>,
    paint: Paint,
    out: &mut dyn Write,
) -> Result<Tally> {
    let device = recordings::device(config, args.device.as_deref())?;
    let files = recordings::files(&args.input)?;
    let model = DetectorModel::configured(&config.detect)?;
    let scratch = Scratch::new("replay").context("the temporary folder of the outbox")?;
    let (outbox, opening) = Outbox::open(&config.outbox, scratch.path(), Arc::clone(&clock))?;
    let mut player = Player {
        device,
        pipeline: DevicePipeline::new(device, config, &model)?,
        delivery: Delivery {
            topics: Topics::new(&config.mqtt.prefix, &config.gateway.site, &config.gateway.name)?,
            leaves: config.publish.clone(),
            model: model.reference(),
            outbox: outbox.clone(),
            live: None,
            boot: opening.boot,
            newest: Newest::default(),
            journal: None,
        },
        printer: Printer { json: args.json, paint, out, failed: None },
        progress: Progress::stderr("rows", None),
        clock: clock.as_ref(),
        tally: Tally::default(),
    };
    let began = clock.monotonic();
    recordings::source(device, files, args.speed.factor(), Arc::clone(&clock)).run(&mut player)?;
    player.finish();
    outbox.flush();
    let Player { printer, mut tally, .. } = player;
    tally.wall_s = (clock.monotonic() - began).as_secs_f64();
    tally.records = outbox.stats().accepted;
    outbox.close();
    printer.close(&tally)?;
    Ok(tally)
}

/// Takes the rows of the recordings.
struct Player<'a> {
    device: &'a DeviceConfig,
    pipeline: DevicePipeline,
    delivery: Delivery,
    printer: Printer<'a>,
    progress: Progress<io::Stderr>,
    clock: &'a dyn Clock,
    tally: Tally,
}

impl Player<'_> {
    /// Runs the pipeline, and deals with what comes out of it.
    fn step(&mut self, step: impl FnOnce(&mut DevicePipeline, &mut dyn FnMut(Output<'_>))) {
        let Player { device, pipeline, delivery, printer, progress, tally, .. } = self;
        step(pipeline, &mut |output| match output {
            Output::Scored { .. } => tally.windows += 1,
            Output::Aggregate(aggregate) => delivery.aggregate(device, &aggregate),
            Output::Incident(incident) => {
                tally.incidents += u64::from(incident.change == Change::Opened);
                progress.clear();
                printer.incident(
                    &payload::incident(&delivery.topics, device, &incident, None, &delivery.model),
                    &incident,
                );
                delivery.incident(device, &incident);
            }
        });
    }

    fn finish(&mut self) {
        self.step(|pipeline, out| pipeline.finish(out));
        let counts = self.pipeline.counts();
        self.tally.samples = counts.total_accepted();
        let rejected = BadSample::ALL.map(|reason| (reason.name(), counts.of(reason)));
        self.tally.rejected = rejected.into_iter().filter(|(_, count)| *count > 0).collect();
        self.progress.clear();
    }
}

impl Sink for Player<'_> {
    fn accept(&mut self, batch: Batch) -> ControlFlow<()> {
        self.tally.rows += 1;
        self.step(|pipeline, out| pipeline.accept(&batch, out));
        if self.tally.rows.is_multiple_of(ROWS_BETWEEN_LOOKS) {
            self.progress.update(self.tally.rows, self.clock.monotonic());
        }
        if self.printer.failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Writes incidents and the report, for people or for programs.
struct Printer<'a> {
    json: bool,
    paint: Paint,
    out: &'a mut dyn Write,
    /// Why the reader can no longer be reached.
    failed: Option<io::Error>,
}

impl Printer<'_> {
    /// `record` is the message as the control room would get it: programs read one form everywhere.
    fn incident(&mut self, record: &Record, incident: &Incident) {
        let line = if self.json {
            String::from_utf8_lossy(&record.body).into_owned()
        } else {
            let change = match incident.change {
                Change::Opened => self.paint.red("opened "),
                Change::Updated => self.paint.yellow("updated"),
                Change::Closed => self.paint.green("closed "),
            };
            format!("{}  {}  {change}  {}", incident.updated, incident.device, incident.summary)
        };
        if let Err(error) = writeln!(self.out, "{line}").and_then(|()| self.out.flush()) {
            self.failed.get_or_insert(error);
        }
    }

    fn close(self, tally: &Tally) -> Result<()> {
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        if self.json {
            writeln!(self.out, "{}", serde_json::json!({ "report": tally }))?;
        } else {
            if tally.incidents > 0 {
                writeln!(self.out)?;
            }
            write!(self.out, "{tally}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
