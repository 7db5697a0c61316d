//! The worker: one thread that takes every source's batches through its device's pipeline.
//!
//! One thread for all devices keeps memory and scheduling predictable on a small board: what is
//! slow is seen as waiting sources, not as contention.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tracing::{info, warn};

use super::delivery::Delivery;
use super::feed::Fed;
use super::gauges;
use super::state::StateFile;
use crate::clock::Clock;
use crate::config::{DeviceConfig, SourceConfig};
use crate::detect::{Phase, Verdict};
use crate::incident::{Change, Incident};
use crate::pipeline::{DevicePipeline, Output};
use crate::status::StatusBoard;
use crate::status::report::{DevicePhase, DeviceStatus, SourceState};

/// How often silent devices are looked after and the board is brought up to date.
const HOUSEKEEPING: Duration = Duration::from_millis(250);

/// A device that is being watched.
pub struct Watched {
    /// Its configuration.
    pub device: DeviceConfig,
    /// Its pipeline.
    pub pipeline: DevicePipeline,
    /// Where its calibration is kept.
    pub state: StateFile,
}

/// Everything the worker thread owns.
pub struct Worker {
    /// The devices, in the configuration's order.
    pub watched: Vec<Watched>,
    /// The way out.
    pub delivery: Delivery,
    /// Where the current state is shown.
    pub board: Arc<StatusBoard>,
    /// For silent devices, for saving in time and for what a window costs.
    pub clock: Arc<dyn Clock>,
    /// How often calibrations are saved.
    pub save_interval: Duration,
}

impl Worker {
    /// Works until every source has hung up, then hands out what is still open and saves.
    pub fn run(mut self, fed: &Receiver<Fed>) {
        let mut last_save = self.clock.monotonic();
        let mut last_look = last_save;
        loop {
            match fed.recv_timeout(HOUSEKEEPING) {
                Ok(Fed::Batch(device, batch)) => {
                    self.with(device, |pipeline, out| pipeline.accept(&batch, out));
                }
                Ok(Fed::Ended(device, error)) => self.ended(device, error),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let now = self.clock.monotonic();
            if now - last_look >= HOUSEKEEPING {
                last_look = now;
                self.look_after();
            }
            if now - last_save >= self.save_interval {
                last_save = now;
                self.save();
            }
        }
        self.look_after();
        self.save();
    }

    /// Runs one device's pipeline and delivers what comes out of it.
    fn with(&mut self, index: usize, step: impl FnOnce(&mut DevicePipeline, &mut dyn FnMut(Output<'_>))) {
        let Watched { device, pipeline, .. } = &mut self.watched[index];
        let (delivery, board) = (&self.delivery, &self.board);
        let began = self.clock.monotonic();
        let (mut windows, mut changed): (u32, bool) = (0, false);
        step(pipeline, &mut |output| match output {
            Output::Scored { verdict, .. } => {
                windows += 1;
                board.device(index, |status| show_verdict(status, verdict));
            }
            Output::Aggregate(aggregate) => delivery.aggregate(device, &aggregate),
            Output::Incident(incident) => {
                info!(device = %device.id, id = %incident.id, change = ?incident.change, "{}", incident.summary);
                board.device(index, |status| show_incident(status, &incident));
                delivery.incident(device, &incident);
                changed = true;
            }
        });
        if windows > 0 {
            gauges::window_cost(&device.id, (self.clock.monotonic() - began) / windows);
        }
        if changed {
            // Saved at once, so that a power cut does not open the same incident a second time.
            save(&self.watched[index]);
        }
    }

    /// A source has ended: what it left open is handed out now, since nothing will follow.
    fn ended(&mut self, index: usize, error: Option<String>) {
        self.with(index, |pipeline, out| pipeline.finish(out));
        let id = &self.watched[index].device.id;
        match &error {
            None => info!(device = %id, "the source has come to its end"),
            Some(error) => warn!(device = %id, %error, "the source cannot go on"),
        }
        self.board.device(index, |status| {
            status.source = if error.is_some() { SourceState::Failed } else { SourceState::Ended };
            status.source_error = error;
        });
    }

    fn look_after(&mut self) {
        let now = self.clock.now();
        for index in 0..self.watched.len() {
            if is_live(&self.watched[index].device.source) {
                self.with(index, |pipeline, out| pipeline.advance(now, out));
            }
            let Watched { device, pipeline, .. } = &self.watched[index];
            gauges::input(device, pipeline.counts());
            self.board.device(index, |status| gauges::show_input(status, pipeline.counts()));
        }
    }

    fn save(&self) {
        self.watched.iter().for_each(save);
    }
}

fn save(Watched { device, pipeline, state }: &Watched) {
    if let Err(error) = state.write(&pipeline.snapshot()) {
        let path = state.path().display();
        warn!(device = %device.id, %path, %error, "the calibration could not be saved");
    }
}

fn show_verdict(status: &mut DeviceStatus, verdict: &Verdict) {
    status.windows += 1;
    status.alarms += u64::from(verdict.alarm);
    status.alarm = verdict.alarm;
    status.limit = Some(verdict.limit);
    (status.phase, status.learning_remaining, status.score) = match verdict.phase {
        Phase::Learning { remaining } => (DevicePhase::Learning, Some(remaining), None),
        Phase::Watching => (DevicePhase::Watching, None, Some(verdict.score)),
    };
}

fn show_incident(status: &mut DeviceStatus, incident: &Incident) {
    status.incidents += u64::from(incident.change == Change::Opened);
    status.open_incident = (incident.change != Change::Closed).then(|| incident.id.clone());
}

/// Whether a source's timestamps follow the wall clock, so that silence can be told by it. A
/// recording and a simulation have a time of their own.
fn is_live(source: &SourceConfig) -> bool {
    matches!(source, SourceConfig::Mqtt(_))
}
