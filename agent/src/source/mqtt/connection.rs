//! One connection to the source's broker: made anew each time, driven by a task of its own.

use std::sync::Arc;
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnectProperties, Filter, Packet, RetainForwardRule, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use rumqttc::{TlsConfiguration, Transport};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::config::MqttSource;
use crate::publish::tls::client_config;
use crate::source::SourceError;
use crate::time::Timestamp;

/// A broker that does not hear from us for one and a half times this long closes the connection.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long a connection may take to be established, in seconds.
const CONNECT_TIMEOUT: u64 = 10;
/// Larger messages are no sensor readings; the broker is told not to send them.
const MAX_PACKET: u32 = 1 << 20;
/// Requests that wait for the connection: one subscription and its acknowledgements.
const REQUESTS: usize = 64;
/// Messages that wait for the pipeline; behind them the broker waits.
const WAITING: usize = 256;

/// How to reach the broker.
pub struct Broker {
    options: MqttOptions,
    filters: Vec<Filter>,
}

/// What the source needs to know of a connection.
pub enum Heard {
    /// A message came.
    Message {
        /// Its topic.
        topic: String,
        /// Its payload.
        payload: Vec<u8>,
        /// When it came.
        arrived: Timestamp,
    },
    /// The broker has answered the subscription; these topics it refused, with its reason.
    Subscribed(Vec<String>),
    /// The connection is lost, and why.
    Lost(String),
}

/// A connection that is being driven; dropping it ends it.
pub struct Connection {
    /// What comes in.
    pub heard: Receiver<Heard>,
    driver: JoinHandle<()>,
}

impl Broker {
    /// Reads the settings, and the TLS files they name.
    ///
    /// # Errors
    /// Names the TLS file that cannot be used.
    pub fn new(settings: &MqttSource, device: &str, filters: &[&str]) -> Result<Self, SourceError> {
        let client_id = settings.client_id.clone().unwrap_or_else(|| format!("lineside-source-{device}"));
        let mut options = MqttOptions::new(client_id, &settings.host, settings.port);
        let mut properties = ConnectProperties::new();
        properties.max_packet_size = Some(MAX_PACKET);
        options
            .set_keep_alive(KEEP_ALIVE)
            // What came while we were away has no time of its own, unless it comes again.
            .set_clean_start(true)
            .set_connect_properties(properties)
            .set_connection_timeout(CONNECT_TIMEOUT)
            .set_request_channel_capacity(REQUESTS);
        if let Some(username) = &settings.username {
            options.set_credentials(username, settings.password.as_deref().unwrap_or_default());
        }
        if let Some(tls) = &settings.tls {
            let config = client_config(tls).map_err(|e| SourceError::Settings(format!("source: {e}")))?;
            options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(config)));
        }
        let filter = |path: &&str| {
            let mut filter = Filter::new(*path, QoS::AtLeastOnce);
            // A retained message says how it was, not when: it is not asked for.
            filter.retain_forward_rule = RetainForwardRule::Never;
            filter
        };
        Ok(Broker { options, filters: filters.iter().map(filter).collect() })
    }

    /// Host and port, for messages.
    pub fn address(&self) -> String {
        let (host, port) = self.options.broker_address();
        format!("{host}:{port}")
    }

    /// Starts a fresh connection.
    pub fn connect(&self, clock: Arc<dyn Clock>) -> Connection {
        let (client, events) = AsyncClient::new(self.options.clone(), REQUESTS);
        let (heard, receiver) = channel(WAITING);
        let driver = tokio::spawn(drive(events, client, self.filters.clone(), clock, heard));
        Connection { heard: receiver, driver }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Polls in a task of its own: a cancelled poll loses what it was doing.
async fn drive(
    mut events: EventLoop,
    client: AsyncClient,
    filters: Vec<Filter>,
    clock: Arc<dyn Clock>,
    heard: Sender<Heard>,
) {
    loop {
        let said = match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => match client.try_subscribe_many(filters.clone()) {
                Ok(()) => continue,
                Err(error) => Heard::Lost(error.to_string()),
            },
            Ok(Event::Incoming(Packet::SubAck(answer))) => {
                Heard::Subscribed(refused(&filters, &answer.return_codes))
            }
            Ok(Event::Incoming(Packet::Publish(publish))) => Heard::Message {
                topic: String::from_utf8_lossy(&publish.topic).into_owned(),
                payload: publish.payload.to_vec(),
                arrived: clock.now(),
            },
            Ok(Event::Incoming(Packet::Disconnect(why))) => {
                Heard::Lost(format!("the broker hung up: {:?}", why.reason_code))
            }
            Ok(_) => continue,
            Err(error) => Heard::Lost(error.to_string()),
        };
        let lost = matches!(said, Heard::Lost(_));
        if heard.send(said).await.is_err() || lost {
            return;
        }
    }
}

fn refused(filters: &[Filter], answers: &[SubscribeReasonCode]) -> Vec<String> {
    filters
        .iter()
        .zip(answers)
        .filter(|(_, answer)| !matches!(answer, SubscribeReasonCode::Success(_)))
        .map(|(filter, answer)| format!("{} ({answer:?})", filter.path))
        .collect()
}
