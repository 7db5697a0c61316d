//! The drift of one device: its channels' values, their scores and the device's score.

use std::time::Duration;

use lineside_bundle::manifest::Histogram;
use serde::{Deserialize, Serialize};

use super::bins::Bins;
use super::report::{Compared, What};
use super::sketch::{Shape, Sketch};
use super::thinning::Thinning;
use super::watch::{Chance, Watch};
use crate::config::{DeviceConfig, DriftConfig};
use crate::detect::{Phase, Verdict};
use crate::signal::Window;

/// A year, over which false drifts are counted.
const YEAR: Duration = Duration::from_secs(365 * 86_400 + 6 * 3_600);
/// A machine is never quite like those of the training: only what is by convention a significant
/// difference is worth a word, and that word is no alarm.
pub(super) const SIGNIFICANT: f64 = 0.25;
/// Counts up with every change of what is saved; older forms begin anew.
const FORM: u8 = 1;

/// How the drift of a device is watched.
#[derive(Clone, Debug, PartialEq)]
pub struct DriftSettings {
    /// The channels' names.
    pub channels: Vec<String>,
    /// Time between two windows.
    pub tick: Duration,
    /// Time between two samples.
    pub interval: Duration,
    /// How much is collected and compared.
    pub shape: Shape,
}

impl DriftSettings {
    /// Of a device whose windows are `tick` apart. Spans are counted in samples: a device whose
    /// windows are rarer than the interval takes longer for each.
    #[must_use]
    pub fn new(config: &DriftConfig, device: &DeviceConfig, tick: Duration) -> Self {
        let interval = config.sample_interval.0.max(tick);
        let spans_a_year = YEAR.div_duration_f64(interval.saturating_mul(config.span_samples()));
        let sketches = 2 * device.channels.len() + 1;
        Self {
            channels: device.channels.iter().map(|channel| channel.name.clone()).collect(),
            tick,
            interval,
            shape: Shape {
                span: config.span_samples() as usize,
                blocks: config.blocks() as usize,
                alpha: alpha(config.false_drifts_per_year / sketches as f64 / spans_a_year),
            },
        }
    }
}

/// The probability that one span is beyond its limit, so that as many in a row as it takes are so
/// with the probability `rate`.
fn alpha(rate: f64) -> f64 {
    rate.powf(1.0 / f64::from(super::watch::PERSISTENCE)).min(0.5)
}

/// What is known of a device's drift, and kept over a restart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Known {
    inputs: Vec<Sketch>,
    /// Which version of the detector the scores are of.
    version: String,
    scores: Vec<Sketch>,
    score: Sketch,
    /// The device's scores against those of the training, where the bundle has them.
    trained: Option<Watch>,
}

/// Watches the drift of one device.
pub struct DeviceDrift {
    settings: DriftSettings,
    thinning: Thinning,
    known: Known,
}

impl DeviceDrift {
    /// Nothing is known yet, and no detector scores.
    #[must_use]
    pub fn new(settings: DriftSettings) -> Self {
        let thinning = Thinning::new(settings.interval, settings.tick);
        let sketches = vec![Sketch::default(); settings.channels.len()];
        let known = Known { inputs: sketches.clone(), scores: sketches, ..Known::default() };
        DeviceDrift { settings, thinning, known }
    }

    /// This version of the detector scores from now on, and its bundle recorded `trained`: the
    /// inputs' reference stays with the machine, that of the scores goes with the version.
    pub fn detector(&mut self, version: &str, trained: Option<&Histogram>) {
        let known = &mut self.known;
        if known.version != version {
            known.version = version.to_owned();
            known.scores = vec![Sketch::default(); self.settings.channels.len()];
            known.score = Sketch::default();
            known.trained = None;
        }
        let reference = trained.map(reference);
        let same = match (&known.trained, &reference) {
            (Some(watch), Some((bins, counts))) => watch.is_against(bins, counts),
            (watch, reference) => watch.is_none() && reference.is_none(),
        };
        if !same {
            known.trained = reference.map(|(bins, counts)| Watch::new(bins, counts, None));
        }
    }

    /// Takes a scored window. Returns whether it was counted.
    pub fn push(&mut self, window: &Window, verdict: &Verdict) -> bool {
        // A device that delivers nothing at all is silent, which its status says.
        let silent = window.values.iter().all(|value| value.is_nan());
        if silent || verdict.phase != Phase::Watching || !self.thinning.takes(window.end) {
            return false;
        }
        let (shape, time, quiet) = (&self.settings.shape, window.end, !verdict.alarm);
        let known = &mut self.known;
        for (sketch, &value) in known.inputs.iter_mut().zip(&window.values) {
            sketch.push(value as f32, time, quiet, shape, None);
        }
        for (sketch, channel) in known.scores.iter_mut().zip(&verdict.channels) {
            sketch.push(channel.logit, time, quiet, shape, None);
        }
        known.score.push(verdict.score, time, quiet, shape, None);
        if let Some(trained) = &mut known.trained
            && trained.push(verdict.score, time, shape.span)
        {
            let chance = known.score.chance().map(|own| Chance { floor: SIGNIFICANT, ..own });
            trained.look(time, chance, shape.alpha);
        }
        true
    }

    /// Every quantity beside its reference.
    #[must_use]
    pub fn report(&self) -> Vec<Compared> {
        let (known, shape) = (&self.known, &self.settings.shape);
        let channels = |what, sketches: &[Sketch]| -> Vec<Compared> {
            let named = self.settings.channels.iter().zip(sketches);
            named.map(|(name, sketch)| Compared::of(what, Some(name), sketch, shape)).collect()
        };
        let mut all = channels(What::Input, &known.inputs);
        all.extend(channels(What::Score, &known.scores));
        all.push(Compared::of(What::Score, None, &known.score, shape));
        all.extend(known.trained.as_ref().map(|watch| Compared::trained(What::Score, watch, shape)));
        all
    }

    /// Which version of the detector the scores are of.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.known.version
    }

    /// What must survive a restart.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        postcard::to_stdvec(&(self.bound(), &self.known)).unwrap_or_default()
    }

    /// What a snapshot belongs to: its form, and what a sketch counts.
    fn bound(&self) -> (u8, u64, u64, u64) {
        let DriftSettings { shape, interval, .. } = &self.settings;
        (FORM, shape.span as u64, shape.blocks as u64, interval.as_micros() as u64)
    }

    /// Continues from a snapshot, with the version of the detector that ran then.
    ///
    /// # Errors
    /// In words, why it does not fit; nothing is changed then.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        let (found, rest) = postcard::take_from_bytes::<(u8, u64, u64, u64)>(bytes)
            .map_err(|error| format!("unreadable: {error}"))?;
        if found != self.bound() {
            return Err("it was collected with other settings of [drift]".to_owned());
        }
        let known: Known = postcard::from_bytes(rest).map_err(|error| format!("unreadable: {error}"))?;
        let sketches = || known.inputs.iter().chain(&known.scores).chain([&known.score]);
        let channels = self.settings.channels.len();
        let fits = known.inputs.len() == channels
            && known.scores.len() == channels
            && sketches().all(Sketch::fits)
            && known.trained.iter().all(Watch::fits);
        if !fits {
            return Err("it is not of this device".to_owned());
        }
        self.known = known;
        Ok(())
    }
}

/// A bundle's histogram as bins and counts; what it abstained on is counted as missing.
pub(super) fn reference(histogram: &Histogram) -> (Bins, Vec<u32>) {
    let count = |count: &u64| u32::try_from(*count).unwrap_or(u32::MAX);
    let edges = histogram.edges.iter().map(|&edge| edge as f32).collect();
    let counts = histogram.counts.iter().chain([&histogram.abstained]).map(count).collect();
    (Bins::with(edges), counts)
}
