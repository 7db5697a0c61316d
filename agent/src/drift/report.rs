//! What is said about drift: a figure for each quantity, never a sample.

use serde::{Deserialize, Serialize};

use super::sketch::{Shape, Sketch};
use super::watch::Watch;
use crate::status::report::moment;
use crate::time::Timestamp;

/// What to do about drift, in a sentence.
pub const ADVICE: &str = "Look at the sensor and the machine; if it is meant to run so, refit the detector \
    with its newest normal hours (lineside export-retraining).";

/// What was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A channel's values, as the detector sees them.
    Input,
    /// Scores of the detector: of a channel, or of the device as a whole.
    Score,
    /// Confidences and abstentions of a model that classifies.
    Confidence,
}

impl What {
    /// Its name in messages and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            What::Input => "input",
            What::Score => "score",
            What::Confidence => "confidence",
        }
    }
}

/// With what it was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// What was usual here in the first days: of the machine for inputs, of the model's version for
    /// scores and confidences.
    Commissioning,
    /// What the model's bundle recorded when it was trained, on other machines: to be unlike them is
    /// told, and is no drift.
    Training,
}

impl Against {
    /// Its name in messages and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Against::Commissioning => "commissioning",
            Against::Training => "training",
        }
    }
}

/// One quantity beside its reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// What.
    pub what: What,
    /// Of which channel; `None` for the device or model as a whole.
    pub channel: Option<String>,
    /// With what.
    pub against: Against,
    /// How much of the reference and of the first span after it is there, from 0 to 1; nothing
    /// is said below 1.
    pub known: f64,
    /// The population stability index of the newest complete span.
    pub psi: Option<f64>,
    /// What it must exceed, twice in a row, to be called drift.
    pub limit: Option<f64>,
    /// The mean's move in standard deviations of the reference.
    pub shift_sd: Option<f64>,
    /// The spread as a multiple of the reference's.
    pub spread: Option<f64>,
    /// When the newest complete span ended.
    #[serde(with = "moment::option")]
    pub until: Option<Timestamp>,
    /// Since when it has drifted; `None` while it has not.
    #[serde(with = "moment::option")]
    pub since: Option<Timestamp>,
}

impl Compared {
    /// Of a sketch.
    #[must_use]
    pub fn of(what: What, channel: Option<&str>, sketch: &Sketch, shape: &Shape) -> Self {
        let all = (shape.span * (shape.blocks + 1)) as f64;
        let known = match (sketch.collected(), sketch.watch()) {
            (Some(samples), _) => samples as f64 / all,
            (None, Some(watch)) if watch.newest().is_none() => {
                (shape.span * shape.blocks + watch.counted()) as f64 / all
            }
            _ => 1.0,
        };
        Self::new(what, channel, Against::Commissioning, known, sketch.watch())
    }

    /// Of a reference that the bundle brought along.
    #[must_use]
    pub fn trained(what: What, watch: &Watch, shape: &Shape) -> Self {
        let known = match watch.newest() {
            Some(_) => 1.0,
            // Spans pass without a word until chance is known.
            None => watch.counted() as f64 / shape.span as f64,
        };
        Self::new(what, None, Against::Training, known, Some(watch))
    }

    fn new(what: What, channel: Option<&str>, against: Against, known: f64, watch: Option<&Watch>) -> Self {
        let newest = watch.and_then(Watch::newest);
        Compared {
            what,
            channel: channel.map(str::to_owned),
            against,
            known,
            psi: newest.map(|newest| newest.psi),
            limit: newest.map(|newest| newest.limit),
            shift_sd: newest.and_then(|newest| newest.shift_sd),
            spread: newest.and_then(|newest| newest.spread),
            until: newest.map(|newest| newest.until),
            since: watch.and_then(Watch::since),
        }
    }

    /// Whether the newest span is further from what the training recorded than chance gets.
    #[must_use]
    pub fn unlike_the_training(&self) -> bool {
        self.against == Against::Training && self.psi.zip(self.limit).is_some_and(|(psi, limit)| psi > limit)
    }

    /// In words, without the device: `flow: its values moved (up by 1.2 sd)`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let whose = self.channel.as_deref().map_or_else(String::new, |channel| format!("{channel}: "));
        let what = match (self.what, &self.channel) {
            (What::Input, _) => "its values moved",
            (What::Score, Some(_)) => "its scores moved",
            (What::Score, None) => "the scores moved",
            (What::Confidence, _) => "the confidences moved",
        };
        let way = |shift: f64| if shift < 0.0 { "down" } else { "up" };
        let by = self.shift_sd.map_or_else(String::new, |shift| {
            let spread = self.spread.map_or_else(String::new, |spread| format!(", spread x{spread:.1}"));
            format!(" ({} by {:.1} sd{spread})", way(shift), shift.abs())
        });
        format!("{whose}{what}{by}")
    }
}
