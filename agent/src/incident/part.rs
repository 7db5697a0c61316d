//! One channel's part in an episode: whether it takes part, since when and how.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::evidence::{ChannelEvidence, Shape};
use super::history::History;
use super::onset::{self, BAND_SD, RETURN};
use super::reference::Reference;
use super::shape::{self, SPIKE_WINDOWS};
use crate::detect::ChannelVerdict;
use crate::signal::Window;
use crate::time::Timestamp;

/// "Now" is the mean of so many windows: one noisy window is not a level.
const NOW_WINDOWS: usize = 5;
/// ln 8: the detector pools as `ln(8 · mean exp(logit))`, so a channel this far below the limit
/// would by itself bring a device of one channel to the limit.
const POOLING_LOGIT: f32 = 2.08;
/// A shape is looked at in each of the first so many windows, then once in as many: it settles,
/// and fitting it costs time.
const SHAPE_EVERY: u32 = 16;

/// One channel's part in an episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    reference: Reference,
    joined: Option<Joined>,
}

/// What is known of a channel that takes part. Once it does, it does until the episode closes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Joined {
    onset: Timestamp,
    shape: Shape,
    /// Windows since it joined.
    windows: u32,
    /// Whether it deviates in the newest window.
    deviates: bool,
    /// Windows since it last did.
    back: u32,
}

/// How a channel deviates in one window.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Deviation {
    /// It delivers nothing, or nothing new, for so many windows.
    Silent(Shape, u32),
    /// Its level or its movement is not normal.
    Moved,
}

/// What a channel is judged by in one window.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The last windows, the newest included.
    pub history: &'a History,
    /// Which channel.
    pub channel: usize,
    /// The detector's view of it.
    pub verdict: &'a ChannelVerdict,
    /// The newest window.
    pub window: &'a Window,
    /// The limit in force, in logits.
    pub limit: f32,
    /// Time between two windows.
    pub tick: Duration,
    /// The first window of the history that may belong to the episode.
    pub from: usize,
}

impl View<'_> {
    fn deviation(&self, reference: &Reference) -> Option<Deviation> {
        if let Some((shape, run)) = shape::silence(self.history, self.channel, self.verdict) {
            return Some(Deviation::Silent(shape, run));
        }
        let carries = self.verdict.logit > 0.0 && self.verdict.logit >= self.limit - POOLING_LOGIT;
        let mean = self.history.recent_mean(self.channel, 0, NOW_WINDOWS)?;
        (carries || reference.movement(mean).abs() > f64::from(BAND_SD)).then_some(Deviation::Moved)
    }

    /// When the deviation began.
    fn onset(&self, deviation: Deviation, reference: &Reference) -> Timestamp {
        match deviation {
            Deviation::Silent(_, run) => {
                self.window.start.minus(self.tick.saturating_mul(run.saturating_sub(1)))
            }
            Deviation::Moved => onset::onset(&self.history.movement(self.channel, self.from, reference))
                .and_then(|index| self.history.start(self.from + index))
                .unwrap_or(self.window.start),
        }
    }
}

impl Part {
    /// A channel that does not take part yet.
    #[must_use]
    pub fn new(reference: Reference) -> Self {
        Part { reference, joined: None }
    }

    /// When the channel began to deviate from `reference`; `None` if it does not.
    #[must_use]
    pub fn onset_from(reference: &Reference, view: &View<'_>) -> Option<Timestamp> {
        view.deviation(reference).map(|deviation| view.onset(deviation, reference))
    }

    /// When it began to deviate; `None` while it takes no part.
    #[must_use]
    pub fn onset(&self) -> Option<Timestamp> {
        self.joined.as_ref().map(|joined| joined.onset)
    }

    /// Takes the newest window; a channel can join only while the alarm stands.
    pub fn follow(&mut self, view: &View<'_>, alarm: bool) {
        let deviation = view.deviation(&self.reference);
        let Some(joined) = &mut self.joined else {
            if let Some(deviation) = deviation.filter(|_| alarm) {
                let onset = view.onset(deviation, &self.reference);
                let shape = shape_now(&self.reference, onset, view, deviation);
                self.joined = Some(Joined { onset, shape, windows: 0, deviates: true, back: 0 });
            }
            return;
        };
        joined.windows = joined.windows.saturating_add(1);
        joined.deviates = deviation.is_some();
        joined.back = if joined.deviates { 0 } else { joined.back.saturating_add(1) };
        match deviation {
            Some(Deviation::Silent(shape, _)) => joined.shape = shape,
            Some(Deviation::Moved) => {
                let look = joined.windows < SHAPE_EVERY || joined.windows.is_multiple_of(SHAPE_EVERY);
                if look || matches!(joined.shape, Shape::Stuck | Shape::Dropout) {
                    joined.shape = shape_now(&self.reference, joined.onset, view, Deviation::Moved);
                }
            }
            None => {
                let away = view.window.start.since(joined.onset);
                let away = away.saturating_sub(view.tick.saturating_mul(joined.back));
                let brief = away <= view.tick.saturating_mul(SPIKE_WINDOWS as u32);
                let silent = matches!(joined.shape, Shape::Stuck | Shape::Dropout);
                if brief && !silent && joined.back > RETURN as u32 {
                    joined.shape = Shape::Spike;
                }
            }
        }
    }

    /// What is known about the channel now. `name` and `unit` are the channel's; the order of
    /// onset is known only beside the other channels.
    #[must_use]
    pub fn evidence(&self, name: &str, unit: &str, view: &View<'_>) -> ChannelEvidence {
        let windows = if self.reference.moved() { NOW_WINDOWS } else { 1 };
        let from = match &self.joined {
            Some(joined) if joined.deviates => view.history.index_from(joined.onset),
            _ => 0,
        };
        let silent =
            matches!(&self.joined, Some(joined) if joined.deviates && joined.shape == Shape::Dropout);
        let now = if silent { None } else { view.history.recent_mean(view.channel, from, windows) };
        let deviation =
            now.map(|now| now - self.reference.baseline).filter(|deviation| deviation.is_finite());
        ChannelEvidence {
            name: name.to_owned(),
            unit: unit.to_owned(),
            baseline: self.reference.baseline,
            now,
            deviation,
            deviation_sd: deviation.and_then(|deviation| self.reference.in_sd(deviation)),
            deviates: self.joined.is_some(),
            shape: self.joined.as_ref().map(|joined| joined.shape),
            onset: self.onset(),
            order: None,
        }
    }
}

fn shape_now(reference: &Reference, onset: Timestamp, view: &View<'_>, deviation: Deviation) -> Shape {
    match deviation {
        Deviation::Silent(shape, _) => shape,
        Deviation::Moved => {
            let from = view.history.index_from(onset);
            shape::of_movement(&view.history.movement(view.channel, from, reference))
        }
    }
}
