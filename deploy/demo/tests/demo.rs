//! The README's promise: one command shows a machine going wrong, an outage and nothing lost.

#![allow(clippy::unwrap_used, reason = "the helpers of a test fail it by panicking, too")]

use std::fmt::Write;
use std::process::Command;

use serde_json::Value;

/// Runs the demo and reads its closing table.
fn demo(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_lineside-demo")).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_demo_shows_incidents_and_loses_nothing_through_the_outage() {
    let table = demo(&["--seconds", "30", "--json"]);
    assert_eq!(table["samples_in"], 14_400, "{table}");
    assert_eq!(table["windows_scored"], 1_800, "{table}");
    assert!(table["incidents"].as_u64().unwrap() >= 2, "both faults are noticed: {table}");
    assert!(table["late"].as_u64().unwrap() > 0, "records were kept through the outage: {table}");
    assert_eq!(table["lost"], 0, "{table}");
}

#[test]
fn the_demo_watches_a_recording_of_ones_own() {
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
