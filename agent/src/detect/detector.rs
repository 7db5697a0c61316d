//! The detector of one device: bank, model, gate and alarm layer in a row.
//!
//! Promises, each with a test of that name:
//! - while it learns it raises no alarm;
//! - a fault that lasts is not learnt as normal, a slow drift is followed without an alarm;
//! - a channel that drops out or gets stuck raises an alarm, one that always was silent or
//!   constant does not;
//! - a restart continues bit for bit where the snapshot was taken, and a snapshot that does not
//!   fit is refused with the reason;
//! - a new release of the model takes over between two windows and goes on with what was learnt.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::alarm::{AlarmLayer, AlarmPast};
use super::bank::{Bank, INPUTS};
use super::gate::NoveltyGate;
pub use super::model::{DetectError, DetectorModel};
use super::runs;
use super::scorer::Scorer;
pub use super::snapshot::RestoreError;
use super::snapshot::{self, Bound};
use super::verdict::{ChannelVerdict, Phase, Verdict};
use crate::signal::Window;
use crate::time::Timestamp;

/// While an alarm stands, only every so-manieth window is learnt from: a fault is not taken for
/// normal, but a machine that has changed for good is accepted after some hours of 1 s windows.
const LEARN_EVERY: u32 = 20;
/// Days have so many seconds.
const DAY: f64 = 86_400.0;

/// What a detector must know about its device.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectorSettings {
    /// Channels of the device, 1 to 64.
    pub channels: usize,
    /// Time between two windows.
    pub tick: Duration,
    /// False alarms a day that are acceptable.
    pub false_alarms_per_day: f64,
    /// Windows it learns from before it raises its first alarm.
    pub commissioning_windows: u32,
}

/// Scores the windows of one device.
pub struct Detector {
    scorer: Scorer,
    pooling: f32,
    novelty_ratio: f32,
    bound: Bound,
    alarm: AlarmLayer,
    learnt: Learnt,
    features: Vec<f32>,
    scores: Vec<f32>,
    failures: u64,
    verdict: Verdict,
}

/// What is learnt on the device and kept over a restart, beside the alarm layer's past.
#[derive(Clone, Serialize, Deserialize)]
struct Learnt {
    bank: Bank,
    gate: NoveltyGate,
    remaining: u32,
    windows: u32,
    /// An operator called the standing alarm a true fault: nothing of it is learnt.
    confirmed: bool,
}

impl Learnt {
    fn phase(&self) -> Phase {
        match self.remaining {
            0 => Phase::Watching,
            remaining => Phase::Learning { remaining },
        }
    }
}

/// What an operator says about the alarm that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feedback {
    /// The machine is at fault: nothing is learnt until it has recovered, however long it takes.
    TrueFault,
    /// The machine is meant to run so: its present state becomes the normal one.
    Normal,
}

impl Detector {
    /// A detector that has seen nothing.
    ///
    /// # Errors
    /// When the model cannot be run for this number of channels.
    pub fn new(model: &DetectorModel, settings: &DetectorSettings) -> Result<Self, DetectError> {
        let channels = settings.channels;
        let calibration = model.calibration();
        let rate = settings.false_alarms_per_day * settings.tick.as_secs_f64() / DAY;
        let alarm = AlarmLayer::new(calibration, rate);
        let unseen = ChannelVerdict { logit: 0.0, baseline: 0.0, scale: 0.0, missing_run: 0, flat_run: 0 };
        Ok(Detector {
            scorer: Scorer::new(model.onnx(), channels)?,
            pooling: calibration.pooling,
            novelty_ratio: calibration.novelty_ratio,
            bound: Bound { channels, tick_us: u64::try_from(settings.tick.as_micros()).unwrap_or(u64::MAX) },
            verdict: Verdict {
                time: Timestamp::EPOCH,
                phase: Phase::Learning { remaining: settings.commissioning_windows },
                score: 0.0,
                limit: alarm.limit(),
                alarm: false,
                channels: vec![unseen; channels],
            },
            alarm,
            learnt: Learnt {
                bank: Bank::new(channels),
                gate: NoveltyGate::new(channels),
                remaining: settings.commissioning_windows,
                windows: 0,
                confirmed: false,
            },
            features: vec![0.0; channels * INPUTS],
            scores: Vec::new(),
            failures: 0,
        })
    }

    /// Scores a window.
    ///
    /// A window without any usable value is a gap: it holds everything, and the verdict repeats
    /// the last one. That a whole device is silent is seen by its status, not by its detector.
    pub fn push(&mut self, window: &Window) -> &Verdict {
        self.verdict.time = window.end;
        if window.values.iter().all(|value| value.is_nan()) {
            return &self.verdict;
        }
        let learnt = &mut self.learnt;
        let standing = self.alarm.standing();
        learnt.confirmed &= standing;
        learnt.windows = learnt.windows.wrapping_add(1);
        let now_and_then = learnt.windows.is_multiple_of(LEARN_EVERY) && !learnt.confirmed;
        learnt.bank.push(&window.values, !standing || now_and_then);
        learnt.bank.inputs(&mut self.features);
        match self.scorer.score(&self.features, &mut self.scores) {
            Ok(0) => {}
            Ok(_) => self.failures += 1,
            Err(_) => {
                // It ran when it was loaded; should it ever not, the tick says nothing.
                self.failures += 1;
                self.scores.clear();
                self.scores.resize(self.bound.channels, 0.0);
            }
        }
        let mut score = pool(&self.scores, self.pooling);
        if self.novelty_ratio > 0.0 && learnt.gate.push(&learnt.bank, !standing) <= self.novelty_ratio {
            score = score.min(0.0);
        }
        let limit = self.alarm.limit();
        for (channel, bank) in self.scores.iter_mut().zip(learnt.bank.channels()) {
            if let Some(run) = runs::score(bank, limit) {
                *channel = channel.max(run);
                score = score.max(run);
            }
        }
        let armed = learnt.remaining == 0;
        learnt.remaining = learnt.remaining.saturating_sub(1);
        self.verdict.alarm = self.alarm.push(score, armed);
        self.verdict.score = score;
        self.verdict.limit = self.alarm.limit();
        self.verdict.phase =
            if armed { Phase::Watching } else { Phase::Learning { remaining: learnt.remaining } };
        for ((channel, bank), &logit) in
            self.verdict.channels.iter_mut().zip(learnt.bank.channels()).zip(&self.scores)
        {
            *channel = ChannelVerdict {
                logit,
                baseline: bank.baseline(),
                scale: bank.scale(),
                missing_run: bank.missing_run(),
                flat_run: bank.flat_run(),
            };
        }
        &self.verdict
    }

    /// Takes an operator's word about the standing alarm; without one it changes nothing.
    pub fn feedback(&mut self, feedback: Feedback) {
        if !self.alarm.standing() {
            return;
        }
        match feedback {
            Feedback::TrueFault => self.learnt.confirmed = true,
            Feedback::Normal => {
                self.learnt.bank.rebaseline();
                self.alarm.dismiss();
            }
        }
    }

    /// What was learnt so far, for [`Detector::restore`].
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        snapshot::seal(&self.bound, &(&self.learnt, self.alarm.past()))
    }

    /// Takes over from the detector that ran until now: what was learnt of the device, the
    /// alarm that stands and the peaks of the past go on. Peaks are in the scores of the older
    /// weights; both are logits, and a limit a little too high for some hours is better than a
    /// gateway that has forgotten how its machine moves.
    pub fn succeed(&mut self, predecessor: &Detector) {
        self.learnt = predecessor.learnt.clone();
        self.alarm.resume(predecessor.alarm.past().clone());
        self.verdict = predecessor.verdict.clone();
        self.verdict.limit = self.alarm.limit();
    }

    /// What was said of the newest window.
    #[must_use]
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Windows since the start at which the model gave no finite answer. They count as 0 in the
    /// verdict; a release on trial is sent back for the first one.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures
    }

    /// Continues from a snapshot of the same device.
    ///
    /// # Errors
    /// When it is damaged or belongs to another detector; nothing is changed then.
    pub fn restore(&mut self, snapshot: &[u8]) -> Result<(), RestoreError> {
        let (learnt, past): (Learnt, AlarmPast) = snapshot::open(snapshot, &self.bound)?;
        let channels = self.bound.channels;
        if !learnt.bank.fits(channels) || !learnt.gate.fits(channels) || !past.fits() {
            return Err(RestoreError::Damaged);
        }
        self.learnt = learnt;
        self.alarm.resume(past);
        self.verdict.phase = self.learnt.phase();
        self.verdict.limit = self.alarm.limit();
        self.verdict.alarm = self.alarm.standing();
        Ok(())
    }
}

/// The number of channels at which a pooled score is the plain soft sum of the channels': limits
/// are calibrated there.
const POOLED_CHANNELS: f32 = 8.0;

/// One score from the channels': a soft maximum, so that two deviating channels say more than
/// one, at the level it would have if there were [`POOLED_CHANNELS`] of them.
fn pool(scores: &[f32], sharpness: f32) -> f32 {
    let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = scores.iter().map(|score| (sharpness * (score - top)).exp()).sum();
    top + (sum * POOLED_CHANNELS / scores.len() as f32).ln() / sharpness
}

#[cfg(test)]
mod tests;
