//! Keeps a device's windows for a refit, with the marks that tell normal hours from others.

use std::io;
use std::time::Duration;

use tracing::warn;

use crate::config::{Config, DeviceConfig};
use crate::detect::Verdict;
use crate::incident::{Change, Incident};
use crate::retraining::segment::Header;
use crate::retraining::{FOLDER, Kept, Limits, Recorder, Row};
use crate::signal::Window;

/// Keeps a device's windows.
pub struct Keeper {
    device: String,
    recorder: Recorder,
    in_incident: bool,
    sync_interval: Duration,
    last_sync: Duration,
    /// Whether the disk refused it last time: said once, not every minute.
    refused: bool,
}

impl Keeper {
    /// Of a device, where windows are kept; `in_incident` where one is open already.
    ///
    /// # Errors
    /// When its folder cannot be used.
    pub fn open(config: &Config, device: &DeviceConfig, in_incident: bool) -> io::Result<Option<Self>> {
        let settings = &config.retraining;
        if !settings.enabled {
            return Ok(None);
        }
        let limits = Limits {
            keep: settings.keep.0,
            bytes: settings.max_size.0 / config.devices.len().max(1) as u64,
            min_free: config.outbox.min_free.0,
        };
        let folder = config.gateway.data_dir.join(FOLDER).join(&device.id);
        let recorder = Recorder::open(&folder, Header::of(device), limits)?;
        Ok(Some(Keeper {
            device: device.id.clone(),
            recorder,
            in_incident,
            sync_interval: settings.sync_interval.0,
            last_sync: Duration::ZERO,
            refused: false,
        }))
    }

    /// Takes a scored window.
    pub fn window(&mut self, window: &Window, verdict: &Verdict) {
        let marked = verdict.alarm || self.in_incident;
        let row = Row { time: window.end, marked, values: window.values.to_vec() };
        if self.recorder.push(&row) {
            self.sync();
        }
    }

    /// Takes a change of the device's incident.
    pub fn incident(&mut self, incident: &Incident) {
        self.in_incident = incident.change != Change::Closed;
    }

    /// Syncs when it is time to; what is kept, in figures.
    pub fn look_after(&mut self, now: Duration) -> Kept {
        if now.saturating_sub(self.last_sync) >= self.sync_interval {
            self.last_sync = now;
            self.sync();
        }
        self.recorder.kept()
    }

    /// Writes and syncs what was taken since.
    pub fn sync(&mut self) {
        match self.recorder.sync() {
            Ok(()) => self.refused = false,
            Err(error) if !self.refused => {
                warn!(device = %self.device, %error, "windows for a refit cannot be kept");
                self.refused = true;
            }
            Err(_) => {}
        }
    }
}
