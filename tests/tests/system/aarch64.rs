//! The aarch64 build, run under qemu, finds what the x86-64 build finds.
//!
//! Needs `LINESIDE_AARCH64_BIN`, the path of an aarch64 `lineside`, and qemu; `.ci/run` has both.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use system_tests::agreement::{differences, score_differences};
use system_tests::{agent, data, skipped};

/// The emulator and where Debian keeps the libraries of that architecture. A binary for another
/// processor has to be started through it: started directly it fails without a word.
const RUNNER: [&str; 3] = ["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu"];
/// Trials of the recording: the emulator is slow, and one would do.
const STARTS: &str = "2";
/// The column of the labels in both recordings.
const LABEL: &str = "anomaly";

#[test]
fn aarch64_agrees_with_x86_64_on_a_made_recording() {
    let Some(arm) = arm_binary() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (config, recording) = (folder.path().join("agent.toml"), folder.path().join("press.csv"));
    fs::write(&config, CONFIG).unwrap();
    fs::write(&recording, press_recording()).unwrap();
    let found = assert_agreement(&arm, &config, &recording);
    // Two runs that found nothing would agree about nothing.
    assert!(found.replay.iter().any(|line| line["change"] == "opened"), "no incident: {:#?}", found.replay);
}

#[test]
fn aarch64_agrees_with_x86_64_on_a_pump_recording() {
    let Some(arm) = arm_binary() else { return };
    let Some(recording) = data::file("skab/valve1/0.csv") else { return };
    let config = data::workspace().join("docs/evaluation/skab.toml");
    assert_agreement(&arm, &config, &recording);
}

fn arm_binary() -> Option<PathBuf> {
    let Some(path) = std::env::var_os("LINESIDE_AARCH64_BIN").map(PathBuf::from) else {
        skipped("LINESIDE_AARCH64_BIN, the path of an aarch64 build of lineside");
        return None;
    };
    assert!(path.is_file(), "LINESIDE_AARCH64_BIN names no file: {}", path.display());
    Some(path)
}

/// Fails where the two builds differ; gives what both found.
fn assert_agreement(arm: &Path, config: &Path, recording: &Path) -> Findings {
    let x86 = agent::path();
    let here = findings(&[x86.as_os_str()], config, recording);
    assert!(here.scores.lines().count() > 100, "few windows were scored: {}", here.scores);

    let there = findings(&[&RUNNER.map(OsStr::new)[..], &[arm.as_os_str()]].concat(), config, recording);
    let agree = Vec::<String>::new();
    assert_eq!(differences(&here.replay, &there.replay), agree, "x86-64 / aarch64, incidents");
    assert_eq!(differences(&here.report, &there.report), agree, "x86-64 / aarch64, report");
    assert_eq!(score_differences(&here.scores, &there.scores), agree, "x86-64 / aarch64, scores");
    here
}

/// What a build finds in a recording.
struct Findings {
    /// What `lineside replay` prints: incidents and a closing report.
    replay: Vec<Value>,
    /// What `lineside eval` prints.
    report: Vec<Value>,
    /// The score of every window, as `lineside eval` writes it.
    scores: String,
}

/// Runs the build that `launch` starts.
fn findings(launch: &[&OsStr], config: &Path, recording: &Path) -> Findings {
    let folder = tempfile::tempdir().unwrap();
    let scores = folder.path().join("scores.csv");
    let command = |arguments: &[&str]| {
        let mut command = Command::new(launch[0]);
        command.args(&launch[1..]).args(arguments).arg("--config").arg(config);
        command
    };
    Findings {
        replay: output(command(&["replay", "--json", "--speed", "max"]).arg("--input").arg(recording)),
        report: output(
            command(&["eval", "--json", "--starts", STARTS, "--label-column", LABEL])
                .arg("--scores")
                .arg(&scores)
                .arg(recording),
        ),
        scores: fs::read_to_string(&scores).unwrap(),
    }
}

/// Runs it and reads the JSON values that it prints.
fn output(command: &mut Command) -> Vec<Value> {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::Deserializer::from_slice(&output.stdout).into_iter().collect::<Result<_, _>>().unwrap()
}

const CONFIG: &str = r#"
[[device]]
id = "press-1"
kind = "hydraulic press"
period = "1s"
source = { type = "csv" }

[[device.channel]]
name = "pressure"
unit = "bar"

[[device.channel]]
name = "flow"
unit = "l/min"

[[device.channel]]
name = "temperature"
unit = "°C"
"#;

/// Twenty minutes, after the learning a fault in two of three channels, labelled.
fn press_recording() -> String {
    const ROWS: u32 = 1_200;
    const FAULT: std::ops::Range<u32> = 800..950;
    // Time that is told apart from every real recording: 2026-01-01T00:00:00Z.
    const START: u32 = 1_767_225_600;

    let mut noise = Noise(1);
    let mut text = String::from("time,pressure,flow,temperature,anomaly\n");
    for row in 0..ROWS {
        let fault = f64::from(u8::from(FAULT.contains(&row)));
        let slow = (f64::from(row) / 90.0).sin();
        let pressure = 5.0 + 0.1 * slow + 0.05 * noise.next() + 0.8 * fault;
        let flow = 40.0 + 0.5 * noise.next() - 6.0 * fault;
        let temperature = 55.0 + 0.3 * slow + 0.1 * noise.next();
        text += &format!("{},{pressure:.3},{flow:.2},{temperature:.2},{fault}\n", START + row);
    }
    text
}

/// Numbers around zero with a spread of about one, the same on every machine: the sum of twelve
/// uniform ones from a linear congruential generator (constants of Knuth's MMIX).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        (0..12)
            .map(|_| {
                self.0 =
                    self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (self.0 >> 40) as f64 / (1u64 << 24) as f64 - 0.5
            })
            .sum()
    }
}
