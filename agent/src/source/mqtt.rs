//! The `mqtt` source: topics of a broker, which may be another one than the control room's.
//!
//! A lost connection is a normal day: it is made anew with growing pauses, and the topics are
//! subscribed to again, for as long as it takes. Only settings that cannot work are errors.

mod connection;
mod path;
mod payload;
mod topic;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use rand_pcg::Pcg64;
use tokio::runtime;
use tokio::time::timeout;
use tracing::{info, warn};

use self::connection::{Broker, Connection, Heard};
use self::payload::Decoder;
use super::{Batch, Sink, Source, SourceError};
use crate::clock::Clock;
use crate::config::{self, BackoffConfig, ChannelConfig};
use crate::publish::Backoff;

/// How often a silent source asks whether it should stop.
const LOOK: Duration = Duration::from_millis(200);

/// Subscribes to topics.
pub struct MqttSource {
    device: String,
    broker: Broker,
    decoder: Decoder,
    backoff: Backoff,
    clock: Arc<dyn Clock>,
    random: Pcg64,
}

/// Why a connection ended.
enum End {
    /// The sink wants no more.
    Stop,
    /// It was lost, and why.
    Lost(String),
}

impl MqttSource {
    /// A source that connects when it runs.
    ///
    /// # Errors
    /// Names the channel without a topic, or the TLS file that cannot be used.
    pub fn open(
        settings: &config::MqttSource,
        device: &str,
        channels: &[ChannelConfig],
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SourceError> {
        let decoder = Decoder::new(settings, channels)?;
        let broker = Broker::new(settings, device, &decoder.filters())?;
        let backoff = Backoff::from_config(&BackoffConfig::default())
            .map_err(|error| SourceError::Settings(error.to_string()))?;
        let device = device.to_owned();
        Ok(MqttSource { device, broker, decoder, backoff, clock, random: rand::make_rng() })
    }

    async fn listen(&mut self, sink: &mut dyn Sink) {
        let mut failures = 0;
        let address = self.broker.address();
        loop {
            let connection = self.broker.connect(Arc::clone(&self.clock));
            let reason = match self.take_in(connection, sink, &mut failures).await {
                End::Stop => return,
                End::Lost(reason) => reason,
            };
            let pause = self.backoff.pause(failures, self.random.random());
            failures = failures.saturating_add(1);
            warn!(device = %self.device, broker = %address, %reason, ?pause, "no connection to the source's broker; trying again");
            if wait(pause, sink).await.is_break() {
                return;
            }
        }
    }

    /// Hands on what one connection delivers, until it ends.
    async fn take_in(&self, mut connection: Connection, sink: &mut dyn Sink, failures: &mut u32) -> End {
        loop {
            let batch = match timeout(LOOK, connection.heard.recv()).await {
                Ok(None) => return End::Lost("the connection ended".into()),
                Ok(Some(Heard::Lost(reason))) => return End::Lost(reason),
                Ok(Some(Heard::Subscribed(refused))) => {
                    if !refused.is_empty() {
                        return End::Lost(format!(
                            "the broker refuses the subscription to {}; check its access rules",
                            refused.join(", ")
                        ));
                    }
                    info!(device = %self.device, broker = %self.broker.address(), "listening");
                    *failures = 0;
                    continue;
                }
                Ok(Some(Heard::Message { topic, payload, arrived })) => {
                    self.decoder.decode(&topic, &payload, arrived)
                }
                Err(_) => Batch::default(),
            };
            if sink.accept(batch).is_break() {
                return End::Stop;
            }
        }
    }
}

/// Waits, but not past the moment when the sink wants no more.
async fn wait(pause: Duration, sink: &mut dyn Sink) -> ControlFlow<()> {
    let mut left = pause;
    while !left.is_zero() {
        let step = left.min(LOOK);
        tokio::time::sleep(step).await;
        left -= step;
        sink.accept(Batch::default())?;
    }
    ControlFlow::Continue(())
}

impl Source for MqttSource {
    fn run(&mut self, sink: &mut dyn Sink) -> Result<(), SourceError> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
            SourceError::Settings(format!("the connection's runtime cannot start: {error}"))
        })?;
        runtime.block_on(self.listen(sink));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
