//! Detectors that look at no sensor. A figure means something only beside theirs.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::protocol::{Mark, Trial};

/// A detector that looks at no sensor. It is silent while the real one learns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trivial {
    /// The alarm always stands.
    Always,
    /// It never does.
    Never,
    /// Raises an alarm of one window's length in each window with this probability.
    Random {
        /// Alarms per window.
        rate: f64,
        /// Seed of its draws.
        seed: u64,
    },
    /// Raises an alarm of one window's length every so often.
    Every(Duration),
    /// Raises one alarm, this long after the start: the rule that knows when events usually come.
    Clock(Duration),
}

impl Trivial {
    /// The same trial with this detector's answers.
    #[must_use]
    pub fn answer(self, trial: &Trial) -> Trial {
        let mut answered = trial.clone();
        let Some(first) = trial.marks.iter().find(|mark| mark.watching).map(|mark| mark.seen) else {
            return answered;
        };
        // Two recordings, or two starts of one, must not share their draws.
        let stream = ((trial.recording as u64) << u32::BITS) | trial.start as u64;
        let mut random = match self {
            Trivial::Random { seed, .. } => Pcg64Mcg::seed_from_u64(seed ^ stream.rotate_left(17)),
            _ => Pcg64Mcg::seed_from_u64(stream),
        };
        let mut next = match self {
            Trivial::Clock(after) => trial.began.plus(after),
            _ => first,
        };
        for mark in &mut answered.marks {
            let due = |mark: &Mark| mark.watching && mark.seen >= next;
            mark.alarm = match self {
                Trivial::Always => mark.watching,
                Trivial::Never => false,
                Trivial::Random { rate, .. } => mark.watching && random.random_bool(rate.clamp(0.0, 1.0)),
                Trivial::Every(period) => {
                    let now = due(mark);
                    if now {
                        next = mark.seen.plus(period);
                    }
                    now
                }
                Trivial::Clock(_) => {
                    let now = due(mark);
                    if now {
                        next = crate::time::Timestamp::from_micros(i64::MAX);
                    }
                    now
                }
            };
        }
        answered
    }
}

/// How long after its start a trial's first event usually begins: the median; `None` without events.
#[must_use]
pub fn typical_onset(trials: &[Trial]) -> Option<Duration> {
    let mut onsets: Vec<Duration> =
        trials.iter().filter_map(|trial| Some(trial.events.first()?.onset.since(trial.began))).collect();
    onsets.sort();
    onsets.get(onsets.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::protocol::{score, tests::trial};
    use super::*;

    fn drawn(trial: &Trial) -> String {
        trial.marks.iter().map(|m| if m.alarm { 'A' } else { '.' }).collect()
    }

    #[test]
    fn each_answers_as_its_name_says_and_is_silent_while_learning() {
        let base = trial("~~.A.....", "....xxxxx");
        assert_eq!(drawn(&Trivial::Always.answer(&base)), "..AAAAAAA");
        assert_eq!(drawn(&Trivial::Never.answer(&base)), ".........");
        assert_eq!(drawn(&Trivial::Every(Duration::from_secs(3)).answer(&base)), "..A..A..A");
        assert_eq!(drawn(&Trivial::Clock(Duration::from_secs(4)).answer(&base)), "....A....");
        assert_eq!(drawn(&Trivial::Clock(Duration::from_secs(1)).answer(&base)), "..A......");
        assert_eq!(drawn(&Trivial::Random { rate: 1.0, seed: 1 }.answer(&base)), "..AAAAAAA");
    }

    #[test]
    fn random_raises_at_its_rate_and_differs_by_recording_and_start() {
        let windows = 20_000;
        let mut base = trial(&".".repeat(windows), &".".repeat(windows));
        let random = Trivial::Random { rate: 0.01, seed: 7 };
        let count = random.answer(&base).marks.iter().filter(|m| m.alarm).count();
        // Binomial: 200 expected, standard deviation 14; five of them on either side.
        assert!((130..=270).contains(&count), "{count}");
        let first = drawn(&random.answer(&base));
        base.start = 1;
        assert_ne!(drawn(&random.answer(&base)), first);
    }

    #[test]
    fn the_typical_onset_is_the_median_since_the_start() {
        let trials: Vec<Trial> =
            [4, 8, 6].map(|lead| trial(&".".repeat(lead + 2), &format!("{}xx", ".".repeat(lead)))).into();
        assert_eq!(typical_onset(&trials), Some(Duration::from_secs(6)));
        assert_eq!(typical_onset(&[trial("...", "...")]), None);
    }

    proptest! {
        #[test]
        fn never_finds_nothing_and_disturbs_nobody(labels in "[.x]{24}") {
            let outcome = score(&Trivial::Never.answer(&trial(&".".repeat(24), &labels)));
            prop_assert!(outcome.delays.iter().all(Option::is_none));
            prop_assert_eq!(outcome.alarms, 0);
        }

        #[test]
        fn always_finds_nothing_that_begins_after_it_stands(labels in "\\.[.x]{24}") {
            let outcome = score(&Trivial::Always.answer(&trial(&".".repeat(25), &labels)));
            prop_assert!(outcome.delays.iter().all(Option::is_none));
            prop_assert_eq!(outcome.false_alarms, 1);
        }

        #[test]
        fn every_two_windows_finds_every_event_that_lasts_two(lead in 1..20usize, length in 2..20usize) {
            let labels = format!("{}{}", ".".repeat(lead), "x".repeat(length));
            let every = Trivial::Every(Duration::from_secs(2));
            let outcome = score(&every.answer(&trial(&".".repeat(lead + length), &labels)));
            // Unless its own alarm stands at the onset, which is a miss by the protocol.
            let stands = lead % 2 == 1;
            prop_assert_eq!(outcome.delays[0].is_some(), !stands);
        }
    }
}
