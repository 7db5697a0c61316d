//! A small recording made here, played through everything up to the outbox.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use rand::SeedableRng;
use rand_distr::{Distribution, Normal};
use rand_pcg::Pcg64Mcg;

use super::*;
use crate::clock::ManualClock;

const CONFIG: &str = r#"
[outbox]
ballast = "0B"
min_free = "0B"
[[device]]
id = "press-1"
period = "1s"
source = { type = "csv" }
[[device.channel]]
name = "pressure"
unit = "bar"
[[device.channel]]
name = "flow"
unit = "l/min"
"#;

const ROWS: usize = 900;
const FAULT: std::ops::Range<usize> = 500..700;

fn recording() -> String {
    let noise = Normal::new(0.0, 0.1).unwrap();
    let mut random = Pcg64Mcg::seed_from_u64(1);
    let mut text = String::from("time,pressure,flow\n");
    for row in 0..ROWS {
        let shift = if FAULT.contains(&row) { 1.0 } else { 0.0 };
        let [pressure, flow] = [5.0 + shift, 70.0].map(|level| level + noise.sample(&mut random));
        writeln!(text, "{},{pressure:.3},{flow:.3}", 1_795_248_000 + row).unwrap();
    }
    text.push_str("noon,5,70\n1795248900,off,70\n");
    text
}

/// Plays a file with this text, and gives back the report and what was printed.
fn play(text: &str, json: bool) -> (Result<Tally>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.csv");
    fs::write(&path, text).unwrap();
    play_file(&path, json)
}

fn play_file(path: &Path, json: bool) -> (Result<Tally>, String) {
    let config: Config = toml::from_str(CONFIG).unwrap();
    let args = ReplayArgs {
        config: "unused.toml".into(),
        input: vec![path.into()],
        device: None,
        speed: Speed::Max,
        json,
    };
    let mut out = Vec::new();
    let tally = replay(&args, &config, Arc::new(ManualClock::default()), Paint::Plain, &mut out);
    (tally, String::from_utf8(out).unwrap())
}

#[test]
fn incidents_are_printed_as_they_happen_and_a_report_closes() {
    let (tally, printed) = play(&recording(), false);
    let tally = tally.unwrap();
    assert_eq!(tally.rows, ROWS as u64 + 2);
    assert_eq!(tally.samples, 2 * ROWS as u64 + 1);
    assert_eq!(tally.rejected, [("bad_timestamp", 1), ("not_a_number", 1)].into());
    assert!(tally.incidents >= 1, "{printed}");
    assert!(tally.records > tally.incidents, "aggregates and incidents are kept\n{printed}");
    let opened = printed.lines().find(|line| line.contains("  press-1  opened ")).expect(&printed);
    assert!(opened.starts_with("2026-11-21T08:08:"), "{printed}");
    assert!(opened.contains("pressure"), "{printed}");
    assert!(printed.contains("not used: not_a_number"), "{printed}");
}

#[test]
fn programs_get_the_control_rooms_message_a_line_and_a_report() {
    let (tally, printed) = play(&recording(), true);
    let lines: Vec<serde_json::Value> =
        printed.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let (report, incidents) = lines.split_last().unwrap();
    assert_eq!(report["report"]["incidents"], tally.unwrap().incidents);
    assert_eq!(incidents[0]["device"], "press-1");
    assert_eq!(incidents[0]["change"], "opened");
}

#[test]
fn the_same_recording_twice_prints_the_same_twice() {
    let (text, again) = (play(&recording(), false).1, play(&recording(), false).1);
    assert_eq!(text, again);
}

#[test]
fn a_recording_that_cannot_be_read_is_named() {
    let (result, _) = play_file(Path::new("no-such.csv"), false);
    let message = format!("{:#}", result.unwrap_err());
    assert!(message.starts_with("no-such.csv: "), "{message}");
}

#[test]
fn a_speed_is_a_factor_or_max() {
    assert_eq!("max".parse(), Ok(Speed::Max));
    assert_eq!("2.5".parse(), Ok(Speed::Times(2.5)));
    for wrong in ["0", "-1", "NaN", "inf", "fast"] {
        assert!(wrong.parse::<Speed>().is_err(), "{wrong}");
    }
}
