//! What the demo watches: the simulated pump station of `demo.toml`, or a recording.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lineside::config::{ChannelConfig, Config, CsvSource, DeviceConfig, SourceConfig, Span};
use lineside::source::csv::TimeFormat;
use lineside::time::Timestamp;

/// The gateway's configuration; what depends on the machine is filled in.
const GATEWAY: &str = include_str!("../demo.toml");
/// The model that puts incidents into words.
const WORDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/catalog/words");
/// Rows of a recording that its period is taken from.
const SAMPLE_ROWS: usize = 200;
/// The part of the demo's time that the machine runs: the rest is for the last messages.
const RUNNING: f64 = 0.9;

/// A device, and how much of its own time passes.
pub struct Scenario {
    /// The gateway's configuration.
    pub config: Config,
    /// What is watched, for people.
    pub title: String,
    /// Faults and when they begin, in seconds of the demo.
    pub faults: Vec<(f64, String)>,
    /// Whether every channel has a value for every moment, so that samples tell how many windows
    /// are due.
    pub gapless: bool,
}

/// The simulated pump station, compressed into `seconds`.
///
/// # Errors
/// Never for the demo as shipped: its tests read it.
pub fn simulated(seconds: f64, data: &Path, broker: SocketAddr) -> Result<Scenario> {
    let mut config: Config = toml::from_str(GATEWAY).context("demo.toml")?;
    let device = config.devices.first_mut().context("demo.toml: no device")?;
    let SourceConfig::Simulate(source) = &mut device.source else { bail!("demo.toml: not simulated") };
    let duration = source.duration.context("demo.toml: no duration")?;
    source.speed = duration.0.as_secs_f64() / (seconds * RUNNING);
    let speed = source.speed;
    let name = |fault: &lineside::config::FaultConfig| format!("{:?}", fault.kind);
    let faults = source.faults.iter().map(|f| (f.at.0.as_secs_f64() / speed, words(&name(f)))).collect();
    finish(&mut config, data, broker)?;
    let title = format!("a simulated pump station, {speed:.0} times real time");
    Ok(Scenario { config, title, faults, gapless: true })
}

/// A recording of one's own: every column with numbers is a channel.
///
/// # Errors
/// When the recording has no time or no numbers.
pub fn recorded(file: &Path, seconds: f64, data: &Path, broker: SocketAddr) -> Result<Scenario> {
    let mut config: Config = toml::from_str(GATEWAY).context("demo.toml")?;
    let recording = Recording::look_at(file)?;
    let span = recording.rows as f64 * recording.period.as_secs_f64();
    let speed = (span / (seconds * RUNNING)).max(1.0);
    config.devices = vec![DeviceConfig {
        id: "recording".into(),
        kind: None,
        period: Span(recording.period),
        lateness: None,
        window: None,
        hop: None,
        source: SourceConfig::Csv(CsvSource {
            path: file.to_owned(),
            delimiter: Some(char::from(recording.delimiter)),
            time_column: None,
            time_format: None,
            speed,
        }),
        channels: recording.channels,
    }];
    finish(&mut config, data, broker)?;
    let title = format!("{} at {speed:.0} times real time", file.display());
    Ok(Scenario { config, title, faults: Vec::new(), gapless: false })
}

fn finish(config: &mut Config, data: &Path, broker: SocketAddr) -> Result<()> {
    config.gateway.data_dir = PathBuf::from(data);
    config.mqtt.host = broker.ip().to_string();
    config.mqtt.port = broker.port();
    config.slm.task.summarize_incident.model = Some(PathBuf::from(WORDS));
    // Aggregates over ten samples or more, whatever the period.
    let period = config.devices.first().context("no device")?.period.0;
    config.publish.aggregate_interval = Span(config.publish.aggregate_interval.0.max(period * 10));
    Ok(())
}

/// `OutletValveClosing` as people say it.
fn words(name: &str) -> String {
    let mut words = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

/// What a recording's first rows say of it.
struct Recording {
    delimiter: u8,
    period: Duration,
    rows: usize,
    channels: Vec<ChannelConfig>,
}

impl Recording {
    fn look_at(file: &Path) -> Result<Recording> {
        let about = || file.display().to_string();
        let lines = BufReader::new(File::open(file).with_context(about)?).lines();
        let lines: Vec<String> = lines.collect::<Result<_, _>>().with_context(about)?;
        let header = lines.first().with_context(|| format!("{} is empty", about()))?;
        let count = |delimiter: &u8| header.bytes().filter(|byte| byte == delimiter).count();
        let delimiter = *b"\t;,".iter().max_by_key(|d| count(d)).unwrap_or(&b',');
        let split = |line: &str| line.split(char::from(delimiter)).map(str::to_owned).collect::<Vec<_>>();
        let rows: Vec<Vec<String>> = lines.iter().skip(1).take(SAMPLE_ROWS).map(|line| split(line)).collect();
        let time = |row: &Vec<String>| row.first().and_then(|field| TimeFormat::Any.parse(field.as_bytes()));
        let times: Vec<Timestamp> = rows.iter().filter_map(time).collect();
        let mut steps: Vec<Duration> = times.windows(2).map(|pair| pair[1].since(pair[0])).collect();
        steps.sort_unstable();
        let period = steps.get(steps.len() / 2).copied().filter(|period| !period.is_zero());
        let period =
            period.with_context(|| format!("{}: its first column holds no rising times", about()))?;
        let numeric = |column: usize| {
            rows.iter().filter_map(|row| row.get(column)).any(|field| field.trim().parse::<f64>().is_ok())
        };
        let names = split(header);
        let channels = names.iter().enumerate().skip(1).filter(|(column, _)| numeric(*column));
        let channels: Vec<_> = channels
            .map(|(_, name)| ChannelConfig {
                name: name.trim().to_owned(),
                column: Some(name.trim().to_owned()),
                ..ChannelConfig::default()
            })
            .take(64)
            .collect();
        if channels.is_empty() {
            bail!("{}: no column behind the time holds numbers", about());
        }
        Ok(Recording { delimiter, period, rows: lines.len().saturating_sub(1), channels })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_understood_without_being_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("own.csv");
        let rows: String =
            (0..20).map(|i| format!("2026-01-01 00:00:{:02};{}.5;ok;{i}\n", i * 2, i)).collect();
        std::fs::write(&file, format!("time;pressure;note;flow\n{rows}")).unwrap();
        let recording = Recording::look_at(&file).unwrap();
        assert_eq!(recording.period, Duration::from_secs(2));
        let names: Vec<_> = recording.channels.iter().map(|channel| channel.name.as_str()).collect();
        assert_eq!(names, ["pressure", "flow"]);
    }

    #[test]
    fn the_shipped_scenario_is_sound() {
        let folder = tempfile::tempdir().unwrap();
        let scenario = simulated(60.0, folder.path(), SocketAddr::from(([127, 0, 0, 1], 1))).unwrap();
        assert_eq!(scenario.config.devices[0].channels.len(), 8);
        assert_eq!(scenario.faults[0].1, "outlet valve closing");
    }
}
