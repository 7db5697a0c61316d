use super::*;
use crate::clock::{Clock, ManualClock};
use crate::config::GatewayConfig;
use crate::incident::fixtures::device;
use crate::retraining::{Limits, Recorder};
use crate::source::{Batch, Sink, Source, csv::CsvSource};

const LIMITS: Limits = Limits { keep: Duration::from_secs(86_400), bytes: 64 << 20, min_free: 0 };

fn pump() -> DeviceConfig {
    device(&[("flow", "m3/h"), ("pressure", "bar")])
}

fn row(second: i64) -> Row {
    // An incident from 3 000 to 3 009; every fiftieth pressure is missing.
    let pressure = if second % 50 == 0 { f64::NAN } else { second as f64 / 3.0 };
    let time = Timestamp::from_millis(1_795_248_000_000 + second * 1_000);
    Row { time, marked: (3_000..3_010).contains(&second), values: vec![-(second as f64), pressure] }
}

/// A data folder in which these rows were kept, and a configuration of it.
fn kept(rows: impl Iterator<Item = Row>) -> (tempfile::TempDir, Config) {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let at = data_dir.join(FOLDER).join(&pump().id);
    let mut recorder = Recorder::open(&at, Header::of(&pump()), LIMITS).unwrap();
    rows.for_each(|row| {
        if recorder.push(&row) {
            recorder.sync().unwrap();
        }
    });
    recorder.sync().unwrap();
    let gateway = GatewayConfig { data_dir, ..GatewayConfig::default() };
    (folder, Config { gateway, devices: vec![pump()], ..Config::default() })
}

fn run(config: &Config, out: &Path) -> Result<Vec<Exported>, ExportError> {
    let beside = [Beside { detector: Some("1.0.0".to_owned()), drift: Vec::new() }];
    export(config, "abc", &beside, Timestamp::from_millis(1_795_248_000_000), out)
}

/// What the agent's own reader of recordings makes of a file.
fn read(path: &Path) -> Vec<Row> {
    struct Rows(Vec<Row>);
    impl Sink for Rows {
        fn accept(&mut self, batch: Batch) -> std::ops::ControlFlow<()> {
            assert!(batch.rejected.is_empty());
            let values = batch.samples.iter().map(|sample| sample.value.unwrap_or(f64::NAN)).collect();
            self.0.push(Row { time: batch.samples[0].time, marked: false, values });
            std::ops::ControlFlow::Continue(())
        }
    }
    let settings = crate::config::CsvSource {
        path: path.to_owned(),
        delimiter: None,
        time_column: None,
        time_format: None,
        speed: 0.0,
    };
    let clock: std::sync::Arc<dyn Clock> = std::sync::Arc::new(ManualClock::default());
    let mut rows = Rows(Vec::new());
    CsvSource::open(&settings, &pump().channels, clock).unwrap().run(&mut rows).unwrap();
    rows.0
}

/// Rows as they are compared: NaN is equal to itself there.
fn bits(rows: &[Row]) -> Vec<(i64, Vec<u64>)> {
    rows.iter().map(|row| (row.time.as_micros(), row.values.iter().map(|v| v.to_bits()).collect())).collect()
}

#[test]
fn hours_in_and_around_incidents_are_kept_apart_from_normal_ones() {
    let (folder, config) = kept((0..6_000).map(row));
    let out = folder.path().join("out");
    let exported = run(&config, &out).unwrap();
    // Ten minutes before the first and behind the last marked window.
    let around = 2_400..=3_609;
    let normal: Vec<Row> = (0..6_000).filter(|second| !around.contains(second)).map(row).collect();
    let apart: Vec<Row> = around.clone().map(row).collect();
    assert_eq!(bits(&read(&out.join("pump-1.csv"))), bits(&normal));
    assert_eq!(bits(&read(&out.join("in-incidents/pump-1.csv"))), bits(&apart));
    assert_eq!((exported[0].windows, exported[0].in_incidents), (normal.len() as u64, apart.len() as u64));
    assert_eq!(exported[0].from.as_deref(), Some("2026-11-21T08:00:00.000Z"));
    let text = fs::read_to_string(out.join("pump-1.csv")).unwrap();
    assert!(text.starts_with("time,flow,pressure\n2026-11-21T08:00:00.000Z,-0,\n"), "{}", &text[..80]);
}

#[test]
fn the_folder_says_what_it_is() {
    let (folder, config) = kept((0..100).map(row));
    let out = folder.path().join("out");
    run(&config, &out).unwrap();
    let about: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(out.join("about.json")).unwrap()).unwrap();
    assert_eq!(about["config_sha256"], "abc");
    let device = &about["devices"][0];
    assert_eq!(
        (&device["id"], &device["tick_s"], &device["detector"]),
        (&json!("pump-1"), &json!(1.0), &json!("1.0.0"))
    );
    assert_eq!(device["channels"][0]["unit"], json!("m3/h"));
    assert_eq!(device["exported"]["windows"], json!(100));
    for file in ["incidents.jsonl", "drift.json"] {
        assert!(out.join(file).is_file(), "{file}");
    }
}

#[test]
fn a_clock_that_was_set_back_leaves_out_what_would_be_there_twice() {
    let (folder, config) = kept((0..100).chain(50..120).map(row));
    let out = folder.path().join("out");
    let exported = run(&config, &out).unwrap();
    assert_eq!((exported[0].windows, exported[0].repeated), (120, 50));
    assert_eq!(bits(&read(&out.join("pump-1.csv"))), bits(&(0..120).map(row).collect::<Vec<_>>()));
}

#[test]
fn windows_of_other_channels_are_left_out_and_said() {
    let (folder, mut config) = kept((0..100).map(row));
    config.devices[0].channels[0].unit = "l/min".to_owned();
    let out = folder.path().join("out");
    let exported = run(&config, &out).unwrap();
    assert_eq!((exported[0].windows, exported[0].of_another_form), (0, 100));
    assert!(!out.join("pump-1.csv").exists(), "no empty recording");
}

#[test]
fn nothing_is_mixed_up_and_nothing_kept_is_said_with_what_to_do() {
    let (folder, mut config) = kept((0..100).map(row));
    let error = run(&config, folder.path()).unwrap_err();
    assert!(matches!(error, ExportError::NotEmpty(_)), "{error}");
    config.gateway.data_dir = folder.path().join("elsewhere");
    let error = run(&config, &folder.path().join("out")).unwrap_err();
    assert!(error.to_string().contains("[retraining]"), "{error}");
    assert!(!folder.path().join("out").exists());
}
