//! `lineside run` as an engineer starts it: a real process, a real broker, signals.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use lineside::status::client;
use lineside::status::report::{DevicePhase, StatusReport};
use system_tests::control_room::ControlRoom;
use system_tests::mosquitto::Mosquitto;
use system_tests::{agent, port, wait};

/// A running agent and its local page.
struct Running {
    child: Child,
    page: SocketAddr,
}

impl Running {
    fn start(config: &Path, page: SocketAddr) -> Self {
        let child = Command::new(agent::path())
            .args(["run", "--config"])
            .arg(config)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Running { child, page }
    }

    fn report(&self) -> Option<StatusReport> {
        client::report(self.page).ok()
    }

    /// Waits until the page says what is waited for.
    fn until(&self, what: &str, condition: impl Fn(&StatusReport) -> bool) -> StatusReport {
        wait::until(what, || self.report().is_some_and(|report| condition(&report)));
        self.report().unwrap()
    }

    fn signal(&mut self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
        self.child.wait().unwrap();
    }
}

/// The simulated station at a hundred times real time, beside a broker.
fn configure(folder: &Path, broker: u16) -> (std::path::PathBuf, SocketAddr) {
    let page = port::free();
    let channels: String = ["flow", "pressure_out", "motor_current"]
        .map(|name| format!("[[device.channel]]\nname = \"{name}\"\n"))
        .concat();
    let text = format!(
        "[gateway]\nsite = \"test\"\nname = \"gateway\"\ndata_dir = '{}'\n\
         [mqtt]\nhost = \"127.0.0.1\"\nport = {broker}\n\
         [mqtt.backoff]\nmin = \"20ms\"\nmax = \"200ms\"\n\
         [outbox]\ncommit_interval = \"50ms\"\n\
         [status]\nlisten = \"{page}\"\n\
         [[device]]\nid = \"pump-1\"\nperiod = \"1s\"\n\
         [device.source]\ntype = \"simulate\"\nspeed = 100\n\
         {channels}",
        folder.join("data").display()
    );
    let config = folder.join("agent.toml");
    fs::write(&config, text).unwrap();
    (config, page)
}

#[test]
fn a_gateway_that_reboots_does_not_start_calibrating_again() {
    let Some(broker) = Mosquitto::plain("") else { return };
    let room = ControlRoom::open(broker.port, None);
    let folder = tempfile::tempdir().unwrap();
    let (config, page) = configure(folder.path(), broker.port);

    let mut first = Running::start(&config, page);
    let learnt = first.until("the device to be calibrated", |report| {
        report.devices[0].phase == DevicePhase::Watching && report.not_ready.is_empty()
    });
    assert_eq!(learnt.boot, 1);
    first.signal("TERM");
    wait::until("the gateway to say that it is offline", || {
        room.on("lineside/v1/test/gateway/status").last().is_some_and(|status| status["state"] == "offline")
    });

    let mut second = Running::start(&config, page);
    let continued = second.until("a window after the restart", |report| report.devices[0].windows > 0);
    assert_eq!(continued.boot, 2);
    assert_eq!(continued.devices[0].phase, DevicePhase::Watching, "it does not learn again");

    // Everything that either of them accepted arrives, under its own boot and number.
    second.until("records to be acknowledged", |report| report.outbox.acknowledged > 10);
    second.signal("TERM");
    for boot in [1, 2] {
        wait::until("every record to arrive", || room.times(boot, 1) > 0 && room.times(boot, 10) > 0);
    }
}

#[test]
fn a_second_agent_on_the_same_page_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let (config, page) = configure(folder.path(), 1);
    let taken = TcpListener::bind(page).unwrap();
    let output = Command::new(agent::path()).args(["run", "--config"]).arg(&config).output().unwrap();
    drop(taken);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains(&page.to_string()) && errors.contains("status.listen"), "{errors}");
}
