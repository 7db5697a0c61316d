//! Promises of the `csv` source, on files as they are found in the field.

use std::ops::ControlFlow;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::clock::ManualClock;
use crate::signal::ChannelIx;
use crate::time::Timestamp;

/// Keeps what a source delivers; stops it after `most` batches.
struct Keep {
    batches: Vec<Batch>,
    most: usize,
}

impl Sink for Keep {
    fn accept(&mut self, batch: Batch) -> ControlFlow<()> {
        self.batches.push(batch);
        if self.batches.len() == self.most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

fn settings(text: &str) -> config::CsvSource {
    toml::from_str(&format!("speed = 0.0\n{text}")).unwrap()
}

fn channels(names: &[&str]) -> Vec<ChannelConfig> {
    let channel = |name: &&str| ChannelConfig { name: (*name).into(), ..ChannelConfig::default() };
    names.iter().map(channel).collect()
}

/// Reads one file with channels `flow` and `pressure`.
fn read(text: &[u8], options: &str) -> Result<Vec<Batch>, SourceError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.csv");
    fs::write(&path, text).unwrap();
    let clock = Arc::new(ManualClock::default());
    let mut source = CsvSource::new(&settings(options), &channels(&["flow", "pressure"]), vec![path], clock);
    let mut keep = Keep { batches: Vec::new(), most: usize::MAX };
    source.run(&mut keep)?;
    Ok(keep.batches)
}

fn values(batch: &Batch) -> Vec<Result<f64, BadSample>> {
    batch.samples.iter().map(|sample| sample.value).collect()
}

fn refused(text: &str, options: &str) -> String {
    let error = read(text.as_bytes(), options).unwrap_err().to_string();
    // The folder is a temporary one.
    error[error.find("recording.csv").unwrap()..].to_owned()
}

#[test]
fn any_delimiter_and_any_order_of_columns_is_read() {
    for delimiter in [",", ";", "\t"] {
        let text = "time,x,pressure,flow\n2020-03-09 10:14:33,9,0.5,32\n".replace(',', delimiter);
        let batches = read(text.as_bytes(), "").unwrap();
        assert_eq!(batches.len(), 1);
        assert_eq!(values(&batches[0]), [Ok(32.0), Ok(0.5)], "{delimiter:?}");
        let time = Timestamp::from_millis(1_583_748_873_000);
        assert!(batches[0].samples.iter().all(|sample| sample.time == time));
    }
    let odd = read(b"flow|pressure|when\n1|2|3\n", "delimiter = \"|\"\ntime_column = \"when\"").unwrap();
    assert_eq!(values(&odd[0]), [Ok(1.0), Ok(2.0)]);
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_no_obstacle() {
    let batches = read(b"\xef\xbb\xbftime;flow;pressure\r\n0;1;2\r\n1;3;4\r\n", "").unwrap();
    assert_eq!(batches.iter().map(values).collect::<Vec<_>>(), [[Ok(1.0), Ok(2.0)], [Ok(3.0), Ok(4.0)]]);
    let named = read(b"\xef\xbb\xbftime;flow;pressure\r\n0;1;2\r\n", "time_column = \"time\"").unwrap();
    assert_eq!(named.len(), 1);
}

#[test]
fn a_channel_can_name_its_column() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    fs::write(&path, "time,Volume Flow RateRMS\n0,32\n").unwrap();
    let mut channels = channels(&["flow"]);
    channels[0].column = Some("Volume Flow RateRMS".into());
    let clock = Arc::new(ManualClock::default());
    let mut keep = Keep { batches: Vec::new(), most: usize::MAX };
    CsvSource::new(&settings(""), &channels, vec![path], clock).run(&mut keep).unwrap();
    assert_eq!(values(&keep.batches[0]), [Ok(32.0)]);
}

#[test]
fn a_bad_field_is_counted_for_its_channel_and_the_others_are_used() {
    for (field, reason) in [
        ("", BadSample::Missing),
        ("  ", BadSample::Missing),
        ("NaN", BadSample::NotFinite),
        ("-inf", BadSample::NotFinite),
        ("1e999", BadSample::NotFinite),
        ("broken", BadSample::NotANumber),
        ("1.2.3", BadSample::NotANumber),
    ] {
        let batches = read(format!("time,flow,pressure\n0,{field},2\n").as_bytes(), "").unwrap();
        assert_eq!(values(&batches[0]), [Err(reason), Ok(2.0)], "{field:?}");
    }
    let foreign = read(b"time,flow,pressure\n0,\xff,2\n", "").unwrap();
    assert_eq!(values(&foreign[0]), [Err(BadSample::NotANumber), Ok(2.0)]);
}

#[test]
fn a_row_that_ends_early_lacks_its_last_fields() {
    let batches = read(b"time,flow,pressure\n0,1\n1,2,3\n", "").unwrap();
    assert_eq!(values(&batches[0]), [Ok(1.0), Err(BadSample::Missing)]);
    assert_eq!(values(&batches[1]), [Ok(2.0), Ok(3.0)]);
}

#[test]
fn a_row_without_a_readable_time_is_counted_and_the_next_one_is_used() {
    let batches = read(b"time,flow,pressure\nyesterday,1,2\n,1,2\n2,1,2\n", "").unwrap();
    let rejected: Vec<(Option<ChannelIx>, BadSample)> =
        batches.iter().flat_map(|batch| batch.rejected.clone()).collect();
    assert_eq!(rejected, [(None, BadSample::BadTimestamp); 2]);
    assert_eq!(values(&batches[2]), [Ok(1.0), Ok(2.0)]);
}

#[test]
fn a_missing_column_is_named_with_those_present() {
    assert_eq!(
        refused("time,flow\n0,1\n", ""),
        "recording.csv: has no column `pressure`; its columns are: time, flow"
    );
    assert_eq!(
        refused("time,flow,pressure\n0,1,2\n", "time_column = \"datetime\""),
        "recording.csv: has no column `datetime`; its columns are: time, flow, pressure"
    );
}

#[test]
fn an_empty_file_is_refused() {
    assert_eq!(refused("", ""), "recording.csv: is empty; a header line with the columns' names is needed");
}

#[test]
fn a_missing_file_is_refused_with_its_key() {
    let settings = settings("path = \"/nowhere/recording.csv\"");
    let clock = Arc::new(ManualClock::default());
    let error = CsvSource::open(&settings, &channels(&["flow"]), clock).err().unwrap().to_string();
    assert!(error.starts_with("/nowhere/recording.csv: ") && error.ends_with("check `path`"), "{error}");
}

#[test]
fn a_folder_is_read_in_the_order_of_its_names() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("2.csv", "time,flow\n2,2\n");
    write("1.csv", "time,flow\n1,1\n");
    write("notes.md", "not a recording");
    let clock = Arc::new(ManualClock::default());
    let settings = config::CsvSource { path: folder.path().into(), ..settings("") };
    let mut source = CsvSource::open(&settings, &channels(&["flow"]), clock).unwrap();
    let mut keep = Keep { batches: Vec::new(), most: usize::MAX };
    source.run(&mut keep).unwrap();
    assert_eq!(keep.batches.iter().map(values).collect::<Vec<_>>(), [[Ok(1.0)], [Ok(2.0)]]);
}

#[test]
fn a_folder_without_recordings_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = recordings(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("the folder holds no .csv or .txt file"), "{error}");
}

#[test]
fn a_sink_that_has_enough_stops_the_source() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    fs::write(&path, "time,flow\n0,1\n1,1\n2,1\n").unwrap();
    let clock = Arc::new(ManualClock::default());
    let files = vec![path.clone(), path];
    let mut keep = Keep { batches: Vec::new(), most: 2 };
    CsvSource::new(&settings(""), &channels(&["flow"]), files, clock).run(&mut keep).unwrap();
    assert_eq!(keep.batches.len(), 2);
}

#[test]
fn labels_are_read_beside_and_a_recording_without_them_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    fs::write(&path, "time;flow;anomaly\n0;1;0.0\n1;1;1.0\n2;1;\nx;1;1\n").unwrap();
    let labels = |column| read_labels(&path, &settings(""), column).unwrap();
    let second = |n: i64| Timestamp::from_millis(n * 1_000);
    assert_eq!(labels("anomaly"), Some(vec![(second(0), 0.0), (second(1), 1.0), (second(2), 0.0)]));
    assert_eq!(labels("changepoint"), None);
}

fn data() -> std::path::PathBuf {
    std::env::var_os("LINESIDE_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        std::path::PathBuf::from,
    )
}

#[test]
fn a_real_recording_is_read_without_a_setting() {
    let path = data().join("skab/valve1/1.csv");
    if !path.exists() {
        eprintln!("skipped: needs {}", path.display());
        return;
    }
    let channels = channels(&["Accelerometer1RMS", "Volume Flow RateRMS"]);
    let clock = Arc::new(ManualClock::default());
    let mut keep = Keep { batches: Vec::new(), most: usize::MAX };
    CsvSource::new(&settings(""), &channels, vec![path], clock).run(&mut keep).unwrap();
    assert_eq!(values(&keep.batches[0]), [Ok(0.027_079_7), Ok(32.0)]);
    assert!(keep.batches.len() > 1_000);
    assert!(keep.batches.iter().all(|batch| batch.rejected.is_empty() && batch.samples.len() == 2));
}

proptest! {
    #[test]
    fn foreign_bytes_never_panic(text in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut file = b"time,flow,pressure\n".to_vec();
        file.extend(text);
        for batch in read(&file, "").unwrap() {
            prop_assert!(batch.samples.iter().all(|s| s.value.is_err() || s.value.is_ok_and(f64::is_finite)));
        }
    }
}
