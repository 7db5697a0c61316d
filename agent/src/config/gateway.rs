//! The gateway's own settings: identity, storage, publication, detection, incidents, status.

use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::units::{ByteSize, Span};

/// Which gateway this is and where it keeps its state.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayConfig {
    /// The site's name, a level of every topic.
    pub site: String,
    /// The gateway's name, a level of every topic; unique within the site.
    pub name: String,
    /// Folder for the outbox and the detectors' state. Created when missing.
    pub data_dir: PathBuf,
    /// What is logged: `error`, `warn`, `info`, `debug`, `trace`, or a filter by module.
    pub log: String,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        GatewayConfig {
            site: "site".into(),
            name: "gateway".into(),
            data_dir: "lineside-data".into(),
            log: "info".into(),
        }
    }
}

/// How much is kept while the broker is away.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutboxConfig {
    /// Records kept at most, in bytes; beyond it the oldest telemetry goes first, counted.
    pub max_size: ByteSize,
    /// Records older than this go, counted.
    pub max_age: Span,
    /// Accepted records reach the disk at the latest after this time.
    pub commit_interval: Span,
    /// Accepted records reach the disk at the latest when so many wait.
    pub commit_records: u32,
    /// Free space on the disk below which nothing more is written.
    pub min_free: ByteSize,
    /// Size of a file that is deleted to get the database open again on a full disk.
    pub ballast: ByteSize,
}

impl Default for OutboxConfig {
    fn default() -> Self {
        OutboxConfig {
            max_size: ByteSize::mib(64),
            max_age: Span::secs(30 * 86_400),
            commit_interval: Span::secs(1),
            commit_records: 64,
            min_free: ByteSize::mib(128),
            ballast: ByteSize::mib(8),
        }
    }
}

/// What leaves the gateway.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PublishConfig {
    /// Length of the intervals that aggregates are made over.
    pub aggregate_interval: Span,
    /// Whether aggregates leave the gateway.
    pub aggregates: bool,
    /// Whether incidents leave the gateway.
    pub incidents: bool,
    /// How often the gateway's status is published.
    pub status_interval: Span,
}

impl Default for PublishConfig {
    fn default() -> Self {
        PublishConfig {
            aggregate_interval: Span::secs(10),
            aggregates: true,
            incidents: true,
            status_interval: Span::secs(30),
        }
    }
}

/// How windows become alarms.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DetectConfig {
    /// The detector's bundle, a folder or a tar; empty takes the one that is built in.
    pub model: Option<PathBuf>,
    /// How many false alarms a day one device may raise.
    pub false_alarms_per_day: f64,
    /// Windows a new device learns from before it watches.
    pub commissioning_windows: u32,
    /// How often the detectors' state is saved.
    pub save_interval: Span,
}

impl Default for DetectConfig {
    fn default() -> Self {
        DetectConfig {
            model: None,
            false_alarms_per_day: 1.0,
            commissioning_windows: 300,
            save_interval: Span::secs(300),
        }
    }
}

/// How alarms become incidents.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IncidentConfig {
    /// Quiet windows after which an incident closes.
    pub close_after_windows: u32,
    /// Updates of an open incident are at least this far apart.
    pub update_interval: Span,
}

impl Default for IncidentConfig {
    fn default() -> Self {
        IncidentConfig { close_after_windows: 30, update_interval: Span::secs(60) }
    }
}

/// The local HTTP endpoint: `/healthz`, `/readyz`, `/metrics`, `/status`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StatusConfig {
    /// Whether it listens.
    pub enabled: bool,
    /// Where it listens; keep it on loopback.
    #[schemars(with = "String", extend("format" = "socket-address"))]
    pub listen: SocketAddr,
}

impl Default for StatusConfig {
    fn default() -> Self {
        StatusConfig { enabled: true, listen: SocketAddr::from(([127, 0, 0, 1], 9480)) }
    }
}
