//! The agent's configuration: one TOML file, documented defaults, errors that name the key.

mod check;
pub mod device;
pub mod drift;
mod env;
mod error;
pub mod example;
pub mod gateway;
mod load;
pub mod mqtt;
mod schema;
mod secret;
pub mod slm;
mod suggest;
#[cfg(test)]
mod tests;
mod tree;
pub mod units;
pub mod update;
mod validate;

pub use device::{
    ChannelConfig, CsvSource, DeviceConfig, FaultConfig, FaultKind, MqttSource, SIMULATED_CHANNELS,
    SimulateSource, SourceConfig, Statistic,
};
pub use drift::{DriftConfig, RetrainingConfig};
pub use env::PREFIX as ENV_PREFIX;
pub use error::{ConfigError, ConfigErrors, Problem, Warning};
pub use gateway::{DetectConfig, GatewayConfig, IncidentConfig, OutboxConfig, PublishConfig, StatusConfig};
pub use load::Loaded;
pub use mqtt::{BackoffConfig, MqttConfig, ProtocolVersion, TlsConfig};
pub use schema::json_schema;
pub(crate) use secret::first_line;
pub use slm::SlmConfig;
pub use tree::Place;
pub use units::{ByteSize, Span};
pub use update::UpdateConfig;

use schemars::JsonSchema;
use serde::Deserialize;

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Which gateway this is and where it keeps its state.
    pub gateway: GatewayConfig,
    /// The control room's broker.
    pub mqtt: MqttConfig,
    /// How much is kept while the broker is away.
    pub outbox: OutboxConfig,
    /// What leaves the gateway.
    pub publish: PublishConfig,
    /// How windows become alarms.
    pub detect: DetectConfig,
    /// How alarms become incidents.
    pub incident: IncidentConfig,
    /// How slow change is watched.
    pub drift: DriftConfig,
    /// What is kept on the gateway to refit a model with.
    pub retraining: RetrainingConfig,
    /// The local HTTP endpoint.
    pub status: StatusConfig,
    /// Signed updates of the models.
    pub update: UpdateConfig,
    /// Small language models.
    pub slm: SlmConfig,
    /// The machines it watches.
    #[serde(rename = "device")]
    pub devices: Vec<DeviceConfig>,
}

impl Config {
    /// The client id at the control room's broker.
    #[must_use]
    pub fn client_id(&self) -> String {
        let GatewayConfig { site, name, .. } = &self.gateway;
        self.mqtt.client_id.clone().unwrap_or_else(|| format!("lineside-{site}-{name}"))
    }
}
