//! What `/status` says, as JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::drift::Compared;
use crate::retraining::Kept;
use crate::slm::case::Assessment;
use crate::slm::runtime::SlmFigures;
use crate::time::Timestamp;

/// The state of the agent at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusReport {
    /// The site's name.
    pub site: String,
    /// The gateway's name.
    pub gateway: String,
    /// The agent's version.
    pub version: String,
    /// How often the agent has been started on its data folder; 0 until the outbox is open.
    pub boot: u32,
    /// When the report was made, RFC 3339.
    #[serde(with = "moment")]
    pub time: Timestamp,
    /// Time since the start, in seconds.
    pub uptime_s: f64,
    /// Why the agent is not ready; empty when it is.
    pub not_ready: Vec<String>,
    /// Delivery.
    pub mqtt: MqttStatus,
    /// What is kept.
    pub outbox: OutboxStatus,
    /// One entry per device, in the configuration's order.
    pub devices: Vec<DeviceStatus>,
    /// The models that are loaded.
    pub models: Vec<ModelStatus>,
    /// Resident memory in bytes, where the system tells.
    pub resident_bytes: Option<u64>,
    /// Accepted records that are gone without having been acknowledged or evicted.
    pub losses: Vec<Loss>,
    /// Updates of the models.
    #[serde(default)]
    pub update: UpdateStatus,
    /// The language models, where any are configured.
    #[serde(default)]
    pub slm: Option<SlmFigures>,
    /// The answers of models that classify, beside their references.
    #[serde(default)]
    pub models_drift: Vec<ModelDrift>,
}

/// The answers of a model beside their references.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelDrift {
    /// The model's name.
    pub model: String,
    /// Its version.
    pub version: String,
    /// How sure it was, and how often it said "unknown".
    pub compared: Vec<Compared>,
}

/// Updates of the models.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateStatus {
    /// Whether an OTA server is asked.
    pub enabled: bool,
    /// How often it was asked since the start.
    #[serde(default)]
    pub polls: u64,
    /// Why it was last asked without success.
    pub error: Option<String>,
    /// What the server says has expired: it is not kept up, an old copy is served, or this clock
    /// is ahead. Nothing is installed meanwhile.
    pub stale: bool,
    /// One entry per model.
    pub models: Vec<ModelUpdate>,
}

/// Updates of one model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelUpdate {
    /// Its name.
    pub name: String,
    /// The release that runs.
    pub release: u32,
    /// `idle`, `shadow`, `ready` or `soak`.
    pub stage: String,
    /// What the newest look into the repository came to, such as `active`, `paused` or `ramp`.
    pub waiting: String,
    /// Updates are held off by an operator.
    pub pinned: bool,
    /// The factory model runs because a proven one was lost.
    pub safe_mode: bool,
}

/// The connection to the control room's broker.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MqttStatus {
    /// Whether it is configured to publish at all.
    pub enabled: bool,
    /// The broker, `host:port`.
    pub broker: String,
    /// Whether the broker has accepted the connection.
    pub connected: bool,
    /// Since when it is as it is, RFC 3339.
    #[serde(with = "moment::option")]
    pub since: Option<Timestamp>,
    /// Why it was last lost or refused.
    pub last_error: Option<String>,
}

/// The outbox and its counters since the start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OutboxStatus {
    /// Whether it is open.
    pub open: bool,
    /// Why it cannot take records, if so.
    pub error: Option<String>,
    /// How often the agent has been started on this data folder.
    pub boot: u32,
    /// Records that wait.
    pub depth: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// When the oldest of them was accepted, RFC 3339.
    #[serde(with = "moment::option")]
    pub oldest: Option<Timestamp>,
    /// Records accepted.
    pub accepted: u64,
    /// Records acknowledged by the broker.
    pub acknowledged: u64,
    /// Records evicted, by reason.
    pub evicted: BTreeMap<String, u64>,
}

/// Records that were lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loss {
    /// Why.
    pub reason: String,
    /// How many.
    pub records: u64,
}

/// One device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeviceStatus {
    /// Its id.
    pub id: String,
    /// Whether samples come.
    pub source: SourceState,
    /// Why the source ended, if it failed.
    pub source_error: Option<String>,
    /// Where its detector stands.
    pub phase: DevicePhase,
    /// Windows left until it watches, while it is learning.
    pub learning_remaining: Option<u32>,
    /// The score of the newest window, in logits.
    pub score: Option<f32>,
    /// The score above which an alarm is raised, in logits.
    pub limit: Option<f32>,
    /// Whether an alarm stands.
    pub alarm: bool,
    /// The id of the open incident.
    pub open_incident: Option<String>,
    /// What an incident was classified as last.
    #[serde(default)]
    pub found: Option<FoundStatus>,
    /// Samples accepted.
    pub samples_accepted: u64,
    /// Samples rejected, by reason.
    pub samples_rejected: BTreeMap<String, u64>,
    /// Windows scored.
    pub windows: u64,
    /// Windows with an alarm.
    pub alarms: u64,
    /// Incidents opened.
    pub incidents: u64,
    /// Each quantity beside its reference, where drift is watched.
    #[serde(default)]
    pub drift: Vec<Compared>,
    /// What is kept to refit a model with, where anything is.
    #[serde(default)]
    pub retraining: Option<Kept>,
}

/// What an incident was classified as.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FoundStatus {
    /// The incident's id.
    pub incident: String,
    /// Its class, and what carried the decision.
    pub assessment: Assessment,
}

/// Where a device's source stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    /// Not started yet.
    #[default]
    Starting,
    /// It delivers, or waits for input.
    Running,
    /// A recording or simulation came to its end.
    Ended,
    /// It cannot go on.
    Failed,
}

/// Where a device's detector stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DevicePhase {
    /// The detector is not loaded yet.
    #[default]
    Starting,
    /// Commissioning: it calibrates itself and raises no alarm.
    Learning,
    /// Calibrated.
    Watching,
}

/// A loaded model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelStatus {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it is for: `detector`.
    pub role: String,
}

/// Timestamps as RFC 3339.
pub(crate) mod moment {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use crate::time::Timestamp;

    pub(crate) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(time)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time: jiff::Timestamp = text.parse().map_err(de::Error::custom)?;
        Ok(Timestamp::from_micros(time.as_microsecond()))
    }

    pub(crate) mod option {
        use serde::{Deserialize, Deserializer, Serialize, Serializer};

        use crate::time::Timestamp;

        #[derive(Serialize, Deserialize)]
        struct Moment(#[serde(with = "super")] Timestamp);

        pub fn serialize<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
            time.map(Moment).serialize(serializer)
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Timestamp>, D::Error> {
            Ok(Option::<Moment>::deserialize(deserializer)?.map(|moment| moment.0))
        }
    }
}
