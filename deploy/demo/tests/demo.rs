//! The README's promise: one command shows a machine going wrong, an outage and nothing lost, a new
//! detector that takes over and a wrong one that does not.

#![allow(clippy::unwrap_used, reason = "the helpers of a test fail it by panicking, too")]

use std::fmt::Write;
use std::process::Command;
use std::sync::LazyLock;

use serde_json::{Value, json};

/// Runs the demo and reads its closing table.
fn demo(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_lineside-demo")).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// One run of the demo as it is, for all that is promised of it.
static SHOWN: LazyLock<Value> = LazyLock::new(|| demo(&["--seconds", "30", "--json"]));

#[test]
fn the_demo_shows_incidents_and_loses_nothing_through_the_outage() {
    let table = &*SHOWN;
    assert_eq!(table["samples_in"], 14_400, "{table}");
    assert_eq!(table["windows_scored"], 1_800, "{table}");
    assert!(table["incidents"].as_u64().unwrap() >= 2, "both faults are noticed: {table}");
    assert!(table["late"].as_u64().unwrap() > 0, "records were kept through the outage: {table}");
    assert_eq!(table["lost"], 0, "{table}");
}

#[test]
fn the_demo_takes_a_sound_detector_over_live_and_refuses_a_wrong_one() {
    let table = &*SHOWN;
    let models = &table["models"];
    assert_eq!((&models["before"], &models["after"]), (&json!("1.0.0"), &json!("1.1.0")), "{table}");
    assert_eq!(models["windows_left_out"], 0, "{table}");
    let published = json!([
        {"version": "1.1.0", "phase": "committed", "reason": "", "server_heard": true},
        {"version": "1.2.0", "phase": "rejected", "reason": "golden_mismatch", "server_heard": true},
    ]);
    assert_eq!(models["published"], published, "{table}");
}

#[test]
fn a_recording_of_ones_own_is_watched() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.csv");
    let mut text = String::from("time,pressure,flow\n");
    for second in 0..900_u32 {
        let wobble = f64::from(second * 7_919 % 101) / 101.0;
        writeln!(text, "2026-01-01 00:{:02}:{:02},{wobble},{}", second / 60, second % 60, 50.0 - wobble)
            .unwrap();
    }
    std::fs::write(&file, text).unwrap();
    let table = demo(&["--seconds", "10", "--json", "--csv", file.to_str().unwrap()]);
    assert_eq!(table["samples_in"], 1_800, "{table}");
    assert_eq!(table["lost"], 0, "{table}");
}
