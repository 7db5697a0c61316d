//! Where models come from, and how carefully.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::mqtt::BackoffConfig;
use super::units::{ByteSize, Span};

/// Signed updates of the models.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpdateConfig {
    /// Whether the OTA server is asked for updates. A repository on a USB stick needs only `root`.
    pub enabled: bool,
    /// The OTA server, `https://host:port`.
    pub url: String,
    /// The root of trust that came with the gateway: the repository's `1.root.json`.
    pub root: Option<PathBuf>,
    /// PEM file with the authorities that may have signed the server's certificate.
    pub ca_file: Option<PathBuf>,
    /// File with the one-time token to enrol with; without one nothing is reported.
    pub enroll_token_file: Option<PathBuf>,
    /// Whose rollouts this gateway follows.
    pub group: String,
    /// What rollouts may choose gateways by, as `key=value`.
    pub tags: Vec<String>,
    /// How often the server is asked, with half of it as jitter to either side.
    pub interval: Span,
    /// How often the gateway reports that it is alive when nothing happens.
    pub report_interval: Span,
    /// A download slower than this, in bytes a second over half a minute, is broken off.
    pub min_rate: ByteSize,
    /// Pause after failures: doubles from `min` to `max`, with jitter.
    pub backoff: BackoffConfig,
}

impl Default for UpdateConfig {
    fn default() -> Self {
        UpdateConfig {
            enabled: false,
            url: String::new(),
            root: None,
            ca_file: None,
            enroll_token_file: None,
            group: "default".into(),
            tags: Vec::new(),
            interval: Span::secs(900),
            report_interval: Span::secs(6 * 3_600),
            min_rate: ByteSize(1 << 10),
            backoff: BackoffConfig { min: Span::secs(60), max: Span::secs(6 * 3_600) },
        }
    }
}
