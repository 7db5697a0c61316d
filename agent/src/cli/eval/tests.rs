//! Evaluations of small recordings made here, with the model that is built in.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use clap::Parser;
use rand::SeedableRng;
use rand_distr::{Distribution, Normal};
use rand_pcg::Pcg64Mcg;
use tempfile::TempDir;

use super::*;

const CONFIG: &str = r#"
[[device]]
id = "press-1"
period = "1s"
source = { type = "csv", time_column = "time" }
[[device.channel]]
name = "current"
[[device.channel]]
name = "pressure"
[[device.channel]]
name = "flow"
"#;

/// Rows of a recording, and of its event: 6 standard deviations on one channel, 3 on another.
const ROWS: usize = 1_000;
const EVENT: std::ops::Range<usize> = 700..900;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: EvalArgs,
}

fn config() -> Config {
    toml::from_str(CONFIG).unwrap()
}

fn recording(seed: u64, labelled: bool) -> String {
    let noise = Normal::new(0.0, 1.0).unwrap();
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut text = String::from(if labelled {
        "time,current,pressure,flow,fault\n"
    } else {
        "time,current,pressure,flow\n"
    });
    for row in 0..ROWS {
        let fault = labelled && EVENT.contains(&row);
        let shift = if fault { 1.0 } else { 0.0 };
        let [current, pressure, flow] = [0.0, 6.0, -3.0].map(|by| noise.sample(&mut random) + by * shift);
        let (minute, second) = (row / 60, row % 60);
        write!(
            text,
            "2026-11-21T08:{minute:02}:{second:02}Z,{:.3},{:.3},{:.3}",
            10.0 + current,
            5.0 + pressure,
            flow
        )
        .unwrap();
        text.push_str(match (labelled, fault) {
            (false, _) => "\n",
            (true, false) => ",0\n",
            (true, true) => ",1\n",
        });
    }
    text
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..3 {
        fs::write(folder.path().join(format!("{seed}.csv")), recording(seed, true)).unwrap();
    }
    fs::write(folder.path().join("normal.csv"), recording(3, false)).unwrap();
    folder
}

fn args(folder: &Path, more: &[&str]) -> EvalArgs {
    let mut words = vec!["eval", "--config", "unused.toml", "--starts", "2"];
    words.extend(more);
    let folder = folder.display().to_string();
    words.push(&folder);
    Command::parse_from(words).args
}

#[test]
fn an_injected_fault_is_found_in_every_recording() {
    let folder = folder();
    let report = evaluate(&args(folder.path(), &["--label-column", "fault"]), &config()).unwrap();
    assert_eq!((report.protocol.recordings, report.protocol.normal_recordings), (4, 1));
    let figures = &report.detector;
    assert_eq!((figures.events, figures.found), (6, 6), "{report}");
    assert!(figures.median_delay_s.is_some_and(|delay| delay < 30.0), "{report}");
    // Two starts of one recording of ROWS seconds, less what was skipped and learnt from.
    assert!(figures.normal.hours > 0.25 && figures.normal.hours < 2.0 * ROWS as f64 / 3_600.0, "{report}");
}

#[test]
fn the_same_evaluation_twice_gives_the_same_report() {
    let folder = folder();
    let args = args(folder.path(), &["--label-column", "fault"]);
    assert_eq!(evaluate(&args, &config()).unwrap(), evaluate(&args, &config()).unwrap());
}

#[test]
fn windows_from_a_file_give_the_figures_of_the_column() {
    let folder = folder();
    let window = r#"[["2026-11-21 08:11:40", "2026-11-21 08:14:59"]]"#;
    let windows = folder.path().join("windows.json");
    let text = format!(r#"{{"0.csv":{window},"1.csv":{window},"2.csv":{window},"normal.csv":[]}}"#);
    fs::write(&windows, text).unwrap();
    let windows = windows.display().to_string();
    let by_windows = evaluate(&args(folder.path(), &["--label-windows", &windows]), &config()).unwrap();
    let by_column = evaluate(&args(folder.path(), &["--label-column", "fault"]), &config()).unwrap();
    assert_eq!(by_windows.detector, by_column.detector);
}

#[test]
fn labels_are_never_an_input() {
    let folder = folder();
    let message =
        evaluate(&args(folder.path(), &["--label-column", "flow"]), &config()).unwrap_err().to_string();
    assert_eq!(
        message,
        "--label-column flow: channel `flow` of device `press-1` reads this column; labels are never an input"
    );
    // The same rows with other labels: the detector answers the same.
    let scores = |label: &str| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("0.csv"), recording(0, true).replace(",1\n", label)).unwrap();
        fs::write(folder.path().join("1.csv"), recording(1, true)).unwrap();
        let scores = folder.path().join("scores.txt");
        let path = scores.display().to_string();
        let args = args(folder.path(), &["--label-column", "fault", "--scores", &path, "--start-rows", "0"]);
        evaluate(&args, &config()).unwrap();
        let text = fs::read_to_string(scores).unwrap();
        // Up to the cut, which the labels decide.
        let rows = text.lines().filter(|line| line.starts_with("0.csv,0,")).take(EVENT.start);
        rows.map(String::from).collect::<Vec<_>>()
    };
    let scored = scores(",1\n");
    assert!(scored.len() > EVENT.start - 10);
    assert_eq!(scored, scores(",0\n"));
}

#[test]
fn a_mistyped_label_column_is_refused_and_not_taken_for_normal() {
    let folder = folder();
    let message =
        evaluate(&args(folder.path(), &["--label-column", "fautl"]), &config()).unwrap_err().to_string();
    assert_eq!(message, "--label-column fautl: none of the recordings has this column");
}

#[test]
fn a_recording_without_an_entry_among_the_windows_is_named() {
    let folder = folder();
    let windows = folder.path().join("windows.json");
    fs::write(&windows, r#"{"0.csv": []}"#).unwrap();
    let windows = windows.display().to_string();
    let message =
        evaluate(&args(folder.path(), &["--label-windows", &windows]), &config()).unwrap_err().to_string();
    assert!(message.contains("1.csv: --label-windows has no entry for it"), "{message}");
}

#[test]
fn an_unknown_device_is_refused_with_those_there_are() {
    let folder = folder();
    let args = args(folder.path(), &["--label-column", "fault", "--device", "press-2"]);
    let message = evaluate(&args, &config()).unwrap_err().to_string();
    assert_eq!(message, "--device press-2: the configuration has no such device, only: press-1");
}
