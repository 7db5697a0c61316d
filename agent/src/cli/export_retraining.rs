//! `lineside export-retraining`: writes what a retraining needs into a folder.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use lineside_bundle::Sha256Hex;

use super::exit::Exit;
use super::terminal::print;
use crate::agent::drift::DRIFT;
use crate::agent::state::StateFile;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, DeviceConfig, Span};
use crate::drift::{DeviceDrift, DriftSettings};
use crate::retraining::export::{Beside, Exported, export};
use crate::status::client;
use crate::status::report::StatusReport;

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// The agent's TOML file; the agent may be running.
    #[arg(long, short, value_name = "FILE", default_value = "agent.toml")]
    config: PathBuf,
    /// The folder to write, new or empty.
    #[arg(long, short, value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn run(args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let config = super::load(&args.config)?.config;
    let text = fs::read(&args.config).with_context(|| args.config.display().to_string())?;
    let live = running(&config);
    let mut beside = Vec::new();
    for device in &config.devices {
        beside.push(match live.as_ref().and_then(|report| now(report, device)) {
            Some(now) => now,
            None => saved(&config, device)?,
        });
    }
    let digest = Sha256Hex::of(&text).to_string();
    let all = export(&config, &digest, &beside, SystemClock::new().now(), &args.out)?;
    for (device, exported) in config.devices.iter().zip(&all) {
        print(&line(device, exported))?;
    }
    print(&format!(
        "written to {}; it holds figures of the machines and stays where you take it\n",
        args.out.display()
    ))?;
    Ok(Exit::Ok.into())
}

/// What the agent of this configuration says, where it runs: what it has saved may be some minutes old.
fn running(config: &Config) -> Option<StatusReport> {
    let report = config.status.enabled.then(|| client::report(config.status.listen).ok())??;
    let ours = report.site == config.gateway.site && report.gateway == config.gateway.name;
    ours.then_some(report)
}

/// What the running agent says of a device.
fn now(report: &StatusReport, device: &DeviceConfig) -> Option<Beside> {
    let detector = report.models.iter().find(|model| model.role == "detector");
    let detector = detector.map(|model| model.version.clone());
    let status = report.devices.iter().find(|status| status.id == device.id)?;
    Some(Beside { detector, drift: status.drift.clone() })
}

/// What the agent saved of a device's drift; nothing where there is nothing, or nothing that fits.
fn saved(config: &Config, device: &DeviceConfig) -> anyhow::Result<Beside> {
    let folder = config.gateway.data_dir.join(DRIFT);
    if !folder.is_dir() {
        return Ok(Beside::default());
    }
    let file = StateFile::new(&folder, device).with_context(|| folder.display().to_string())?;
    let saved = file.read().with_context(|| file.path().display().to_string())?;
    let mut drift = DeviceDrift::new(DriftSettings::new(&config.drift, device, device.hop()));
    Ok(match saved {
        Some(Ok(bytes)) if drift.restore(&bytes).is_ok() => {
            Beside { detector: Some(drift.version().to_owned()), drift: drift.report() }
        }
        _ => Beside::default(),
    })
}

fn line(device: &DeviceConfig, exported: &Exported) -> String {
    let Exported { windows, in_incidents, damaged, of_another_form, repeated, .. } = exported;
    let hours = |windows: u64| {
        let length = device.hop().saturating_mul(u32::try_from(windows).unwrap_or(u32::MAX));
        Span(Duration::from_secs(length.as_secs()))
    };
    let mut line = format!(
        "{}: {windows} normal windows ({}), {in_incidents} in or around incidents ({})",
        device.id,
        hours(*windows),
        hours(*in_incidents)
    );
    for (count, what) in [
        (damaged, "damaged"),
        (of_another_form, "of other channels or another timing"),
        (repeated, "at a time that was there already"),
    ] {
        if *count > 0 {
            line.push_str(&format!("; left out: {count} {what}"));
        }
    }
    line + "\n"
}
