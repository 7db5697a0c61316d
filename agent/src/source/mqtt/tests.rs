//! The source against real brokers: one in this process, and mosquitto where it is installed.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, Event, MqttOptions};

use super::*;
use crate::clock::SystemClock;
use crate::config::TlsConfig;

/// How long anything may take before a test gives up: far longer than it ever takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a condition is looked at.
const STEP: Duration = Duration::from_millis(20);

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn wait_until_listening(port: u16) {
    let began = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(began.elapsed() < PATIENCE, "no broker on port {port}");
        thread::sleep(STEP);
    }
}

/// A broker in this process. It runs until the tests end.
fn broker_in_process() -> u16 {
    let port = free_port();
    let connections = rumqttd::ConnectionSettings {
        connection_timeout_ms: 5_000,
        max_payload_size: 1 << 20,
        max_inflight_count: 100,
        auth: None,
        external_auth: None,
        dynamic_filters: true,
    };
    let server = rumqttd::ServerSettings {
        name: "test".into(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        tls: None,
        next_connection_delay_ms: 0,
        connections,
    };
    let config = rumqttd::Config {
        id: 0,
        router: rumqttd::RouterConfig {
            max_connections: 10,
            max_outgoing_packet_count: 200,
            max_segment_size: 1 << 20,
            max_segment_count: 10,
            ..Default::default()
        },
        v4: None,
        v5: Some([("test".to_owned(), server)].into()),
        ws: None,
        cluster: None,
        console: None,
        bridge: None,
        prometheus: None,
        metrics: None,
    };
    // It comes back only when it fails.
    thread::spawn(move || rumqttd::Broker::new(config).start().unwrap());
    wait_until_listening(port);
    port
}

/// A mosquitto of this test's own; killed when dropped.
struct Mosquitto {
    child: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Mosquitto {
    /// `None`, said aloud, where mosquitto is not installed.
    fn start(settings: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let config = format!("listener {port} 127.0.0.1\nallow_anonymous true\n{settings}\n");
        fs::write(folder.path().join("mosquitto.conf"), config).unwrap();
        let child = Mosquitto::spawn(&folder)?;
        wait_until_listening(port);
        Some(Mosquitto { child, folder, port })
    }

    fn spawn(folder: &tempfile::TempDir) -> Option<Child> {
        for program in ["mosquitto", "/usr/sbin/mosquitto"] {
            let config = folder.path().join("mosquitto.conf");
            let mut command = Command::new(program);
            command.arg("-c").arg(config).stdout(Stdio::null()).stderr(Stdio::null());
            if let Ok(child) = command.spawn() {
                return Some(child);
            }
        }
        eprintln!("skipped: needs mosquitto");
        None
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn restart(&mut self) {
        self.child = Mosquitto::spawn(&self.folder).unwrap();
        wait_until_listening(self.port);
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A source that runs on a thread of its own.
struct Running {
    batches: Receiver<Batch>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

struct Forward {
    batches: Sender<Batch>,
    stop: Arc<AtomicBool>,
}

impl Sink for Forward {
    fn accept(&mut self, batch: Batch) -> ControlFlow<()> {
        if self.stop.load(Ordering::SeqCst) || self.batches.send(batch).is_err() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

impl Running {
    fn start(port: u16, settings: &str, channels: &[&str]) -> Self {
        let settings = toml::from_str(&format!("host = \"127.0.0.1\"\nport = {port}\n{settings}")).unwrap();
        let channels: Vec<ChannelConfig> =
            channels.iter().map(|text| toml::from_str(text).unwrap()).collect();
        let mut source =
            MqttSource::open(&settings, "pump", &channels, Arc::new(SystemClock::new())).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, batches) = channel();
        let mut sink = Forward { batches: sender, stop: Arc::clone(&stop) };
        let thread = thread::spawn(move || source.run(&mut sink).unwrap());
        Running { batches, stop, thread: Some(thread) }
    }

    /// The next batch that holds something, if it comes within a step.
    fn next(&self) -> Option<Batch> {
        let began = Instant::now();
        while let Some(left) = STEP.checked_sub(began.elapsed()) {
            let batch = self.batches.recv_timeout(left).ok()?;
            if batch != Batch::default() {
                return Some(batch);
            }
        }
        None
    }

    /// Publishes until it comes through: the subscription may not stand yet.
    fn hears(&self, publisher: &Publisher, topic: &str, payload: &str) -> Batch {
        let began = Instant::now();
        loop {
            publisher.publish(topic, payload);
            if let Some(batch) = self.next() {
                return batch;
            }
            assert!(began.elapsed() < PATIENCE, "{topic} {payload} did not come through");
        }
    }

    fn stop(mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// Another client of the broker, on a thread of its own until it is dropped. It connects again
/// as often as it must.
struct Publisher {
    client: AsyncClient,
    stop: Arc<AtomicBool>,
}

impl Publisher {
    fn start(port: u16) -> Self {
        let (client, mut events) = AsyncClient::new(MqttOptions::new("plc", "127.0.0.1", port), 10);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                while !stopped.load(Ordering::SeqCst) {
                    if events.poll().await.is_err() {
                        tokio::time::sleep(STEP).await;
                    }
                }
            });
        });
        Publisher { client, stop }
    }

    fn publish(&self, topic: &str, payload: &str) {
        // A full queue is a broker that is not there yet: the caller tries again.
        let _ = self.client.try_publish(topic, QoS::AtLeastOnce, false, payload.to_owned());
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the thread, so that it sees that it should stop.
        let _ = self.client.try_disconnect();
    }
}

/// Publishes a retained message and waits until the broker has acknowledged it.
fn retain(port: u16, topic: &str, payload: &str) {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, mut events) = AsyncClient::new(MqttOptions::new("panel", "127.0.0.1", port), 10);
        client.try_publish(topic, QoS::AtLeastOnce, true, payload.to_owned()).unwrap();
        while !matches!(events.poll().await.unwrap(), Event::Incoming(Packet::PubAck(_))) {}
    });
}

#[test]
fn objects_and_bare_numbers_come_in_from_a_broker() {
    let port = broker_in_process();
    let source = Running::start(
        port,
        "topic = \"plant/pump\"\ntime_path = \"ts\"",
        &["name = \"flow\"", "name = \"speed\"\ntopic = \"plant/drive/speed\""],
    );
    let publisher = Publisher::start(port);
    let object = source.hears(&publisher, "plant/pump", r#"{"ts": 1583748873500, "flow": 32.5}"#);
    assert_eq!(object.samples.len(), 1);
    assert_eq!((object.samples[0].channel, object.samples[0].value), (0, Ok(32.5)));
    assert_eq!(object.samples[0].time.as_millis(), 1_583_748_873_500);
    // What was published more than once may still be on its way.
    let began = Instant::now();
    let bare = loop {
        let batch = source.hears(&publisher, "plant/drive/speed", "1480");
        if batch.samples[0].channel == 1 {
            break batch;
        }
        assert!(began.elapsed() < PATIENCE);
    };
    assert_eq!(bare.samples[0].value, Ok(1_480.0));
    assert!(bare.samples[0].time.as_millis() > 1_700_000_000_000, "the time of arrival");
    source.stop();
}

#[test]
fn a_broker_that_was_killed_is_listened_to_again() {
    let Some(mut broker) = Mosquitto::start("") else { return };
    let source = Running::start(broker.port, "topic = \"t\"", &["name = \"flow\""]);
    let publisher = Publisher::start(broker.port);
    assert_eq!(source.hears(&publisher, "t", "1").samples[0].value, Ok(1.0));
    for round in 2..4 {
        broker.kill();
        broker.restart();
        let began = Instant::now();
        let expected = f64::from(round);
        while source.hears(&publisher, "t", &round.to_string()).samples[0].value != Ok(expected) {
            assert!(began.elapsed() < PATIENCE, "round {round}");
        }
    }
    source.stop();
}

#[test]
fn a_source_whose_broker_is_absent_can_be_stopped() {
    let source = Running::start(free_port(), "topic = \"t\"", &["name = \"flow\""]);
    // It asks whether to go on though nothing comes.
    assert_eq!(source.batches.recv_timeout(PATIENCE).unwrap(), Batch::default());
    source.stop();
}

#[test]
fn a_retained_message_says_nothing_about_now() {
    let Some(broker) = Mosquitto::start("") else { return };
    retain(broker.port, "t/old", "7");
    let source = Running::start(broker.port, "topic = \"t/#\"", &["name = \"flow\""]);
    let publisher = Publisher::start(broker.port);
    assert_eq!(source.hears(&publisher, "t/new", "1").samples[0].value, Ok(1.0));
    source.stop();
}

#[test]
fn a_tls_file_that_cannot_be_read_is_an_error_at_the_start() {
    let mut settings: config::MqttSource = toml::from_str("host = \"plc\"\ntopic = \"t\"").unwrap();
    settings.tls = Some(TlsConfig { ca_file: "/nowhere/ca.pem".into(), cert_file: None, key_file: None });
    let channels = [ChannelConfig { name: "flow".into(), ..ChannelConfig::default() }];
    let error = MqttSource::open(&settings, "pump", &channels, Arc::new(SystemClock::new())).err().unwrap();
    assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
}
