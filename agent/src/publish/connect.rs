//! One connection to a broker, the same for MQTT 5 and 3.1.1.
//!
//! MQTT 5 says why a publication is refused; on 3.1.1 a broker may acknowledge what its access
//! rules discard, and nobody can tell.

use std::sync::Arc;
use std::time::Duration;

use rumqttc::v5::mqttbytes::v5 as packets;
use rumqttc::{Outgoing, TlsConfiguration, Transport, v5};
use rustls::ClientConfig;

use crate::config::{MqttConfig, ProtocolVersion};

/// What the payloads are.
const CONTENT_TYPE: &str = "application/json";

/// Bytes of a publication besides topic and payload: at most 5 of fixed header, 2 of topic
/// length, 2 of packet id, and with MQTT 5 the length of the properties and the content type.
const OVERHEAD: usize = 5 + 2 + 2 + 4 + 3 + CONTENT_TYPE.len();

/// The MQTT library panics on a shorter keep-alive.
const MIN_KEEP_ALIVE: Duration = Duration::from_secs(5);

/// MQTT counts the keep-alive in 16 bits of seconds.
const MAX_KEEP_ALIVE: Duration = Duration::from_secs(65_535);

/// How long TCP, TLS and CONNECT may take together.
const CONNECT_TIMEOUT_SECS: u64 = 10;

/// Requests beyond the window that the library's queue holds.
const SPARE_REQUESTS: usize = 8;

/// What leads to a connection.
pub struct Route {
    /// The settings.
    pub config: MqttConfig,
    /// The client id.
    pub client_id: String,
    /// TLS, when configured.
    pub tls: Option<Arc<ClientConfig>>,
    /// The last will: topic and payload.
    pub will: (String, Vec<u8>),
}

/// What the broker does with a publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ack {
    /// It has it.
    Taken,
    /// Its access rules forbid the topic, for now.
    Denied,
    /// It does not take it, for now, with its reason.
    Refused(String),
    /// It will never take it, with its reason.
    Invalid(String),
}

/// What happens on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The broker has accepted the connection.
    Connected {
        /// How many unacknowledged publications it takes.
        receive_max: u16,
        /// The largest packet it takes, when it says so.
        max_packet: Option<usize>,
    },
    /// The next requested publication has this packet id.
    Sent(u16),
    /// The broker has answered this packet id.
    Answered(u16, Ack),
    /// The farewell has been written.
    Disconnected,
    /// Anything else.
    Other,
}

/// Requests publications.
pub enum Client {
    /// Of MQTT 5.
    V5(v5::AsyncClient),
    /// Of MQTT 3.1.1.
    V4(rumqttc::AsyncClient),
}

/// Moves the connection on; belongs into a task of its own.
pub enum Poller {
    /// Of MQTT 5.
    V5(Box<v5::EventLoop>),
    /// Of MQTT 3.1.1.
    V4(Box<rumqttc::EventLoop>),
}

/// Bytes that a publication takes on the wire, at most.
pub fn packet_bytes(topic: &str, payload: usize) -> usize {
    OVERHEAD + topic.len() + payload
}

impl Route {
    /// A fresh client with a fresh state.
    pub fn open(&self) -> (Client, Poller) {
        match self.config.protocol {
            ProtocolVersion::V5 => self.open_v5(),
            ProtocolVersion::V311 => self.open_v4(),
        }
    }

    fn transport(&self) -> Transport {
        match &self.tls {
            Some(tls) => Transport::Tls(TlsConfiguration::Rustls(tls.clone())),
            None => Transport::tcp(),
        }
    }

    fn keep_alive(&self) -> Duration {
        self.config.keep_alive.0.clamp(MIN_KEEP_ALIVE, MAX_KEEP_ALIVE)
    }

    /// Twice the window, so that packet ids are not used again while out.
    fn inflight(&self) -> u16 {
        self.config.window.max(1).saturating_mul(2)
    }

    fn requests(&self) -> usize {
        usize::from(self.config.window) + SPARE_REQUESTS
    }

    fn max_packet(&self) -> usize {
        usize::try_from(self.config.max_packet.0).unwrap_or(usize::MAX)
    }

    fn open_v5(&self) -> (Client, Poller) {
        let config = &self.config;
        let mut options = v5::MqttOptions::new(&self.client_id, &config.host, config.port);
        let will = packets::LastWill::new(
            &self.will.0,
            self.will.1.clone(),
            v5::mqttbytes::QoS::AtLeastOnce,
            true,
            Some(packets::LastWillProperties {
                delay_interval: None,
                payload_format_indicator: None,
                message_expiry_interval: None,
                content_type: Some(CONTENT_TYPE.into()),
                response_topic: None,
                correlation_data: None,
                user_properties: Vec::new(),
            }),
        );
        options
            .set_transport(self.transport())
            .set_keep_alive(self.keep_alive())
            .set_clean_start(true)
            .set_connection_timeout(CONNECT_TIMEOUT_SECS)
            .set_outgoing_inflight_upper_limit(self.inflight())
            .set_max_packet_size(Some(u32::try_from(self.max_packet()).unwrap_or(u32::MAX)))
            .set_last_will(will);
        if let Some(user) = &config.username {
            options.set_credentials(user, config.password.clone().unwrap_or_default());
        }
        let (client, events) = v5::AsyncClient::new(options, self.requests());
        (Client::V5(client), Poller::V5(Box::new(events)))
    }

    fn open_v4(&self) -> (Client, Poller) {
        let config = &self.config;
        let mut options = rumqttc::MqttOptions::new(&self.client_id, &config.host, config.port);
        options
            .set_transport(self.transport())
            .set_keep_alive(self.keep_alive())
            .set_clean_session(true)
            .set_inflight(self.inflight())
            .set_max_packet_size(self.max_packet(), self.max_packet())
            .set_last_will(rumqttc::LastWill::new(
                &self.will.0,
                self.will.1.clone(),
                rumqttc::QoS::AtLeastOnce,
                true,
            ));
        if let Some(user) = &config.username {
            options.set_credentials(user, config.password.clone().unwrap_or_default());
        }
        let (client, mut events) = rumqttc::AsyncClient::new(options, self.requests());
        let mut network = rumqttc::NetworkOptions::new();
        network.set_connection_timeout(CONNECT_TIMEOUT_SECS);
        events.set_network_options(network);
        (Client::V4(client), Poller::V4(Box::new(events)))
    }
}

impl Client {
    /// Requests a QoS 1 publication. `false` when it cannot be taken: the queue is full, or the
    /// topic cannot be published to.
    pub fn publish(&self, topic: &str, retain: bool, payload: Vec<u8>) -> bool {
        match self {
            Client::V5(client) => {
                let properties = packets::PublishProperties {
                    content_type: Some(CONTENT_TYPE.into()),
                    ..packets::PublishProperties::default()
                };
                let qos = v5::mqttbytes::QoS::AtLeastOnce;
                client.try_publish_with_properties(topic, qos, retain, payload, properties).is_ok()
            }
            Client::V4(client) => {
                client.try_publish(topic, rumqttc::QoS::AtLeastOnce, retain, payload).is_ok()
            }
        }
    }

    /// Requests the farewell.
    pub fn disconnect(&self) -> bool {
        match self {
            Client::V5(client) => client.try_disconnect().is_ok(),
            Client::V4(client) => client.try_disconnect().is_ok(),
        }
    }
}

impl Poller {
    /// The next event. After an error the connection is gone; do not poll again.
    ///
    /// # Errors
    /// Why there is no connection any more, in words.
    pub async fn poll(&mut self) -> Result<Signal, String> {
        match self {
            Poller::V5(events) => match events.poll().await {
                Ok(event) => Ok(signal_v5(event)),
                Err(error) => Err(words_v5(&error)),
            },
            Poller::V4(events) => match events.poll().await {
                Ok(event) => Ok(signal_v4(&event)),
                Err(error) => Err(words_v4(&error)),
            },
        }
    }
}

fn signal_v5(event: v5::Event) -> Signal {
    match event {
        v5::Event::Incoming(packets::Packet::ConnAck(ack)) => Signal::Connected {
            receive_max: ack.properties.as_ref().and_then(|p| p.receive_max).unwrap_or(u16::MAX),
            max_packet: ack
                .properties
                .and_then(|p| p.max_packet_size)
                .map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
        },
        v5::Event::Incoming(packets::Packet::PubAck(ack)) => Signal::Answered(ack.pkid, judge(ack.reason)),
        v5::Event::Outgoing(outgoing) => outgoing_signal(&outgoing),
        v5::Event::Incoming(_) => Signal::Other,
    }
}

fn signal_v4(event: &rumqttc::Event) -> Signal {
    match event {
        rumqttc::Event::Incoming(rumqttc::Packet::ConnAck(_)) => {
            Signal::Connected { receive_max: u16::MAX, max_packet: None }
        }
        rumqttc::Event::Incoming(rumqttc::Packet::PubAck(ack)) => Signal::Answered(ack.pkid, Ack::Taken),
        rumqttc::Event::Outgoing(outgoing) => outgoing_signal(outgoing),
        rumqttc::Event::Incoming(_) => Signal::Other,
    }
}

fn outgoing_signal(outgoing: &Outgoing) -> Signal {
    match outgoing {
        Outgoing::Publish(id) if *id != 0 => Signal::Sent(*id),
        Outgoing::Disconnect => Signal::Disconnected,
        _ => Signal::Other,
    }
}

fn judge(reason: packets::PubAckReason) -> Ack {
    use packets::PubAckReason as Reason;
    match reason {
        Reason::Success | Reason::NoMatchingSubscribers => Ack::Taken,
        Reason::NotAuthorized => Ack::Denied,
        Reason::QuotaExceeded => Ack::Refused("its quota is exceeded".into()),
        Reason::UnspecifiedError => Ack::Refused("it gives no reason".into()),
        Reason::ImplementationSpecificError => Ack::Refused("for a reason of its own".into()),
        Reason::PacketIdentifierInUse => Ack::Refused("the packet id is in use".into()),
        Reason::TopicNameInvalid => Ack::Invalid("it calls the topic invalid".into()),
        Reason::PayloadFormatInvalid => Ack::Invalid("it calls the payload invalid".into()),
    }
}

fn words_v5(error: &v5::ConnectionError) -> String {
    use v5::ConnectionError as Error;
    match error {
        Error::ConnectionRefused(code) => refused(&format!("{code:?}")),
        Error::Timeout(_) => timed_out(),
        Error::Io(error) => io(error),
        Error::Tls(error) => tls(error),
        Error::MqttState(v5::StateError::Io(error)) => io(error),
        error => error.to_string(),
    }
}

fn words_v4(error: &rumqttc::ConnectionError) -> String {
    use rumqttc::ConnectionError as Error;
    match error {
        Error::ConnectionRefused(code) => refused(&format!("{code:?}")),
        Error::NetworkTimeout => timed_out(),
        Error::Io(error) => io(error),
        Error::Tls(error) => tls(error),
        Error::MqttState(rumqttc::StateError::Io(error)) => io(error),
        error => error.to_string(),
    }
}

fn refused(code: &str) -> String {
    match code {
        "BadUserNamePassword" | "NotAuthorized" => {
            format!(
                "the broker refuses the log-in ({code}); check `mqtt.username`, `mqtt.password_file` and the client certificate"
            )
        }
        "UnsupportedProtocolVersion" | "RefusedProtocolVersion" => {
            format!(
                "the broker does not speak this version of MQTT ({code}); try `mqtt.protocol = \"3.1.1\"`"
            )
        }
        _ => format!("the broker refuses the connection ({code})"),
    }
}

fn timed_out() -> String {
    format!("the broker does not answer within {CONNECT_TIMEOUT_SECS} s; check `mqtt.host` and `mqtt.port`")
}

fn io(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => {
            "nothing listens there; check `mqtt.host`, `mqtt.port` and that the broker runs".into()
        }
        _ => format!("the connection failed: {error}"),
    }
}

fn tls(error: &rumqttc::TlsError) -> String {
    format!("TLS failed: {error}; check `mqtt.tls` and the broker's certificate")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_from_what_can_never_be_delivered() {
        use packets::PubAckReason as Reason;
        assert_eq!(judge(Reason::Success), Ack::Taken);
        assert_eq!(judge(Reason::NoMatchingSubscribers), Ack::Taken);
        assert_eq!(judge(Reason::NotAuthorized), Ack::Denied);
        assert!(matches!(judge(Reason::QuotaExceeded), Ack::Refused(_)));
        assert!(matches!(judge(Reason::TopicNameInvalid), Ack::Invalid(_)));
        assert!(matches!(judge(Reason::PayloadFormatInvalid), Ack::Invalid(_)));
    }

    #[test]
    fn the_packet_size_is_never_underestimated() {
        let topic = "lineside/v1/site/gateway/data/pump";
        for payload in [0, 100, 70_000] {
            let publish = packets::Publish::new(
                topic,
                v5::mqttbytes::QoS::AtLeastOnce,
                vec![b' '; payload],
                Some(packets::PublishProperties {
                    content_type: Some(CONTENT_TYPE.into()),
                    ..packets::PublishProperties::default()
                }),
            );
            assert!(packet_bytes(topic, payload) >= publish.size());
        }
    }
}
