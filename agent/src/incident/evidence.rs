//! What is known about an incident, in figures: the only source of a summary's numbers.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What is known about an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Earliest onset over its channels.
    pub onset: Timestamp,
    /// From onset to now or to the close, in seconds.
    pub duration_s: f64,
    /// The score of the newest window, in logits.
    pub score: f32,
    /// The highest score of the episode, in logits.
    pub peak_score: f32,
    /// The limit in force when it opened, in logits.
    pub limit: f32,
    /// Every channel of the device, in the configuration's order.
    pub channels: Vec<ChannelEvidence>,
}

/// What is known about one channel in an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelEvidence {
    /// The channel's name.
    pub name: String,
    /// The channel's unit, empty when it has none.
    pub unit: String,
    /// Its level before the episode, in its unit.
    pub baseline: f64,
    /// Its level now, in its unit; `None` while it delivers nothing.
    pub now: Option<f64>,
    /// `now - baseline`, in its unit.
    pub deviation: Option<f64>,
    /// The deviation in standard deviations of its normal movement.
    pub deviation_sd: Option<f64>,
    /// Whether it takes part in the episode.
    pub deviates: bool,
    /// How it moved; `None` when it does not deviate.
    pub shape: Option<Shape>,
    /// When it began to deviate.
    pub onset: Option<Timestamp>,
    /// Its place in the order of onset, from 1.
    pub order: Option<u32>,
}

/// How a channel moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// It jumped to another level and stays there.
    Step,
    /// It moves steadily away from its level.
    Ramp,
    /// It left its level for a moment and came back.
    Spike,
    /// It swings around its level more than before.
    Oscillation,
    /// It does not change at all though it used to.
    Stuck,
    /// It delivers nothing usable.
    Dropout,
}
