//! The worker: one thread that takes every source's batches through its device's pipeline.
//!
//! One thread for all devices keeps memory and scheduling predictable on a small board: what is
//! slow is seen as waiting sources, not as contention.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tracing::{info, warn};

use super::delivery::Delivery;
use super::describer::Told;
use super::drift::WatchedDrift;
use super::feed::Fed;
use super::gauges;
use super::keeper::Keeper;
use super::models::{ActiveModel, ModelCommand, ModelWatch};
use super::state::StateFile;
use crate::clock::Clock;
use crate::config::{DeviceConfig, SourceConfig};
use crate::detect::detector::Detector;
use crate::detect::{Phase, Verdict};
use crate::incident::{Change, Incident};
use crate::pipeline::{DevicePipeline, Output};
use crate::signal::Window;
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
    /// A detector that answers beside the active one, for comparison alone.
    pub shadow: Option<Detector>,
    /// Whether it slowly changes, where that is watched.
    pub drift: Option<WatchedDrift>,
    /// Keeps its windows for a refit, where they are kept.
    pub keeper: Option<Keeper>,
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
    /// What the updates of the detector want to know.
    pub watch: Arc<ModelWatch>,
    /// Which detector is active, for the status.
    pub active: ActiveModel,
    /// Who puts incidents into words, where anybody does.
    pub told: Option<Told>,
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
                Ok(Fed::Model(command)) => self.model(command),
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
        let Watched { device, pipeline, shadow, drift, keeper, .. } = &mut self.watched[index];
        let (delivery, board, clock, watch) = (&self.delivery, &self.board, &self.clock, &self.watch);
        let told = &self.told;
        let failures = pipeline.detector().failures();
        let began = clock.monotonic();
        let (mut windows, mut changed, mut in_shadow): (u32, bool, Duration) = (0, false, Duration::ZERO);
        step(pipeline, &mut |output| match output {
            Output::Scored { window, verdict } => {
                windows += 1;
                board.device(index, |status| show_verdict(status, verdict));
                if let Some(keeper) = keeper {
                    keeper.window(window, verdict);
                }
                if let Some(news) = drift.as_mut().and_then(|drift| drift.push(window, verdict)) {
                    if news.tell {
                        delivery.drift(device, &news.compared, window.end);
                    }
                    board.device(index, |status| status.drift = news.compared);
                }
                if let Some(shadow) = shadow {
                    in_shadow += compare(shadow, window, verdict, clock.as_ref(), watch);
                }
            }
            Output::Aggregate(aggregate) => delivery.aggregate(device, &aggregate),
            Output::Incident(incident) => {
                info!(device = %device.id, id = %incident.id, change = ?incident.change, "{}", incident.summary);
                board.device(index, |status| show_incident(status, &incident));
                delivery.incident(device, &incident);
                if let Some(keeper) = keeper {
                    keeper.incident(&incident);
                }
                if let Some(told) = told {
                    told.of(index, &incident);
                }
                changed = true;
            }
        });
        if windows > 0 {
            let each = (clock.monotonic() - began).saturating_sub(in_shadow) / windows;
            gauges::window_cost(&device.id, each);
            watch.scored(windows, each, pipeline.detector().failures() - failures);
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

    /// Models change between two batches, so no window is left out.
    fn model(&mut self, command: ModelCommand) {
        match command {
            ModelCommand::Replace { detectors, model, trained, done } => {
                for (watched, detector) in self.watched.iter_mut().zip(detectors) {
                    watched.shadow = None;
                    watched.pipeline.replace_detector(detector);
                    if let Some(drift) = &mut watched.drift {
                        drift.detector(&model.version, trained.as_ref());
                    }
                }
                info!(model = model.name, version = model.version, "another detector has taken over");
                self.board.models(|models| {
                    models.iter_mut().filter(|shown| shown.name == model.name).for_each(|shown| {
                        shown.version.clone_from(&model.version);
                    });
                });
                self.active.set(model.clone());
                self.delivery.model = model;
                self.watch.replaced();
                self.save();
                // Whoever asked may have given up.
                let _ = done.send(());
            }
            ModelCommand::Shadow(detectors) => {
                for (watched, mut detector) in self.watched.iter_mut().zip(detectors) {
                    detector.succeed(watched.pipeline.detector());
                    watched.shadow = Some(detector);
                }
            }
            ModelCommand::EndShadow => self.watched.iter_mut().for_each(|watched| watched.shadow = None),
        }
    }

    fn look_after(&mut self) {
        let now = self.clock.now();
        for index in 0..self.watched.len() {
            if is_live(&self.watched[index].device.source) {
                self.with(index, |pipeline, out| pipeline.advance(now, out));
            }
            let Watched { device, pipeline, keeper, .. } = &mut self.watched[index];
            gauges::input(device, pipeline.counts());
            let kept = keeper.as_mut().map(|keeper| keeper.look_after(self.clock.monotonic()));
            self.board.device(index, |status| {
                gauges::show_input(status, pipeline.counts());
                status.retraining = kept;
            });
        }
    }

    fn save(&mut self) {
        for watched in &mut self.watched {
            save(watched);
            if let Some(drift) = &mut watched.drift {
                drift.save();
            }
            if let Some(keeper) = &mut watched.keeper {
                keeper.sync();
            }
        }
    }
}

/// Lets the detector in shadow score the same window; returns what that took.
fn compare(
    shadow: &mut Detector,
    window: &Window,
    verdict: &Verdict,
    clock: &dyn Clock,
    watch: &ModelWatch,
) -> Duration {
    let (began, failures) = (clock.monotonic(), shadow.failures());
    shadow.push(window);
    let took = clock.monotonic() - began;
    watch.compared(verdict, shadow.verdict(), took, shadow.failures() - failures);
    took
}

fn save(Watched { device, pipeline, state, .. }: &Watched) {
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
