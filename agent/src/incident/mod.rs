//! One episode of alarms becomes one incident, with its evidence and a sentence.
//!
//! ```text
//! tracker: when it opens, changes, closes
//!   part: each channel's part in it ← onset, shape ← history, reference
//!   material: whether a change is worth a message
//!   sentence: the evidence in words
//! book: the incidents of the last days, for reports
//! ```

pub mod book;
pub mod evidence;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod history;
pub mod material;
pub mod onset;
pub mod part;
pub mod reference;
pub mod sentence;
pub mod shape;
pub mod tracker;

pub use evidence::{ChannelEvidence, Evidence, Shape};
pub use tracker::IncidentTracker;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// One episode of a device, from its first alarm until it has been quiet for long enough.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Unique on this gateway for ever: `<device>-<opening time>`.
    pub id: String,
    /// The device's id.
    pub device: String,
    /// What changed with this message.
    pub change: Change,
    /// When the first alarm was raised.
    pub opened: Timestamp,
    /// The time of this message's evidence.
    pub updated: Timestamp,
    /// When it closed.
    pub closed: Option<Timestamp>,
    /// What is known about it.
    pub evidence: Evidence,
    /// One sentence an operator can act on.
    pub summary: String,
}

/// What a message about an incident says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It began.
    Opened,
    /// It is worse, or its evidence changed.
    Updated,
    /// It ended.
    Closed,
}
