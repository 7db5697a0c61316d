//! The protocol: what counts as found, how late, and what is a false alarm.
//!
//! - An event is found only if a **new** alarm is raised inside `[onset, end)`.
//! - An alarm that already stands at the onset makes the event a miss, whatever follows; it was
//!   raised in normal time and is counted there as a false alarm.
//! - Every new alarm outside the events is one false alarm, however long it stands.
//! - Normal time is the time outside the events in which the detector watched: while it learns it
//!   can raise nothing, so that time would only flatter the rate.

use std::time::Duration;

use super::labels::Event;
use crate::time::Timestamp;

/// One window of a trial, as the detector answered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The last moment that the window holds: what the answer can know of.
    pub seen: Timestamp,
    /// The newest input when the answer came out: when an operator could have read it. Later than
    /// `seen` by what alignment waits for samples out of order.
    pub known: Timestamp,
    /// Whether the detector watched; `false` while it learns.
    pub watching: bool,
    /// Whether an alarm stood.
    pub alarm: bool,
}

/// One recording, run through a cold detector from one start row.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Position of the recording among those scored.
    pub recording: usize,
    /// Position of the start among those tried.
    pub start: usize,
    /// Time of the first row that went in.
    pub began: Timestamp,
    /// Distance between two windows.
    pub tick: Duration,
    /// The events whose onset lies behind the start, in the order of time.
    pub events: Vec<Event>,
    /// The answers, in the order of time.
    pub marks: Vec<Mark>,
}

/// What a trial came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Position of the recording among those scored.
    pub recording: usize,
    /// Position of the start among those tried.
    pub start: usize,
    /// For each event the time from its onset to the answer that raised the alarm; `None` is a miss.
    pub delays: Vec<Option<Duration>>,
    /// New alarms outside the events.
    pub false_alarms: u32,
    /// New alarms in all.
    pub alarms: u32,
    /// Windows outside the events in which the detector watched.
    pub normal_windows: u32,
    /// Windows in all in which the detector watched.
    pub watched_windows: u32,
    /// Distance between two windows.
    pub tick: Duration,
}

/// Scores a trial.
#[must_use]
pub fn score(trial: &Trial) -> Outcome {
    let mut outcome = Outcome {
        recording: trial.recording,
        start: trial.start,
        delays: vec![None; trial.events.len()],
        false_alarms: 0,
        alarms: 0,
        normal_windows: 0,
        watched_windows: 0,
        tick: trial.tick,
    };
    // Whether an alarm stood when the event that is going on began.
    let mut stood_at_onset = false;
    let mut current = None;
    let mut standing = false;
    for mark in trial.marks.iter() {
        let inside = trial.events.iter().position(|event| event.holds(mark.seen));
        if inside.is_some() && inside != current {
            stood_at_onset = standing;
        }
        current = inside;
        let raised = mark.alarm && !standing;
        standing = mark.alarm;
        outcome.alarms += u32::from(raised);
        outcome.watched_windows += u32::from(mark.watching);
        match inside {
            None => {
                outcome.normal_windows += u32::from(mark.watching);
                outcome.false_alarms += u32::from(raised);
            }
            Some(at) => {
                let event = trial.events[at];
                if raised && !stood_at_onset && mark.known < event.end && outcome.delays[at].is_none() {
                    outcome.delays[at] = Some(mark.known.since(event.onset));
                }
            }
        }
    }
    outcome
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1_000)
    }

    /// A trial drawn as text, one window a second: `~` learning, `.` quiet, `A` alarm, and below
    /// it the labels, `x` where labelled. Answers come out at once.
    pub(crate) fn trial(alarms: &str, labels: &str) -> Trial {
        assert_eq!(alarms.len(), labels.len());
        let rows: Vec<(Timestamp, f64)> =
            (0..).zip(labels.chars()).map(|(s, c)| (at(s), f64::from(u8::from(c == 'x')))).collect();
        let marks = (0..).zip(alarms.chars()).map(|(second, letter)| Mark {
            seen: at(second),
            known: at(second),
            watching: letter != '~',
            alarm: letter == 'A',
        });
        Trial {
            recording: 0,
            start: 0,
            began: at(0),
            tick: Duration::from_secs(1),
            events: super::super::labels::events(&rows),
            marks: marks.collect(),
        }
    }

    fn seconds(outcome: &Outcome) -> Vec<Option<u64>> {
        outcome.delays.iter().map(|delay| delay.map(|d| d.as_secs())).collect()
    }

    #[test]
    fn a_new_alarm_inside_the_event_finds_it_with_its_delay() {
        let outcome = score(&trial("~~....A..", "....xxxxx"));
        assert_eq!(seconds(&outcome), [Some(2)]);
        assert_eq!((outcome.false_alarms, outcome.alarms), (0, 1));
        assert_eq!((outcome.normal_windows, outcome.watched_windows), (2, 7), "learning is not normal time");
    }

    #[test]
    fn an_alarm_standing_at_the_onset_is_a_miss_and_a_false_alarm() {
        let outcome = score(&trial("...AAAAA.", "....xxxxx"));
        assert_eq!(seconds(&outcome), [None]);
        assert_eq!(outcome.false_alarms, 1);
    }

    #[test]
    fn an_alarm_standing_at_the_onset_stays_a_miss_when_raised_again_inside() {
        let outcome = score(&trial("...AA.AA.", "....xxxxx"));
        assert_eq!(seconds(&outcome), [None]);
        assert_eq!((outcome.false_alarms, outcome.alarms), (1, 2));
    }

    #[test]
    fn an_alarm_that_ended_before_the_onset_is_a_false_alarm_and_the_next_one_counts() {
        let outcome = score(&trial("..A.A....", "....xxxxx"));
        assert_eq!(seconds(&outcome), [Some(0)]);
        assert_eq!(outcome.false_alarms, 1);
    }

    #[test]
    fn an_alarm_at_the_end_comes_too_late() {
        let outcome = score(&trial("......A..", "..xxxx..."));
        assert_eq!(seconds(&outcome), [None]);
        assert_eq!(outcome.false_alarms, 1);
    }

    #[test]
    fn an_answer_that_comes_out_after_the_end_is_too_late() {
        let mut late = trial(".....A...", "..xxxx...");
        late.marks[5].known = at(6);
        let outcome = score(&late);
        assert_eq!(seconds(&outcome), [None]);
        assert_eq!(outcome.false_alarms, 0, "it saw the event: no false alarm either");
    }

    #[test]
    fn the_delay_includes_the_wait_for_the_answer() {
        let mut waited = trial("....A....", "..xxxx...");
        waited.marks[4].known = at(5);
        assert_eq!(seconds(&score(&waited)), [Some(3)]);
    }

    #[test]
    fn what_was_known_before_the_onset_does_not_find_the_event() {
        let mut early = trial(".A.......", "..xxxx...");
        early.marks[1].known = at(3);
        let outcome = score(&early);
        assert_eq!(seconds(&outcome), [None]);
        assert_eq!(outcome.false_alarms, 1);
    }

    #[test]
    fn an_alarm_carried_from_one_event_into_the_next_misses_the_second() {
        let outcome = score(&trial("..A.AAAAAA.", ".xxxxx.xxxx"));
        assert_eq!(seconds(&outcome), [Some(1), None]);
        assert_eq!((outcome.false_alarms, outcome.alarms), (0, 2));
    }

    #[test]
    fn a_recording_without_events_has_only_false_alarms() {
        let outcome = score(&trial("~~.A.AAA.", "........."));
        assert_eq!(outcome.delays, []);
        assert_eq!((outcome.false_alarms, outcome.normal_windows), (2, 7));
    }

    proptest! {
        #[test]
        fn counts_add_up(alarms in "~{0,4}[.A]{20}", labels in "[.x]{24}") {
            let trial = trial(&format!("{alarms:.<24}"), &labels);
            let outcome = score(&trial);
            let found = outcome.delays.iter().flatten().count() as u32;
            prop_assert_eq!(outcome.delays.len(), trial.events.len());
            prop_assert!(outcome.false_alarms + found <= outcome.alarms);
            prop_assert!(outcome.normal_windows <= outcome.watched_windows);
            prop_assert!(outcome.false_alarms <= outcome.normal_windows);
            for (event, delay) in trial.events.iter().zip(&outcome.delays) {
                prop_assert!(delay.is_none_or(|delay| event.onset.plus(delay) < event.end));
            }
        }

        #[test]
        fn later_answers_never_score_better(
            alarms in "[.A]{24}", labels in "[.x]{24}", wait in 0..5u64,
        ) {
            let prompt = trial(&alarms, &labels);
            let mut waiting = prompt.clone();
            waiting.marks.iter_mut().for_each(|m| m.known = m.known.plus(Duration::from_secs(wait)));
            for (prompt, waiting) in score(&prompt).delays.iter().zip(score(&waiting).delays) {
                prop_assert!(waiting.is_none_or(|late| prompt.is_some_and(|soon| soon <= late)));
            }
        }
    }
}
