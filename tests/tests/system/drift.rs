//! A channel that slowly leaves its level: seen where an operator looks, and handed out for a refit.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use lineside::drift::{Against, Compared, What};
use lineside::status::client;
use lineside::status::report::{SourceState, StatusReport};
use serde_json::Value;
use system_tests::control_room::ControlRoom;
use system_tests::mosquitto::Mosquitto;
use system_tests::{agent, port, wait};

const CHANNELS: [&str; 3] = ["flow", "pressure_out", "motor_current"];
/// What a span and the reference hold; a sample a second.
const SPAN: usize = 96;
const REFERENCE: usize = 14 * SPAN;
/// Windows that the detector learns from first.
const LEARNT: usize = 300;
/// Rows: as it was, a slow ramp, as it is now.
const BEFORE: usize = LEARNT + REFERENCE + SPAN;
const RAMP: usize = 4 * SPAN;
const ROWS: usize = BEFORE + RAMP + 4 * SPAN;

/// A pump at one operating point, with noise of one unit, whose flow slowly falls by four.
fn recording() -> Vec<[f64; 3]> {
    let mut state = 7_u64;
    let mut noise = || {
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / (1_u64 << 24) as f64
        };
        // The sum of twelve uniforms is nearly normal; rounded as a sensor does.
        (((0..12).map(|_| uniform()).sum::<f64>() - 6.0) * 100.0).round() / 100.0
    };
    let row = |row: usize| {
        let fallen = 4.0 * (row.saturating_sub(BEFORE) as f64 / RAMP as f64).min(1.0);
        [42.0 - fallen + noise(), 4.0 + noise(), 11.0 + noise()]
    };
    (0..ROWS).map(row).collect()
}

fn time(row: usize) -> String {
    lineside::time::Timestamp::from_millis(1_795_248_000_000 + 1_000 * row as i64).to_rfc3339()
}

fn configure(folder: &Path, broker: u16) -> (PathBuf, SocketAddr) {
    let page = port::free();
    let csv: String = recording()
        .iter()
        .enumerate()
        .map(|(row, [flow, pressure, current])| format!("{},{flow},{pressure},{current}\n", time(row)))
        .collect();
    fs::write(folder.join("pump.csv"), format!("time,{}\n{csv}", CHANNELS.join(","))).unwrap();
    let channels = CHANNELS.map(|name| format!("[[device.channel]]\nname = \"{name}\"\n")).concat();
    let text = format!(
        "[gateway]\nsite = \"test\"\nname = \"gateway\"\ndata_dir = '{data}'\n\
         [mqtt]\nhost = \"127.0.0.1\"\nport = {broker}\n\
         [outbox]\nmin_free = \"0B\"\n\
         [publish]\nstatus_interval = \"1s\"\n\
         [status]\nlisten = \"{page}\"\n\
         [detect]\ncommissioning_windows = {LEARNT}\n\
         [drift]\nsample_interval = \"1s\"\nspan = \"{SPAN}s\"\nreference = \"{REFERENCE}s\"\nfalse_drifts_per_year = 1000.0\n\
         [retraining]\nenabled = true\nsync_interval = \"1s\"\n\
         [[device]]\nid = \"pump-1\"\nperiod = \"1s\"\n\
         [device.source]\ntype = \"csv\"\npath = '{csv}'\nspeed = 0.0\n\
         {channels}",
        data = folder.join("data").display(),
        csv = folder.join("pump.csv").display(),
    );
    let config = folder.join("agent.toml");
    fs::write(&config, text).unwrap();
    (config, page)
}

/// The agent; killed at the end of the test, whatever comes of it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn lineside(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(agent::path()).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout) + &text(&output.stderr))
}

fn drifted(report: &StatusReport) -> Vec<&Compared> {
    report.devices[0].drift.iter().filter(|compared| compared.since.is_some()).collect()
}

/// Time and values of an exported recording.
fn exported(folder: &Path) -> Vec<(String, Vec<f64>)> {
    let mut rows = Vec::new();
    for file in ["pump-1.csv", "in-incidents/pump-1.csv"] {
        let Ok(text) = fs::read_to_string(folder.join(file)) else { continue };
        let mut lines = text.lines();
        assert_eq!(lines.next().unwrap(), format!("time,{}", CHANNELS.join(",")));
        rows.extend(lines.map(|line| {
            let (time, values) = line.split_once(',').unwrap();
            (time.to_owned(), values.split(',').map(|value| value.parse().unwrap()).collect())
        }));
    }
    rows.sort_by(|a: &(String, _), b| a.0.cmp(&b.0));
    rows
}

#[test]
fn a_channel_that_slowly_moves_is_named_in_status_metrics_and_mqtt_and_exported() {
    let Some(broker) = Mosquitto::plain("") else { return };
    let room = ControlRoom::open(broker.port, None);
    let folder = tempfile::tempdir().unwrap();
    let (config, page) = configure(folder.path(), broker.port);
    let config = config.to_str().unwrap();
    let child =
        Command::new(agent::path()).args(["run", "--config", config]).stderr(Stdio::null()).spawn().unwrap();
    let mut running = Running(child);
    let report = || client::report(page).ok();
    wait::until("the recording to end", || {
        report().is_some_and(|report| report.devices[0].source == SourceState::Ended)
    });

    let ended = report().unwrap();
    let inputs: Vec<_> =
        drifted(&ended).into_iter().filter(|compared| compared.what == What::Input).collect();
    let [flow] = inputs[..] else { panic!("flow alone should have moved: {inputs:#?}") };
    assert_eq!(flow.channel.as_deref(), Some("flow"));
    assert!(flow.shift_sd.unwrap() < -3.0, "{flow:?}");
    let since = flow.since.unwrap().to_rfc3339();
    assert!(since >= time(BEFORE) && since <= time(BEFORE + RAMP), "{since}");

    // The bundle that ships records its scores on made-up machines: this one is compared with them, and that is all.
    let mut trained = ended.devices[0].drift.iter().filter(|compared| compared.against == Against::Training);
    let (Some(score), None) = (trained.next(), trained.next()) else {
        panic!("{:#?}", ended.devices[0].drift)
    };
    assert!(score.what == What::Score && score.psi.is_some() && score.since.is_none(), "{score:?}");

    let (done, text) = lineside(&["status", "--config", config]);
    let unlike = text.contains("score unlike the training's, for information");
    assert_eq!(unlike, score.unlike_the_training(), "{text}");
    assert!(
        done && text
            .contains(&format!("drift since {since}, against commissioning: flow: its values moved (down")),
        "{text}"
    );
    let metric =
        "lineside_drifted{device=\"pump-1\",what=\"input\",channel=\"flow\",against=\"commissioning\"} 1";
    wait::until("the metric to say so", || client::get(page, "/metrics").unwrap().body.contains(metric));
    let told = |value: &Value| {
        let quantities = value["compared"].as_array().unwrap().iter();
        let mut moved =
            quantities.filter(|quantity| quantity["what"] == "input" && !quantity["since"].is_null());
        value["drifted"] == true && moved.next().is_some_and(|quantity| quantity["channel"] == "flow")
    };
    wait::until("the control room to be told of the channel", || {
        room.on("lineside/v1/test/gateway/drift/pump-1").last().is_some_and(told)
    });
    wait::until("the gateway's status to call for a look", || {
        let status = room.on("lineside/v1/test/gateway/status");
        status.last().is_some_and(|status| status["alarms"].as_array().unwrap().contains(&"drift".into()))
    });

    // A window is a row here: what the agent saw is what the recording says, a second later.
    let windows = ended.devices[0].windows;
    wait::until("all windows to be on the disk", || {
        report().unwrap().devices[0].retraining.as_ref().is_some_and(|kept| kept.windows == windows)
    });
    let out = folder.path().join("site");
    let (done, text) = lineside(&["export-retraining", "--config", config, "--out", out.to_str().unwrap()]);
    assert!(done, "{text}");
    let rows = exported(&out);
    assert_eq!(rows.len() as u64, windows);
    for (row, (values, (at, found))) in recording().iter().zip(&rows).enumerate() {
        assert_eq!((at, found.as_slice()), (&time(row + 1), values.as_slice()), "row {row}");
    }
    let json =
        |name: &str| -> Value { serde_json::from_str(&fs::read_to_string(out.join(name)).unwrap()).unwrap() };
    let about = json("about.json");
    assert_eq!(about["devices"][0]["id"], "pump-1");
    assert_eq!(about["devices"][0]["detector"], ended.models[0].version);
    let drift = json("drift.json");
    let quantities = drift["devices"][0]["compared"].as_array().unwrap();
    assert!(quantities.iter().any(|quantity| quantity["channel"] == "flow" && !quantity["since"].is_null()));
    let incidents = fs::read_to_string(out.join("incidents.jsonl")).unwrap();
    assert_eq!(incidents.lines().count() as u64, ended.devices[0].incidents);
    assert!(ended.devices[0].incidents > 0, "the fall is noticed as an incident, too");
    let [normal, apart] =
        ["pump-1.csv", "in-incidents/pump-1.csv"].map(|file| fs::read_to_string(out.join(file)).unwrap());
    for incident in incidents.lines() {
        let incident: Value = serde_json::from_str(incident).unwrap();
        let opened = incident["opened"].as_str().unwrap();
        assert!(apart.contains(opened) && !normal.contains(opened), "{incident}");
    }

    // After a kill, the same: what was synced is there.
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    let again = folder.path().join("again");
    let (done, text) = lineside(&["export-retraining", "--config", config, "--out", again.to_str().unwrap()]);
    assert!(done, "{text}");
    assert_eq!(exported(&again), rows);
}
