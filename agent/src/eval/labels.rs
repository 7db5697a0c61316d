//! Where a recording's events are: from a label column or from a file of windows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::time::Timestamp;

/// A labelled anomaly: `[onset, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// The first labelled moment.
    pub onset: Timestamp,
    /// The first moment after it that is not labelled.
    pub end: Timestamp,
}

/// The last labelled moment belongs to the event: its end, exclusive, is this much later.
const RESOLUTION: Duration = Duration::from_micros(1);

impl Event {
    /// Whether `time` lies inside.
    #[must_use]
    pub fn holds(&self, time: Timestamp) -> bool {
        self.onset <= time && time < self.end
    }
}

/// The events of a label column: every run of rows whose label is above 0, in the order of time.
#[must_use]
pub fn events(rows: &[(Timestamp, f64)]) -> Vec<Event> {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|(time, _)| *time);
    let mut events = Vec::new();
    let mut onset = None;
    let mut last = Timestamp::EPOCH;
    for (time, label) in rows {
        match (onset, label > 0.0) {
            (None, true) => onset = Some(time),
            (Some(began), false) => {
                events.push(Event { onset: began, end: time });
                onset = None;
            }
            _ => {}
        }
        last = time;
    }
    if let Some(onset) = onset {
        events.push(Event { onset, end: last.plus(RESOLUTION) });
    }
    events
}

/// Labelled windows by recording: a JSON object from the end of a recording's path to a list of
/// `[start, end]`, both times belonging to the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelWindows {
    by_path: BTreeMap<PathBuf, Vec<Event>>,
}

/// Why a file of labelled windows cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LabelError {
    /// It cannot be read.
    #[error("{file}: {cause}", file = file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the file system answered.
        cause: std::io::Error,
    },
    /// It has another form.
    #[error(
        "{file}: {problem}; expected a JSON object from the end of a recording's path to a list of \
         [\"start\", \"end\"], such as {{\"line-2/pump.csv\": [[\"2026-11-21 08:00:00\", \
         \"2026-11-21 08:05:00\"]]}}", file = file.display()
    )]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What is wrong, and where.
        problem: String,
    },
}

impl LabelWindows {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// Names the file and the entry that cannot be used.
    pub fn load(path: &Path) -> Result<Self, LabelError> {
        let text = std::fs::read_to_string(path)
            .map_err(|cause| LabelError::Unreadable { file: path.into(), cause })?;
        Self::parse(&text).map_err(|problem| LabelError::Malformed { file: path.into(), problem })
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// In words, which entry cannot be used and why.
    pub fn parse(text: &str) -> Result<Self, String> {
        let map: BTreeMap<PathBuf, Vec<(String, String)>> =
            serde_json::from_str(text).map_err(|e| e.to_string())?;
        let mut by_path = BTreeMap::new();
        for (path, windows) in map {
            let mut events = Vec::with_capacity(windows.len());
            for (start, end) in windows {
                let at = |problem: String| format!("`{}`: {problem}", path.display());
                let (onset, last) = (moment(&start).map_err(at)?, moment(&end).map_err(at)?);
                if last < onset {
                    return Err(at(format!("the window ends at `{end}`, before its start `{start}`")));
                }
                events.push(Event { onset, end: last.plus(RESOLUTION) });
            }
            by_path.insert(path, merged(events));
        }
        Ok(LabelWindows { by_path })
    }

    /// The events of a recording: those of the longest entry that its path ends with.
    #[must_use]
    pub fn of(&self, recording: &Path) -> Option<&[Event]> {
        let matching = self.by_path.iter().filter(|(end, _)| recording.ends_with(end));
        matching.max_by_key(|(end, _)| end.components().count()).map(|(_, events)| events.as_slice())
    }
}

/// Events in the order of time; those that overlap or touch are one.
fn merged(mut events: Vec<Event>) -> Vec<Event> {
    events.sort_by_key(|event| event.onset);
    let mut merged: Vec<Event> = Vec::with_capacity(events.len());
    for event in events {
        match merged.last_mut() {
            Some(last) if event.onset <= last.end => last.end = last.end.max(event.end),
            _ => merged.push(event),
        }
    }
    merged
}

/// Reads `2026-11-21T08:00:00Z` or, taken as UTC, `2026-11-21 08:00:00.000000`.
fn moment(text: &str) -> Result<Timestamp, String> {
    let parsed = text.parse::<jiff::Timestamp>().or_else(|_| {
        let civil = text.parse::<jiff::civil::DateTime>()?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp())
    });
    parsed
        .map(|time| Timestamp::from_micros(time.as_microsecond()))
        .map_err(|_| format!("`{text}` is no time such as `2026-11-21 08:00:00`"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1_000)
    }

    fn column(labels: &[f64]) -> Vec<(Timestamp, f64)> {
        (0..).zip(labels).map(|(second, &label)| (at(second), label)).collect()
    }

    #[test]
    fn every_run_of_labelled_rows_is_one_event() {
        let found = events(&column(&[0.0, 1.0, 1.0, 0.0, f64::NAN, 2.0]));
        let last = at(5).plus(RESOLUTION);
        assert_eq!(found, [Event { onset: at(1), end: at(3) }, Event { onset: at(5), end: last }]);
        assert!(found[0].holds(at(1)) && found[0].holds(at(2)) && !found[0].holds(at(3)));
    }

    #[test]
    fn rows_out_of_order_give_the_same_events() {
        let mut rows = column(&[0.0, 1.0, 1.0, 0.0]);
        let in_order = events(&rows);
        rows.swap(1, 2);
        rows.swap(0, 3);
        assert_eq!(events(&rows), in_order);
    }

    #[test]
    fn windows_are_found_by_the_end_of_the_path_and_the_longest_wins() {
        let windows = LabelWindows::parse(
            r#"{"a.csv": [],
                "real/a.csv": [["2026-11-21 08:00:10.000000", "2026-11-21 08:00:20"],
                               ["2026-11-21T08:00:00Z", "2026-11-21T08:00:12Z"]]}"#,
        )
        .unwrap();
        assert_eq!(windows.of(Path::new("data/other/a.csv")), Some(&[][..]));
        assert_eq!(windows.of(Path::new("data/ba.csv")), None, "whole names only");
        let events = windows.of(Path::new("data/real/a.csv")).unwrap();
        assert_eq!(events.len(), 1, "overlapping windows are one event");
        assert_eq!(events[0].onset.to_rfc3339(), "2026-11-21T08:00:00.000Z");
        assert_eq!(events[0].end.since(events[0].onset), Duration::from_secs(20) + RESOLUTION);
    }

    #[test]
    fn windows_that_cannot_be_used_are_refused_with_their_entry() {
        let message = LabelWindows::parse(r#"{"a.csv": [["noon", "later"]]}"#).unwrap_err();
        assert_eq!(message, "`a.csv`: `noon` is no time such as `2026-11-21 08:00:00`");
        let message =
            LabelWindows::parse(r#"{"a.csv": [["2026-11-21 08:00", "2026-11-21 07:00"]]}"#).unwrap_err();
        assert!(message.contains("before its start"), "{message}");
        assert!(LabelWindows::parse("[]").is_err());
        let missing = LabelWindows::load(Path::new("no-such.json")).unwrap_err();
        assert!(missing.to_string().starts_with("no-such.json: "));
    }

    proptest! {
        #[test]
        fn exactly_the_labelled_rows_lie_in_events(labels in prop::collection::vec(0..2u8, 0..60)) {
            let labels: Vec<f64> = labels.into_iter().map(f64::from).collect();
            let rows = column(&labels);
            let events = events(&rows);
            for (time, label) in rows {
                prop_assert_eq!(events.iter().any(|event| event.holds(time)), label > 0.0);
            }
            prop_assert!(events.windows(2).all(|pair| pair[0].end < pair[1].onset));
        }

        #[test]
        fn no_file_of_windows_makes_it_panic(text in "[\\[\\]{}\":, 0-9a-zT.-]{0,80}") {
            let _ = LabelWindows::parse(&text);
        }
    }
}
