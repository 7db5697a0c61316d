use proptest::prelude::*;

use super::*;
use crate::incident::fixtures::device;
use crate::retraining::segment::read;

const SMALL: Limits = Limits { keep: Duration::from_secs(86_400), bytes: 256 << 10, min_free: 0 };

fn header() -> Header {
    Header::of(&device(&[("flow", "m3/h"), ("pressure", "bar")]))
}

fn row(second: i64) -> Row {
    let values = vec![second as f64 / 7.0, -(second as f64)];
    Row { time: Timestamp::from_millis(second * 1_000), marked: second % 5 == 0, values }
}

fn push(recorder: &mut Recorder, seconds: std::ops::Range<i64>) {
    for second in seconds {
        recorder.push(&row(second));
    }
}

fn rows(folder: &Path) -> Vec<Row> {
    let files = numbers(folder).unwrap().into_iter().map(|number| fs::read(path(folder, number)).unwrap());
    files.filter_map(|bytes| read(&bytes)).flat_map(|segment| segment.rows).collect()
}

fn on_disk(folder: &Path) -> u64 {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

#[test]
fn what_was_synced_is_there_after_a_kill_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    for start in 0..3 {
        // Dropped without a word, as by a kill: what was not synced is gone.
        let mut recorder = Recorder::open(folder.path(), header(), SMALL).unwrap();
        push(&mut recorder, start * 100..start * 100 + 60);
        recorder.sync().unwrap();
        push(&mut recorder, start * 100 + 60..start * 100 + 99);
    }
    let expected: Vec<Row> = (0..3).flat_map(|start| (start * 100..start * 100 + 60).map(row)).collect();
    assert_eq!(rows(folder.path()), expected);
    assert_eq!(numbers(folder.path()).unwrap(), [1], "one file goes on");
}

#[test]
fn a_file_cut_at_every_byte_keeps_its_whole_rows_and_takes_new_ones() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::open(folder.path(), header(), SMALL).unwrap();
    push(&mut recorder, 0..4);
    recorder.sync().unwrap();
    drop(recorder);
    let file = path(folder.path(), 1);
    let (whole, start, size) = (fs::read(&file).unwrap(), header().to_bytes().len(), header().row_size());
    for cut in 0..=whole.len() {
        fs::write(&file, &whole[..cut]).unwrap();
        let mut recorder = Recorder::open(folder.path(), header(), SMALL).unwrap();
        recorder.push(&row(9));
        recorder.sync().unwrap();
        let mut expected: Vec<Row> = (0..cut.saturating_sub(start) as i64 / size as i64).map(row).collect();
        expected.push(row(9));
        assert_eq!(rows(folder.path()), expected, "cut at {cut}");
        assert_eq!(recorder.kept().windows, expected.len() as u64);
    }
}

#[test]
fn the_oldest_goes_when_there_is_too_much_and_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::open(folder.path(), header(), SMALL).unwrap();
    for second in 0..20_000 {
        recorder.push(&row(second));
        if second % 50 == 49 {
            recorder.sync().unwrap();
            assert!(on_disk(folder.path()) <= SMALL.bytes, "at {second}");
        }
    }
    let (kept, left) = (recorder.kept(), rows(folder.path()));
    assert_eq!(kept.bytes, on_disk(folder.path()));
    assert_eq!(kept.windows, left.len() as u64);
    assert_eq!(kept.windows + kept.dropped["quota"], 20_000);
    assert!(kept.bytes > SMALL.bytes / 2, "{kept:?}");
    assert_eq!(left.first().unwrap().time, row(kept.dropped["quota"] as i64).time, "the oldest went");
    assert_eq!(left.last().unwrap(), &row(19_999));
}

#[test]
fn what_is_older_than_it_may_be_goes_and_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::open(folder.path(), header(), SMALL).unwrap();
    push(&mut recorder, 0..600);
    recorder.sync().unwrap();
    // A file goes as a whole, once all of it is too old.
    recorder.push(&row(86_400 + 599));
    recorder.sync().unwrap();
    assert_eq!(recorder.kept().windows, 601);
    recorder.push(&row(2 * 86_400 + 600));
    recorder.sync().unwrap();
    assert_eq!(recorder.kept().dropped, BTreeMap::from([("age".to_owned(), 601)]));
    assert_eq!(rows(folder.path()), [row(2 * 86_400 + 600)]);
}

#[test]
fn below_the_free_space_that_must_stay_nothing_is_written_and_it_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { min_free: u64::MAX, ..SMALL };
    let mut recorder = Recorder::open(folder.path(), header(), limits).unwrap();
    push(&mut recorder, 0..7);
    recorder.sync().unwrap();
    assert_eq!(recorder.kept().dropped, BTreeMap::from([("disk_floor".to_owned(), 7)]));
    assert_eq!(on_disk(folder.path()), 0);
}

#[test]
fn other_channels_begin_a_file_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::open(folder.path(), header(), SMALL).unwrap();
    recorder.push(&row(1));
    recorder.sync().unwrap();
    let other = Header::of(&device(&[("flow", "l/min"), ("pressure", "bar")]));
    let mut recorder = Recorder::open(folder.path(), other, SMALL).unwrap();
    recorder.push(&row(2));
    recorder.sync().unwrap();
    assert_eq!(numbers(folder.path()).unwrap(), [1, 2]);
    let mut recorder = Recorder::open(folder.path(), header(), SMALL).unwrap();
    recorder.push(&row(3));
    recorder.sync().unwrap();
    assert_eq!(numbers(folder.path()).unwrap(), [1, 2, 3], "the newest alone is written on");
}

#[test]
fn fast_windows_are_written_before_their_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::open(folder.path(), header(), SMALL).unwrap();
    let full = (0..10_000).find(|&second| recorder.push(&row(second))).unwrap();
    assert!((full as usize + 1) * header().row_size() < PENDING + header().row_size());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Any order of writing, syncing, killing and damage.
    #[test]
    fn rows_come_back_in_order_whatever_happens(steps in prop::collection::vec((0u8..10, any::<u16>()), 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::open(folder.path(), header(), SMALL).unwrap();
        let mut second = 0;
        for (what, amount) in steps {
            match what {
                0..=5 => (0..amount % 300).for_each(|_| {
                    recorder.push(&row(second));
                    second += 1;
                }),
                6..=7 => recorder.sync().unwrap(),
                _ => {
                    drop(recorder);
                    if let (9, Some(&newest)) = (what, numbers(folder.path()).unwrap().last()) {
                        let bytes = fs::read(path(folder.path(), newest)).unwrap();
                        let cut = usize::from(amount) % (bytes.len() + 1);
                        fs::write(path(folder.path(), newest), &bytes[..cut]).unwrap();
                    }
                    recorder = Recorder::open(folder.path(), header(), SMALL).unwrap();
                }
            }
            prop_assert!(on_disk(folder.path()) <= SMALL.bytes + PENDING as u64);
            let found = rows(folder.path());
            prop_assert_eq!(recorder.kept().windows, found.len() as u64);
            prop_assert!(found.windows(2).all(|pair| pair[0].time < pair[1].time));
            prop_assert!(found.iter().all(|found| *found == row(found.time.as_millis() / 1_000)));
        }
    }
}
