//! What the messages say: JSON objects, one module per message.
//!
//! - Every message carries its time as `ts` (RFC 3339) and `ts_ms` (Unix milliseconds).
//! - Messages that go through the outbox ([`data()`], [`incident()`], [`report()`]) are [`Record`]s: `boot`, `seq`
//!   and `hist` are spliced in behind their opening brace when they are sent. `boot` and `seq`
//!   together are the key for removing duplicates.
//! - Retained messages ([`last()`], [`meta()`], [`models()`], [`drift()`], [`incident_state()`], [`status()`]) replace each
//!   other, so they carry `boot` but no `seq`: a repetition changes nothing.
//! - Floats are written as floats (`70.0`), and what is not a number as `null`.
//! - Promise 3: none of these functions takes a sample.
//!
//! Each has a JSON Schema in `agent/schemas`, named by its id in [`schema`].

mod data;
mod drift;
mod figure;
mod incident;
mod incident_state;
mod last;
mod meta;
mod models;
mod report;
pub mod schema;
mod status;
#[cfg(test)]
mod tests;

pub use data::data;
pub use drift::drift;
pub use incident::incident;
pub use incident_state::incident_state;
pub use last::last;
pub use meta::meta;
pub use models::models;
pub use report::{Report, report};
pub use status::{ClockState, StatusMessage, offline, status};

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::time::Timestamp;

/// Which model a message's figures come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelRef {
    /// What it does, such as `detector`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A moment, twice: for people and for programs.
#[derive(serde::Serialize)]
struct Stamp {
    ts: String,
    ts_ms: i64,
}

impl Stamp {
    fn of(time: Timestamp) -> Self {
        Stamp { ts: time.to_rfc3339(), ts_ms: time.as_millis() }
    }
}

/// `{"detector":"1.0.0"}`.
struct Models<'a>(&'a [ModelRef]);

impl Serialize for Models<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        entries(self.0.iter().map(|model| (&model.name, &model.version)), serializer)
    }
}

/// Writes an object whose keys are known only when it is written, in the given order.
fn entries<S: Serializer>(
    entries: impl Iterator<Item = (impl Serialize, impl Serialize)>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    for (key, value) in entries {
        map.serialize_entry(&key, &value)?;
    }
    map.end()
}

/// The message as JSON.
fn json(message: &impl Serialize) -> Vec<u8> {
    // Every key is a string and every value a plain type, and growing a vector cannot fail.
    serde_json::to_vec(message).expect("a payload has string keys and plain values only")
}
