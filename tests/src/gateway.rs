//! A gateway's outbox and publisher, as the agent wires them.

use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use lineside::clock::SystemClock;
use lineside::config::{BackoffConfig, ByteSize, MqttConfig, OutboxConfig, Span, TlsConfig};
use lineside::outbox::{Outbox, Priority, Record};
use lineside::publish::{Birth, PublishStats, Publisher};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// The topic of its status.
pub const STATUS: &str = "lineside/v1/test/gateway/status";

/// The topic of its records.
pub const DATA: &str = "lineside/v1/test/gateway/data/pump";

/// A gateway that delivers.
pub struct Gateway {
    /// Its outbox.
    pub outbox: Outbox,
    publisher: Publisher,
    runtime: Arc<Runtime>,
    driver: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

/// How to reach a broker on loopback, with short pauses.
#[must_use]
pub fn mqtt(port: u16, tls: Option<TlsConfig>) -> MqttConfig {
    MqttConfig {
        host: "127.0.0.1".into(),
        port,
        tls,
        backoff: BackoffConfig { min: Span::millis(20), max: Span::millis(500) },
        ..MqttConfig::default()
    }
}

/// A record of telemetry.
#[must_use]
pub fn record(number: u64) -> Record {
    Record {
        priority: Priority::Telemetry,
        topic: DATA.into(),
        body: format!("{{\"number\":{number}}}").into_bytes(),
    }
}

/// Opens an outbox that commits quickly.
///
/// # Panics
/// When it cannot be opened.
#[must_use]
pub fn outbox(folder: &Path) -> Outbox {
    let settings = OutboxConfig {
        commit_interval: Span::millis(20),
        min_free: ByteSize(0),
        ballast: ByteSize(0),
        ..OutboxConfig::default()
    };
    Outbox::open(&settings, folder, Arc::new(SystemClock::new())).expect("an outbox").0
}

impl Gateway {
    /// Starts delivering what `outbox` holds.
    ///
    /// # Panics
    /// When the publisher cannot be started.
    #[must_use]
    pub fn start(outbox: Outbox, mqtt: &MqttConfig) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let runtime = Arc::new(runtime);
        let (stop, stopped) = oneshot::channel();
        let driving = runtime.clone();
        let driver = thread::spawn(move || {
            // Either way it is over.
            let _ = driving.block_on(stopped);
        });
        let birth = Birth {
            topic: STATUS.into(),
            offline: br#"{"state":"offline"}"#.to_vec(),
            online: Arc::new(|| br#"{"state":"online"}"#.to_vec()),
        };
        let guard = runtime.enter();
        let clock = Arc::new(SystemClock::new());
        let publisher = Publisher::start(mqtt, "gateway".into(), birth, outbox.clone(), clock)
            .expect("a publisher starts");
        drop(guard);
        Gateway { outbox, publisher, runtime, driver: Some((stop, driver)) }
    }

    /// Delivery in figures.
    #[must_use]
    pub fn stats(&self) -> PublishStats {
        self.publisher.stats()
    }

    /// Sets a live retained value.
    pub fn retain(&self, topic: &str, payload: &str) {
        self.publisher.retain(topic.into(), payload.into());
    }

    /// Says good-bye to the broker and closes the outbox.
    pub fn shutdown(self) {
        let Gateway { outbox, publisher, runtime, driver } = self;
        runtime.handle().block_on(publisher.shutdown());
        stop(driver);
        outbox.close();
    }

    /// Vanishes without a word to the broker.
    pub fn vanish(self) {
        let Gateway { outbox, publisher, driver, .. } = self;
        drop(publisher);
        stop(driver);
        outbox.close();
    }
}

fn stop(driver: Option<(oneshot::Sender<()>, JoinHandle<()>)>) {
    if let Some((stop, driver)) = driver {
        let _ = stop.send(());
        driver.join().expect("the runtime's thread ends");
    }
}
