//! Writes what a retraining needs into a folder: per device a recording of its normal hours in the
//! form that every other tool here reads, beside it what happened and what all of it is.
//!
//! ```text
//! DIR/DEVICE.csv              `time`, then one column a channel; empty is missing
//! DIR/in-incidents/DEVICE.csv the same of the hours in and around incidents
//! DIR/incidents.jsonl         each incident as it was published last
//! DIR/drift.json              each quantity beside its reference
//! DIR/about.json              versions, configuration, units, periods, how much of what
//! ```
//!
//! It reads files that a running agent may be writing: what that has not synced yet is not in it.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use super::recorder::{numbers, path};
use super::row::Row;
use super::segment::{self, Header, Segment};
use super::{FOLDER, journal};
use crate::config::{Config, DeviceConfig};
use crate::drift::Compared;
use crate::time::Timestamp;

/// A window so near to an alarm is not taken for normal: an incident begins before it is noticed,
/// and a machine is not at rest at once. The longest lag of the detector's own features, in windows …
const MARGIN_WINDOWS: u32 = 60;
/// … and at least so long.
const MARGIN: Duration = Duration::from_secs(600);
/// Folder of what is kept apart.
const APART: &str = "in-incidents";

/// Why nothing can be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The folder would be mixed up with something else.
    #[error("{0}: there is something in it; name an empty or a new folder")]
    NotEmpty(PathBuf),
    /// A file cannot be read or written.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// Nothing was kept.
    #[error(
        "{0}: nothing is kept here; set `enabled = true` under [retraining], start the agent again and let \
         the machine run for some hours"
    )]
    Nothing(PathBuf),
}

/// What is known of a device beside its windows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beside {
    /// Which version of the detector its scores are of.
    pub detector: Option<String>,
    /// Each quantity beside its reference.
    pub drift: Vec<Compared>,
}

/// What was exported of a device.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Exported {
    /// The device's id.
    pub device: String,
    /// Its normal windows, in `DEVICE.csv`.
    pub windows: u64,
    /// Its windows in and around incidents, kept apart.
    pub in_incidents: u64,
    /// Windows at a time that an earlier one already has, left out: the clock was set back.
    pub repeated: u64,
    /// Places in the files where a window was damaged, left out.
    pub damaged: u64,
    /// Windows of other channels or another timing than the configuration now says, left out.
    pub of_another_form: u64,
    /// The first normal window, RFC 3339.
    pub from: Option<String>,
    /// The last normal window, RFC 3339.
    pub to: Option<String>,
}

/// Writes the folder; `beside` says what else is known of each device, in the configuration's order.
///
/// # Errors
/// When nothing was kept, or a file cannot be read or written.
pub fn export(
    config: &Config,
    config_sha256: &str,
    beside: &[Beside],
    now: Timestamp,
    out: &Path,
) -> Result<Vec<Exported>, ExportError> {
    let kept = config.gateway.data_dir.join(FOLDER);
    if !kept.is_dir() {
        return Err(ExportError::Nothing(kept));
    }
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |cause| ExportError::File { path, cause }
    };
    fs::create_dir_all(out).map_err(fail(out))?;
    if fs::read_dir(out).map_err(fail(out))?.next().is_some() {
        return Err(ExportError::NotEmpty(out.to_owned()));
    }
    let apart = out.join(APART);
    fs::create_dir(&apart).map_err(fail(&apart))?;
    let mut all = Vec::new();
    for device in &config.devices {
        let folder = kept.join(&device.id);
        all.push(windows(device, &folder, out).map_err(fail(&folder))?);
    }

    let lines = journal::incidents(&kept).map_err(fail(&kept))?;
    let incidents = out.join("incidents.jsonl");
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(&incidents, text).map_err(fail(&incidents))?;

    let drift = config.devices.iter().zip(beside).map(|(device, beside)| {
        json!({ "device": device.id, "detector": beside.detector, "compared": beside.drift })
    });
    let drift = drift.collect::<Vec<_>>();
    write_json(&out.join("drift.json"), &json!({ "devices": drift }))?;
    let devices: Vec<_> = config.devices.iter().zip(beside).zip(&all).map(about).collect();
    let about = json!({
        "agent": env!("CARGO_PKG_VERSION"),
        "site": config.gateway.site,
        "gateway": config.gateway.name,
        "exported": now.to_rfc3339(),
        "config_sha256": config_sha256,
        "incidents": lines.len(),
        "devices": devices,
    });
    write_json(&out.join("about.json"), &about)?;
    Ok(all)
}

fn about(((device, beside), exported): ((&DeviceConfig, &Beside), &Exported)) -> serde_json::Value {
    let channels = device.channels.iter().map(|channel| {
        json!({
            "name": channel.name, "unit": channel.unit, "description": channel.description,
            "statistic": channel.statistic, "min": channel.min, "max": channel.max,
        })
    });
    let channels = channels.collect::<Vec<_>>();
    json!({
        "id": device.id,
        "kind": device.kind,
        "period_s": device.period.0.as_secs_f64(),
        "window_s": device.window().as_secs_f64(),
        "tick_s": device.hop().as_secs_f64(),
        "margin_s": margin(device).as_secs_f64(),
        "detector": beside.detector,
        "channels": channels,
        "exported": exported,
    })
}

fn write_json(path: &Path, value: &serde_json::Value) -> Result<(), ExportError> {
    let fail = |cause| ExportError::File { path: path.to_owned(), cause };
    fs::write(path, format!("{value:#}\n")).map_err(fail)
}

fn margin(device: &DeviceConfig) -> Duration {
    MARGIN.max(device.hop() * MARGIN_WINDOWS)
}

/// The segments of a folder, oldest first, one at a time. One that was let go while this reads is
/// one that was not there.
fn segments(folder: &Path) -> io::Result<impl Iterator<Item = io::Result<Segment>> + use<'_>> {
    let read = |number| match fs::read(path(folder, number)) {
        Ok(bytes) => segment::read(&bytes).map(Ok),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some(Err(error)),
    };
    Ok(numbers(folder)?.into_iter().filter_map(read))
}

fn windows(device: &DeviceConfig, folder: &Path, out: &Path) -> io::Result<Exported> {
    let header = Header::of(device);
    let mut exported = Exported { device: device.id.clone(), ..Exported::default() };
    // An incident casts its shadow back, so the marks are gathered before anything is written.
    let mut marks: Vec<(Timestamp, Timestamp)> = Vec::new();
    let margin = margin(device);
    for segment in segments(folder)? {
        let segment = segment?;
        if segment.header == header {
            gather(&mut marks, &segment.rows, margin);
        }
    }
    marks.sort_unstable();

    let name = format!("{}.csv", device.id);
    let mut normal = Recording::new(out.join(&name), device);
    let mut apart = Recording::new(out.join(APART).join(&name), device);
    let mut last = None;
    for segment in segments(folder)? {
        let segment = segment?;
        exported.damaged += segment.damaged;
        if segment.header != header {
            exported.of_another_form += segment.rows.len() as u64;
            continue;
        }
        for row in segment.rows {
            if last.is_some_and(|last| row.time <= last) {
                exported.repeated += 1;
                continue;
            }
            last = Some(row.time);
            if near(&marks, row.time) {
                exported.in_incidents += 1;
                apart.write(&row)?;
            } else {
                exported.windows += 1;
                exported.from.get_or_insert_with(|| row.time.to_rfc3339());
                exported.to = Some(row.time.to_rfc3339());
                normal.write(&row)?;
            }
        }
    }
    normal.finish()?;
    apart.finish()?;
    Ok(exported)
}

/// Adds what lies in and around the marked rows; rows in a row make one interval.
fn gather(marks: &mut Vec<(Timestamp, Timestamp)>, rows: &[Row], margin: Duration) {
    for row in rows.iter().filter(|row| row.marked) {
        let (from, to) = (row.time.minus(margin), row.time.plus(margin));
        match marks.last_mut() {
            Some(last) if last.0 <= from && from <= last.1 => last.1 = last.1.max(to),
            _ => marks.push((from, to)),
        }
    }
}

/// Whether a time lies in one of the intervals, which are sorted by their beginning.
fn near(marks: &[(Timestamp, Timestamp)], time: Timestamp) -> bool {
    let begun = marks.partition_point(|&(from, _)| from <= time);
    marks[..begun].iter().rev().any(|&(_, to)| time <= to)
}

/// A CSV file that is there once it has a row.
struct Recording<'a> {
    path: PathBuf,
    device: &'a DeviceConfig,
    writer: Option<csv::Writer<BufWriter<File>>>,
}

impl<'a> Recording<'a> {
    fn new(path: PathBuf, device: &'a DeviceConfig) -> Self {
        Recording { path, device, writer: None }
    }

    fn write(&mut self, row: &Row) -> io::Result<()> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => {
                let mut writer = csv::Writer::from_writer(BufWriter::new(File::create(&self.path)?));
                let channels = self.device.channels.iter().map(|channel| channel.name.as_str());
                writer.write_record(["time"].into_iter().chain(channels))?;
                none.insert(writer)
            }
        };
        let value = |value: &f64| if value.is_nan() { String::new() } else { value.to_string() };
        let fields = [row.time.to_rfc3339()].into_iter().chain(row.values.iter().map(value));
        Ok(writer.write_record(fields)?)
    }

    fn finish(self) -> io::Result<()> {
        let Some(writer) = self.writer else { return Ok(()) };
        let mut file = writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
        file.flush()?;
        file.get_ref().sync_all()
    }
}

#[cfg(test)]
mod tests;
