//! How to reach a broker, for delivery and for sources alike.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::units::{ByteSize, Span};

/// The control room's broker.
#[derive(Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MqttConfig {
    /// Whether anything is published; without it results stay in the outbox.
    pub enabled: bool,
    /// Host name or address of the broker.
    pub host: String,
    /// Port of the broker.
    pub port: u16,
    /// Client id; by default `lineside-<site>-<gateway>`.
    pub client_id: Option<String>,
    /// First level of every topic.
    pub prefix: String,
    /// MQTT version. On 3.1.1 a broker may acknowledge what its access rules discard.
    pub protocol: ProtocolVersion,
    /// User name.
    pub username: Option<String>,
    /// Password. Better: `password_file`.
    #[schemars(extend("writeOnly" = true))]
    pub password: Option<String>,
    /// File whose first line is the password.
    pub password_file: Option<PathBuf>,
    /// The broker declares the gateway dead after one and a half times this silence.
    pub keep_alive: Span,
    /// Unacknowledged messages in flight at most.
    pub window: u16,
    /// Largest packet the broker accepts; larger records are set aside and counted.
    pub max_packet: ByteSize,
    /// The connection is dropped when nothing is acknowledged for this long.
    pub ack_timeout: Span,
    /// Pause between attempts to connect.
    pub backoff: BackoffConfig,
    /// TLS; absent means a plain connection.
    pub tls: Option<TlsConfig>,
}

impl Default for MqttConfig {
    fn default() -> Self {
        MqttConfig {
            enabled: true,
            host: "localhost".into(),
            port: 1883,
            client_id: None,
            prefix: "lineside".into(),
            protocol: ProtocolVersion::V5,
            username: None,
            password: None,
            password_file: None,
            keep_alive: Span::secs(30),
            window: 100,
            max_packet: ByteSize(256 << 10),
            ack_timeout: Span::secs(20),
            backoff: BackoffConfig::default(),
            tls: None,
        }
    }
}

// Written by hand so that no log line can show the password.
impl std::fmt::Debug for MqttConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MqttConfig")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("client_id", &self.client_id)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "***"))
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

/// The version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum ProtocolVersion {
    /// MQTT 3.1.1.
    #[serde(rename = "3.1.1")]
    V311,
    /// MQTT 5.
    #[serde(rename = "5")]
    V5,
}

/// Pause between attempts to connect: doubles from `min` to `max`, with jitter.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BackoffConfig {
    /// The first pause.
    pub min: Span,
    /// The longest pause.
    pub max: Span,
}

impl Default for BackoffConfig {
    fn default() -> Self {
        BackoffConfig { min: Span::millis(500), max: Span::secs(60) }
    }
}

/// TLS with verification of the server; a client certificate where the broker asks for one.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// PEM file with the authorities that may have signed the broker's certificate.
    pub ca_file: PathBuf,
    /// PEM file with the gateway's certificate chain; needs `key_file`.
    pub cert_file: Option<PathBuf>,
    /// PEM file with the gateway's private key; needs `cert_file`.
    pub key_file: Option<PathBuf>,
}
