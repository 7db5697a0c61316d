//! A control room: a persistent subscriber that remembers everything.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use lineside::config::TlsConfig;
use lineside::publish::tls;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, Event, MqttOptions};
use rumqttc::{TlsConfiguration, Transport};
use serde_json::Value;

use crate::wait;

/// How long the broker keeps its session, in seconds.
const SESSION_SECS: u32 = 3600;

/// The largest packet it takes.
const MAX_PACKET: u32 = 1 << 20;

/// Pause before it calls the broker again.
const RECONNECT: Duration = Duration::from_millis(20);

/// A message that arrived.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its topic.
    pub topic: String,
    /// Its payload.
    pub payload: Value,
}

/// A subscriber to everything, in a thread of its own until the process ends.
#[derive(Clone, Debug, Default)]
pub struct ControlRoom {
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    subscribed: u32,
    messages: Vec<Message>,
    /// How often each record arrived, by boot and sequence.
    records: HashMap<(u64, u64), u32>,
}

impl ControlRoom {
    /// Opens and waits until it is subscribed.
    ///
    /// # Panics
    /// When it cannot subscribe.
    #[must_use]
    pub fn open(port: u16, tls: Option<&TlsConfig>) -> Self {
        let mut options = MqttOptions::new("control-room", "127.0.0.1", port);
        options
            .set_clean_start(false)
            .set_session_expiry_interval(Some(SESSION_SECS))
            .set_max_packet_size(Some(MAX_PACKET));
        if let Some(config) = tls {
            let config = tls::client_config(config).expect("usable certificates");
            options.set_transport(Transport::Tls(TlsConfiguration::Rustls(config)));
        }
        let room = ControlRoom::default();
        let watching = room.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(watching.watch(options));
        });
        wait::until("the control room to subscribe", || room.seen().subscribed > 0);
        room
    }

    async fn watch(self, options: MqttOptions) {
        let (client, mut events) = AsyncClient::new(options, 10);
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    client.try_subscribe("#", QoS::AtLeastOnce).expect("room for one request");
                }
                Ok(Event::Incoming(Packet::SubAck(_))) => self.seen().subscribed += 1,
                Ok(Event::Incoming(Packet::Publish(message))) => {
                    let topic = String::from_utf8(message.topic.to_vec()).expect("a topic is text");
                    let payload: Value = serde_json::from_slice(&message.payload).expect("a payload is JSON");
                    let mut seen = self.seen();
                    if let (Some(boot), Some(seq)) = (payload["boot"].as_u64(), payload["seq"].as_u64()) {
                        *seen.records.entry((boot, seq)).or_default() += 1;
                    }
                    seen.messages.push(Message { topic, payload });
                }
                Ok(_) => {}
                // The broker is away, which is what these tests are about.
                Err(_) => tokio::time::sleep(RECONNECT).await,
            }
        }
    }

    /// How often it has subscribed: once per connection.
    #[must_use]
    pub fn subscriptions(&self) -> u32 {
        self.seen().subscribed
    }

    /// Different records that arrived.
    #[must_use]
    pub fn records(&self) -> usize {
        self.seen().records.len()
    }

    /// How often the record with this boot and sequence arrived.
    #[must_use]
    pub fn times(&self, boot: u64, seq: u64) -> u32 {
        self.seen().records.get(&(boot, seq)).copied().unwrap_or(0)
    }

    /// Records that arrived beyond their first time.
    #[must_use]
    pub fn duplicates(&self) -> u32 {
        self.seen().records.values().map(|times| times - 1).sum()
    }

    /// What arrived on a topic, in order.
    #[must_use]
    pub fn on(&self, topic: &str) -> Vec<Value> {
        let seen = self.seen();
        seen.messages.iter().filter(|message| message.topic == topic).map(|m| m.payload.clone()).collect()
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
