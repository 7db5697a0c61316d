//! The control room: a subscriber that keeps count of what arrives, by `boot` and `seq`.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use serde_json::Value;
use tokio::sync::mpsc;

/// Everything the gateway publishes.
const EVERYTHING: &str = "lineside/v1/#";
/// Messages the client may hold before it is polled again.
const QUEUE: usize = 64;
/// How long the broker may take to confirm the subscription.
const SUBSCRIBE_TIMEOUT: Duration = Duration::from_secs(5);

/// What one message was, for the demo's screen.
pub enum Arrived {
    /// Aggregates of one interval.
    Data(Value),
    /// A change of an incident.
    Incident(Value),
    /// The gateway's status.
    Status(Value),
    /// Retained panels and descriptions.
    Other,
}

/// What has arrived so far.
#[derive(Default)]
pub struct Ledger {
    /// Messages of all kinds.
    pub messages: u64,
    /// Records (aggregates and incident changes) that arrived a second time.
    pub duplicated: u64,
    /// Records that were sent late, after an outage.
    pub late: u64,
    /// Changes of incidents, without duplicates.
    pub incident_changes: u64,
    /// Incidents opened, without duplicates.
    pub incidents: u64,
    seen: BTreeSet<(u64, u64)>,
}

impl Ledger {
    /// Records that arrived at least once.
    pub fn distinct(&self) -> u64 {
        self.seen.len() as u64
    }

    /// Enters a message; `None` when it is a duplicate or not one of the gateway's.
    pub fn enter(&mut self, topic: &str, message: &Value) -> Option<Arrived> {
        self.messages += 1;
        let kind = topic.split('/').nth(4).unwrap_or_default();
        if kind == "status" {
            return Some(Arrived::Status(message.clone()));
        }
        if kind != "data" && kind != "incident" {
            return Some(Arrived::Other);
        }
        let key = (message["boot"].as_u64()?, message["seq"].as_u64()?);
        if !self.seen.insert(key) {
            self.duplicated += 1;
            return None;
        }
        self.late += u64::from(message["hist"] == true);
        if kind == "data" {
            return Some(Arrived::Data(message.clone()));
        }
        self.incident_changes += 1;
        self.incidents += u64::from(message["change"] == "opened");
        Some(Arrived::Incident(message.clone()))
    }
}

/// Connects to the broker, subscribes to everything and hands on what arrives, from a task of
/// its own: an interrupted poll would throw a connection away.
///
/// # Errors
/// When the broker does not confirm the subscription in time.
pub async fn enter(broker: SocketAddr) -> Result<mpsc::Receiver<(String, Value)>> {
    let options = MqttOptions::new("control-room", broker.ip().to_string(), broker.port());
    let (client, mut events) = AsyncClient::new(options, QUEUE);
    client.subscribe(EVERYTHING, QoS::AtLeastOnce).await?;
    tokio::time::timeout(SUBSCRIBE_TIMEOUT, subscribed(&mut events)).await.context("no SUBACK")??;
    let (sender, arrivals) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        // The client is held so that its request channel stays open.
        let _client = client;
        while let Ok(event) = events.poll().await {
            if let Event::Incoming(Packet::Publish(publish)) = event {
                let topic = String::from_utf8_lossy(&publish.topic).into_owned();
                let message = serde_json::from_slice(&publish.payload).unwrap_or(Value::Null);
                if sender.send((topic, message)).await.is_err() {
                    break;
                }
            }
        }
    });
    Ok(arrivals)
}

async fn subscribed(events: &mut EventLoop) -> Result<()> {
    loop {
        if let Event::Incoming(Packet::SubAck(_)) = events.poll().await? {
            return Ok(());
        }
    }
}
