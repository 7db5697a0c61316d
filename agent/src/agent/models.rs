//! The detector's host: how a release of the detector comes to run in the worker, beside the
//! active one or in its place, without a window being left out.

use std::sync::mpsc::{Sender, SyncSender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lineside_bundle::Bundle;
use lineside_bundle::manifest::Histogram;

use super::feed::Fed;
use crate::detect::Verdict;
use crate::detect::detector::{Detector, DetectorModel, DetectorSettings};
use crate::latency::Latency;
use crate::publish::payload::ModelRef;
use crate::update::host::{Comparison, Health, Host, HostError, Hosted, Release};

/// The worker takes a command between two batches; a board that needs longer is stuck.
const PATIENCE: Duration = Duration::from_secs(30);

/// The model that is active, for whoever names it in a message.
#[derive(Clone)]
pub struct ActiveModel(Arc<Mutex<ModelRef>>);

impl ActiveModel {
    /// Starts with `model`.
    #[must_use]
    pub fn new(model: ModelRef) -> Self {
        ActiveModel(Arc::new(Mutex::new(model)))
    }

    /// The model that is active now.
    #[must_use]
    pub fn get(&self) -> ModelRef {
        lock(&self.0).clone()
    }

    /// Another one is.
    pub fn set(&self, model: ModelRef) {
        *lock(&self.0) = model;
    }
}

/// What the worker is asked to do with models. Detectors come one for each device, loaded
/// already, so that the worker only swaps them.
pub enum ModelCommand {
    /// Let these take over.
    Replace {
        /// One for each device.
        detectors: Vec<Detector>,
        /// What they are.
        model: ModelRef,
        /// Scores that their training recorded.
        trained: Option<Histogram>,
        /// Told when it is done.
        done: Sender<()>,
    },
    /// Let these answer beside the active ones.
    Shadow(Vec<Detector>),
    /// End the shadow.
    EndShadow,
}

/// What the worker sees of the active detectors and of those in shadow.
#[derive(Default)]
pub struct ModelWatch {
    active: Mutex<Active>,
    shadow: Mutex<Shadow>,
}

#[derive(Default)]
struct Active {
    latency: Latency,
    failures: u64,
}

#[derive(Default)]
struct Shadow {
    agreed: u64,
    shift: f64,
    failures: u64,
    latency: Latency,
}

impl ModelWatch {
    /// The active detectors have scored so many windows in this time each.
    pub fn scored(&self, windows: u32, each: Duration, failures: u64) {
        let mut active = lock(&self.active);
        (0..windows).for_each(|_| active.latency.record(each));
        active.failures += failures;
    }

    /// One window was scored by both.
    pub fn compared(&self, active: &Verdict, shadow: &Verdict, took: Duration, failures: u64) {
        let level = |verdict: &Verdict| f64::from(verdict.score / verdict.limit);
        let mut seen = lock(&self.shadow);
        seen.agreed += u64::from(active.alarm == shadow.alarm);
        seen.shift += level(shadow) - level(active);
        seen.failures += failures;
        seen.latency.record(took);
    }

    /// The active detectors are new.
    pub fn replaced(&self) {
        *lock(&self.active) = Active::default();
    }

    fn shadow_begins(&self) {
        *lock(&self.shadow) = Shadow::default();
    }

    fn health(&self) -> Health {
        let active = lock(&self.active);
        Health {
            answered: active.latency.count(),
            failures: active.failures,
            p95_us: active.latency.quantile_us(0.95),
        }
    }

    fn comparison(&self) -> Comparison {
        let shadow = lock(&self.shadow);
        let windows = shadow.latency.count();
        Comparison {
            windows,
            agreed: shadow.agreed,
            score_shift: if windows == 0 { 0.0 } else { shadow.shift / windows as f64 },
            failures: shadow.failures,
            p95_us: shadow.latency.quantile_us(0.95),
        }
    }
}

/// Hosts the detector.
pub struct DetectorHost {
    hosted: Hosted,
    devices: Vec<DetectorSettings>,
    worker: SyncSender<Fed>,
    watch: Arc<ModelWatch>,
}

impl DetectorHost {
    /// For the devices in the configuration's order.
    #[must_use]
    pub fn new(
        hosted: Hosted,
        devices: Vec<DetectorSettings>,
        worker: SyncSender<Fed>,
        watch: Arc<ModelWatch>,
    ) -> Self {
        DetectorHost { hosted, devices, worker, watch }
    }

    fn load(&self, bundle: Option<&Bundle>) -> Result<(DetectorModel, Vec<Detector>), HostError> {
        let model = match bundle {
            Some(bundle) => DetectorModel::from_bundle(bundle.clone()),
            None => DetectorModel::builtin(),
        };
        let model = model.map_err(|error| HostError(error.to_string()))?;
        let detectors = self.devices.iter().map(|device| Detector::new(&model, device));
        let detectors = detectors.collect::<Result<_, _>>().map_err(|error| HostError(error.to_string()))?;
        Ok((model, detectors))
    }

    fn send(&self, command: ModelCommand) -> Result<(), HostError> {
        let gone = |_| HostError("the worker has ended".to_owned());
        self.worker.send(Fed::Model(command)).map_err(gone)
    }
}

impl Host for DetectorHost {
    fn model(&self) -> &Hosted {
        &self.hosted
    }

    fn activate(&mut self, release: Option<&Release>) -> Result<(), HostError> {
        let (model, detectors) = self.load(release.map(|release| &release.bundle))?;
        let (done, answer) = channel();
        let trained = model.trained().cloned();
        self.send(ModelCommand::Replace { detectors, model: model.reference(), trained, done })?;
        answer.recv_timeout(PATIENCE).map_err(|_| HostError("the worker does not answer".to_owned()))
    }

    fn start_shadow(&mut self, bundle: &Bundle) -> Result<(), HostError> {
        let (_, detectors) = self.load(Some(bundle))?;
        self.watch.shadow_begins();
        self.send(ModelCommand::Shadow(detectors))
    }

    fn comparison(&self) -> Comparison {
        self.watch.comparison()
    }

    fn stop_shadow(&mut self) {
        // A worker that has ended has no shadow either.
        let _ = self.send(ModelCommand::EndShadow);
    }

    fn health(&self) -> Health {
        self.watch.health()
    }
}

fn lock<T>(part: &Mutex<T>) -> MutexGuard<'_, T> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}
