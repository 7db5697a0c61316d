//! Who else is asked, and who may ask.

use std::net::SocketAddr;
use std::path::PathBuf;

use jiff::civil::Time;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::units::Span;

/// A larger model on one's own network, for what the local one leaves open. Evidence is sent to
/// it, never a sample.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EscalationConfig {
    /// An OpenAI-compatible endpoint, such as `https://llm.plant.example:8443/v1`; empty asks nobody.
    pub url: String,
    /// The model's name there.
    pub model: String,
    /// File whose first line is the token to ask with.
    pub token_file: Option<PathBuf>,
    /// PEM file with the authorities that may have signed the endpoint's certificate.
    pub ca_file: Option<PathBuf>,
    /// How long one answer may take.
    pub timeout: Span,
    /// Requests a day at most; a restart does not start the day again.
    pub max_per_day: u32,
    /// When to leave the endpoint alone.
    pub breaker: BreakerConfig,
}

impl Default for EscalationConfig {
    fn default() -> Self {
        EscalationConfig {
            url: String::new(),
            model: String::new(),
            token_file: None,
            ca_file: None,
            timeout: Span::secs(30),
            max_per_day: 50,
            breaker: BreakerConfig::default(),
        }
    }
}

/// When to leave the endpoint alone.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerConfig {
    /// So many failures in a row are enough.
    pub failures: u32,
    /// Nobody asks for so long; then one request tries.
    pub pause: Span,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        BreakerConfig { failures: 3, pause: Span::secs(300) }
    }
}

/// The report at the end of a shift.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReportConfig {
    /// When shifts end, in the gateway's local time, as `HH:MM`; empty writes none.
    pub at: Vec<String>,
}

/// How a time of day is written.
const TIME_OF_DAY: &str = "%H:%M";

impl ReportConfig {
    /// When shifts end. What is no time of day is left out; a checked configuration has none.
    #[must_use]
    pub fn times(&self) -> Vec<Time> {
        self.at.iter().filter_map(|text| time_of_day(text)).collect()
    }
}

/// `06:00` as a time of day.
pub(in crate::config) fn time_of_day(text: &str) -> Option<Time> {
    Time::strptime(TIME_OF_DAY, text).ok()
}

/// The models for programs on this gateway, over HTTP.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SlmApiConfig {
    /// Whether it listens.
    pub enabled: bool,
    /// Where it listens; beyond loopback it needs `token_file`.
    #[schemars(with = "String", extend("format" = "socket-address"))]
    pub listen: SocketAddr,
    /// A Unix socket to listen on as well; who may open the file may ask, without a token.
    pub socket: Option<PathBuf>,
    /// File whose first line is the token that every request over the network must carry.
    pub token_file: Option<PathBuf>,
}

impl Default for SlmApiConfig {
    fn default() -> Self {
        SlmApiConfig {
            enabled: false,
            listen: SocketAddr::from(([127, 0, 0, 1], 9481)),
            socket: None,
            token_file: None,
        }
    }
}
