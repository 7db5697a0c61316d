//! What the detector says about one window.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What the detector says about one window of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// End of the window.
    pub time: Timestamp,
    /// Learning or watching.
    pub phase: Phase,
    /// Anomaly score pooled over the channels, in logits; meaningful while watching.
    pub score: f32,
    /// The score above which an alarm is raised, in logits.
    pub limit: f32,
    /// Whether an alarm stands at this window.
    pub alarm: bool,
    /// One entry per channel, in the configuration's order.
    pub channels: Vec<ChannelVerdict>,
}

/// The detector's view of one channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChannelVerdict {
    /// The channel's own anomaly score, in logits.
    pub logit: f32,
    /// What is normal for the channel now: its slow lagged level, in the channel's unit.
    pub baseline: f64,
    /// How much it normally moves around the baseline (one standard deviation), in its unit.
    pub scale: f64,
    /// Windows since the last usable sample; 0 when this window has one.
    pub missing_run: u32,
    /// Windows for which the value has not changed at all.
    pub flat_run: u32,
}

/// Where the detector stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Commissioning: it calibrates itself and raises no alarm.
    Learning {
        /// Windows left until it watches.
        remaining: u32,
    },
    /// Calibrated.
    Watching,
}
