//! `deploy/mosquitto/` as it ships, with a real mosquitto: only paths and the port are replaced.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rumqttc::TlsConfiguration;
use rumqttc::Transport;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason};
use rumqttc::v5::{Client, Connection, Event, MqttOptions};
use system_tests::{data, skipped};

/// More than mosquitto keeps for a subscriber that is away unless it is told to.
const BACKLOG: usize = 2_500;
/// Loopback answers within milliseconds; a loaded machine is given this long.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn the_sample_broker_keeps_gateways_apart_and_says_so() {
    let Some(broker) = SampleBroker::start() else { return };
    let (client, mut connection) = broker.connect("gateway-1", true);
    let mut publish = |topic: &str| {
        client.try_publish(topic, QoS::AtLeastOnce, false, "{}").unwrap();
        acknowledgements(&mut connection, 1).remove(0)
    };
    let accepted = |reason| matches!(reason, PubAckReason::Success | PubAckReason::NoMatchingSubscribers);
    assert!(accepted(publish("lineside/v1/plant-1/gateway-1/data/pump-1")));
    assert_eq!(publish("lineside/v1/plant-1/gateway-2/data/pump-1"), PubAckReason::NotAuthorized);
    assert_eq!(publish("lineside/v1/plant-2/gateway-1/data/pump-1"), PubAckReason::NotAuthorized);
}

#[test]
fn what_the_sample_broker_acknowledged_survives_its_restart_while_the_control_room_is_away() {
    let Some(mut broker) = SampleBroker::start() else { return };
    {
        let (client, mut connection) = broker.connect("control-room", false);
        client.try_subscribe("lineside/v1/#", QoS::AtLeastOnce).unwrap();
        wait_for(&mut connection, |packet| matches!(packet, Packet::SubAck(_)));
    }
    let (client, mut connection) = broker.connect("gateway-1", true);
    for number in 0..BACKLOG {
        client
            .try_publish(
                "lineside/v1/plant-1/gateway-1/data/pump-1",
                QoS::AtLeastOnce,
                false,
                number.to_string(),
            )
            .unwrap();
    }
    let acknowledged = acknowledgements(&mut connection, BACKLOG);
    assert!(acknowledged.iter().all(|reason| *reason == PubAckReason::Success));
    drop((client, connection));

    broker.restart();
    let (_client, mut connection) = broker.connect("control-room", false);
    let mut missing: std::collections::BTreeSet<String> = (0..BACKLOG).map(|n| n.to_string()).collect();
    wait_for(&mut connection, |packet| {
        if let Packet::Publish(message) = packet {
            missing.remove(std::str::from_utf8(&message.payload).unwrap());
        }
        missing.is_empty()
    });
}

/// Reads until `done`, and fails when the broker is silent for too long or hangs up.
fn wait_for(connection: &mut Connection, mut done: impl FnMut(&Packet) -> bool) {
    loop {
        let event = connection.recv_timeout(PATIENCE).expect("the broker is silent").unwrap();
        if let Event::Incoming(packet) = event
            && done(&packet)
        {
            return;
        }
    }
}

fn acknowledgements(connection: &mut Connection, count: usize) -> Vec<PubAckReason> {
    let mut reasons = Vec::new();
    wait_for(connection, |packet| {
        if let Packet::PubAck(acknowledgement) = packet {
            reasons.push(acknowledgement.reason);
        }
        reasons.len() == count
    });
    reasons
}

/// A mosquitto on a port of its own, with the configuration that ships.
struct SampleBroker {
    process: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl SampleBroker {
    /// Starts it, or says aloud what is missing.
    fn start() -> Option<SampleBroker> {
        for (tool, version) in [("mosquitto", "-h"), ("openssl", "version")] {
            if Command::new(tool).arg(version).stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
                skipped(tool);
                return None;
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let certificates = folder.path().join("lineside");
        fs::create_dir(&certificates).unwrap();
        make_certificates(&certificates);

        let shipped = data::workspace().join("deploy/mosquitto");
        fs::copy(shipped.join("acl"), certificates.join("acl")).unwrap();
        // Free when it is asked for; mosquitto takes it a moment later.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut text = fs::read_to_string(shipped.join("mosquitto.conf")).unwrap();
        let here = format!("{}/", folder.path().display());
        for (from, to) in [
            ("/etc/mosquitto/", here.as_str()),
            ("/var/lib/mosquitto/", here.as_str()),
            ("listener 8883", &format!("listener {port} 127.0.0.1")),
        ] {
            assert!(text.contains(from), "mosquitto.conf no longer has `{from}`");
            text = text.replace(from, to);
        }
        // Started by root it would become the user `mosquitto`, who cannot read this folder.
        text += "\nuser root\n";
        fs::write(folder.path().join("mosquitto.conf"), text).unwrap();
        let process = spawn(folder.path());
        let mut broker = SampleBroker { process, folder, port };
        broker.wait_until_it_listens();
        Some(broker)
    }

    /// Stops it as a service manager does and starts it again.
    fn restart(&mut self) {
        let stopped = Command::new("kill").arg("-TERM").arg(self.process.id().to_string()).status().unwrap();
        assert!(stopped.success());
        self.process.wait().unwrap();
        self.process = spawn(self.folder.path());
        self.wait_until_it_listens();
    }

    fn wait_until_it_listens(&mut self) {
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if let Some(status) = self.process.try_wait().unwrap() {
                panic!("mosquitto refused the sample configuration ({status}): {}", self.log());
            }
            assert!(began.elapsed() < PATIENCE, "mosquitto does not listen: {}", self.log());
            std::thread::yield_now();
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Connects with the certificate of that name.
    fn connect(&self, name: &str, clean_start: bool) -> (Client, Connection) {
        let read = |file: String| fs::read(self.folder.path().join("lineside").join(file)).unwrap();
        // Already installed by another test of this process is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut options = MqttOptions::new(name, "127.0.0.1", self.port);
        options
            .set_transport(Transport::tls_with_config(TlsConfiguration::Simple {
                ca: read("ca.crt".into()),
                alpn: None,
                client_auth: Some((read(format!("{name}.crt")), read(format!("{name}.key")))),
            }))
            .set_clean_start(clean_start)
            .set_session_expiry_interval(Some(3_600));
        let (client, mut connection) = Client::new(options, BACKLOG);
        wait_for(&mut connection, |packet| matches!(packet, Packet::ConnAck(_)));
        (client, connection)
    }
}

impl Drop for SampleBroker {
    fn drop(&mut self) {
        // It may have ended by itself; then the test has said why.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(folder: &Path) -> Child {
    let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
    Command::new("mosquitto")
        .arg("-c")
        .arg(folder.join("mosquitto.conf"))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// An authority, and certificates of it for the broker, a gateway and a control room.
fn make_certificates(folder: &Path) {
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
        assert!(
            output.status.success(),
            "openssl {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let request = |name: &str, more: &[&str]| {
        let (key_file, out, subject) = (format!("{name}.key"), format!("{name}.crt"), format!("/CN={name}"));
        openssl(
            &[
                &["req", "-x509", "-days", "2"],
                &key[..],
                &["-keyout", &key_file, "-out", &out, "-subj", &subject],
                more,
            ]
            .concat(),
        );
    };
    request("ca", &[]);
    for name in ["server", "gateway-1", "control-room"] {
        request(
            name,
            &[
                "-CA",
                "ca.crt",
                "-CAkey",
                "ca.key",
                "-addext",
                "subjectAltName=IP:127.0.0.1",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
            ],
        );
    }
}
