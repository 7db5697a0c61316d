//! The builds for other processors, run under qemu, find what the x86-64 build finds, and run what ships.
//!
//! Needs `LINESIDE_AARCH64_BIN` and `LINESIDE_ARMV7_BIN`, the paths of such builds of `lineside`, and qemu; `.ci/run` has
//! all of it.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use system_tests::agreement::{differences, score_differences};
use system_tests::arm::Build;
use system_tests::data;

/// Trials of the recording: the emulator is slow, and one would do.
const STARTS: &str = "2";
/// The column of the labels in both recordings.
const LABEL: &str = "anomaly";
/// A bundle fits a slow link and a small disk.
const LARGEST_BUNDLE: u64 = 12 * 1000 * 1000;
/// What a model gives on any processor differs at most by this from what torch gave.
const CLOSE: f64 = 1e-3;

#[test]
fn other_processors_agree_with_x86_64_on_a_made_recording() {
    let folder = tempfile::tempdir().unwrap();
    let (config, recording) = (folder.path().join("agent.toml"), folder.path().join("press.csv"));
    fs::write(&config, CONFIG).unwrap();
    fs::write(&recording, press_recording()).unwrap();
    for build in Build::elsewhere() {
        let found = assert_agreement(&build, &config, &recording);
        // Two runs that found nothing would agree about nothing.
        assert!(
            found.replay.iter().any(|line| line["change"] == "opened"),
            "no incident: {:#?}",
            found.replay
        );
    }
}

#[test]
fn other_processors_agree_with_x86_64_on_a_pump_recording() {
    let Some(recording) = data::file("skab/valve1/0.csv") else { return };
    let config = data::workspace().join("docs/evaluation/skab.toml");
    for build in Build::elsewhere() {
        assert_agreement(&build, &config, &recording);
    }
}

#[test]
fn every_bundle_that_ships_runs_on_every_processor_as_torch_ran_it() {
    let catalog = data::workspace().join("models/catalog");
    let builds = [vec![Build::here()], Build::elsewhere()].concat();
    let bundles = fs::read_dir(&catalog).unwrap().map(|entry| entry.unwrap().path());
    let bundles: Vec<_> = bundles.filter(|folder| folder.join("manifest.toml").is_file()).collect();
    assert!(!bundles.is_empty(), "{}: holds no bundle", catalog.display());
    for bundle in bundles {
        let size: u64 =
            fs::read_dir(&bundle).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
        assert!(size < LARGEST_BUNDLE, "{}: {size} bytes", bundle.display());
        for build in &builds {
            let run = build.command().args(["bundle", "test", "--json"]).arg(&bundle).output().unwrap();
            let name = format!("{} on {}", bundle.display(), build.processor);
            let report: Value = serde_json::from_slice(&run.stdout)
                .unwrap_or_else(|error| panic!("{name}: {error}: {}", String::from_utf8_lossy(&run.stderr)));
            // Not the verdict: time and memory of an emulator say nothing of a board.
            let golden = &report["golden"];
            assert!(golden["cases"].as_u64().is_some_and(|cases| cases > 0), "{name}: {report}");
            assert!(golden["failed"].is_null(), "{name}: {report}");
            let difference = golden["largest_difference"].as_f64();
            assert!(difference.is_some_and(|difference| difference <= CLOSE), "{name}: {report}");
        }
    }
}

/// Fails where the two builds differ; gives what both found.
fn assert_agreement(other: &Build, config: &Path, recording: &Path) -> Findings {
    let here = findings(&Build::here(), config, recording);
    assert!(here.scores.lines().count() > 100, "few windows were scored: {}", here.scores);

    let there = findings(other, config, recording);
    let agree = Vec::<String>::new();
    let name = other.processor;
    assert_eq!(differences(&here.replay, &there.replay), agree, "x86-64 / {name}, incidents");
    assert_eq!(differences(&here.report, &there.report), agree, "x86-64 / {name}, report");
    assert_eq!(score_differences(&here.scores, &there.scores), agree, "x86-64 / {name}, scores");
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

fn findings(build: &Build, config: &Path, recording: &Path) -> Findings {
    let folder = tempfile::tempdir().unwrap();
    let scores = folder.path().join("scores.csv");
    let command = |arguments: &[&str]| {
        let mut command = build.command();
        command.args(arguments).arg("--config").arg(config);
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
