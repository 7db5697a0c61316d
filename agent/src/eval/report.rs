//! What the trials of all recordings come to: figures for machines, a table for people.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::protocol::{Outcome, Trial, score};
use super::trivial::{Trivial, typical_onset};

/// How often the random detector is run: its figures are then known to a few hundredths.
const RANDOM_REPEATS: u64 = 20;
/// From this distance of two windows on, people read false alarms per day rather than per hour.
const SLOW_TICK: Duration = Duration::from_secs(60);

/// The scored recordings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// How it was scored.
    pub protocol: Protocol,
    /// The agent's figures over all starts.
    pub detector: Figures,
    /// The agent's figures start by start.
    pub by_start: Vec<Figures>,
    /// The figures of detectors that look at no sensor.
    pub trivial: Vec<Named>,
    /// The agent's figures recording by recording, over all starts.
    pub recordings: Vec<Named>,
}

/// How recordings were scored.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Protocol {
    /// Recordings scored.
    pub recordings: usize,
    /// Recordings among them without events.
    pub normal_recordings: usize,
    /// Start rows tried in each recording.
    pub starts: usize,
    /// Seed of the start rows.
    pub seed: u64,
    /// Delay, in seconds, up to which an event was found soon.
    pub within_s: f64,
    /// Distance between two windows, in seconds.
    pub tick_s: f64,
}

/// Figures under a name.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Named {
    /// The recording, or the detector.
    pub name: String,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// What some trials come to. Every trial of a recording has the same events, so that figures over
/// all starts are the means over the starts.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Events that could be found.
    pub events: u32,
    /// Events found.
    pub found: u32,
    /// Events found within the protocol's delay.
    pub found_within: u32,
    /// Median delay in seconds, a miss being infinitely late; `None` when half of them are misses.
    pub median_delay_s: Option<f64>,
    /// Recordings with events: false alarms outside these.
    pub before_onset: Rate,
    /// Recordings without events.
    pub normal: Rate,
}

/// False alarms and the time they were raised in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Rate {
    /// New alarms.
    pub alarms: u32,
    /// Hours in which the detector watched.
    pub hours: f64,
}

impl Rate {
    /// False alarms per hour; `None` without any time.
    #[must_use]
    pub fn per_hour(self) -> Option<f64> {
        (self.hours > 0.0).then(|| f64::from(self.alarms) / self.hours)
    }

    fn add(&mut self, outcome: &Outcome) {
        self.alarms += outcome.false_alarms;
        self.hours += f64::from(outcome.normal_windows) * outcome.tick.as_secs_f64() / 3_600.0;
    }
}

impl Figures {
    /// The figures of some outcomes.
    pub fn of<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>, within: Duration) -> Self {
        let mut figures = Figures::default();
        let mut delays = Vec::new();
        for outcome in outcomes {
            let rate =
                if outcome.delays.is_empty() { &mut figures.normal } else { &mut figures.before_onset };
            rate.add(outcome);
            for delay in &outcome.delays {
                figures.events += 1;
                figures.found += u32::from(delay.is_some());
                figures.found_within += u32::from(delay.is_some_and(|delay| delay <= within));
                delays.push(delay.map_or(f64::INFINITY, |delay| delay.as_secs_f64()));
            }
        }
        figures.median_delay_s = median(delays).filter(|median| median.is_finite());
        figures
    }

    /// Share of the events that were found; `None` without events.
    #[must_use]
    pub fn found_share(&self) -> Option<f64> {
        share(self.found, self.events)
    }

    /// Share of the events that were found within the protocol's delay; `None` without events.
    #[must_use]
    pub fn within_share(&self) -> Option<f64> {
        share(self.found_within, self.events)
    }
}

fn share(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(part) / f64::from(whole))
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some((lower + upper) / 2.0)
}

impl Report {
    /// Scores the trials of recordings with these names.
    #[must_use]
    pub fn of(trials: &[Trial], names: &[String], within: Duration, seed: u64) -> Self {
        let outcomes: Vec<Outcome> = trials.iter().map(score).collect();
        let starts = trials.iter().map(|trial| trial.start + 1).max().unwrap_or(0);
        let figures = |keep: &dyn Fn(&Outcome) -> bool| {
            Figures::of(outcomes.iter().filter(|outcome| keep(outcome)), within)
        };
        let has_events = |at: usize| trials.iter().any(|t| t.recording == at && !t.events.is_empty());
        let tick = trials.first().map_or(Duration::ZERO, |trial| trial.tick);
        Report {
            protocol: Protocol {
                recordings: names.len(),
                normal_recordings: (0..names.len()).filter(|&at| !has_events(at)).count(),
                starts,
                seed,
                within_s: within.as_secs_f64(),
                tick_s: tick.as_secs_f64(),
            },
            detector: figures(&|_| true),
            by_start: (0..starts).map(|start| figures(&|outcome| outcome.start == start)).collect(),
            trivial: trivial(trials, &outcomes, within, seed),
            recordings: names
                .iter()
                .enumerate()
                .map(|(at, name)| Named { name: name.clone(), figures: figures(&|o| o.recording == at) })
                .collect(),
        }
    }
}

fn trivial(trials: &[Trial], outcomes: &[Outcome], within: Duration, seed: u64) -> Vec<Named> {
    let run = |name: String, detectors: &[Trivial]| {
        let answered: Vec<Outcome> = detectors
            .iter()
            .flat_map(|detector| trials.iter().map(|trial| score(&detector.answer(trial))))
            .collect();
        Named { name, figures: Figures::of(&answered, within) }
    };
    let alarms: f64 = outcomes.iter().map(|outcome| f64::from(outcome.alarms)).sum();
    let windows: f64 = outcomes.iter().map(|outcome| f64::from(outcome.watched_windows)).sum();
    let rate = if windows > 0.0 { alarms / windows } else { 0.0 };
    let random: Vec<Trivial> = (0..RANDOM_REPEATS)
        .map(|repeat| Trivial::Random { rate, seed: seed.wrapping_mul(RANDOM_REPEATS).wrapping_add(repeat) })
        .collect();
    let mut named = vec![
        run("always".into(), &[Trivial::Always]),
        run("never".into(), &[Trivial::Never]),
        run("random, same rate".into(), &random),
        run(format!("every {}", seconds(within.as_secs_f64())), &[Trivial::Every(within)]),
    ];
    if let Some(onset) = typical_onset(trials) {
        let name = format!("clock, at {}", seconds(onset.as_secs_f64()));
        named.push(run(name, &[Trivial::Clock(onset)]));
    }
    named
}

fn seconds(seconds: f64) -> String {
    match seconds {
        long if long >= 7_200.0 => format!("{:.1} h", long / 3_600.0),
        long if long >= 600.0 => format!("{:.0} min", long / 60.0),
        short => format!("{short:.0} s"),
    }
}

/// Width of the table's first column.
const NAME_WIDTH: usize = 34;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Protocol { recordings, normal_recordings, starts, .. } = self.protocol;
        let within = seconds(self.protocol.within_s);
        let (unit, factor) =
            if self.protocol.tick_s >= SLOW_TICK.as_secs_f64() { ("day", 24.0) } else { ("h", 1.0) };
        let line = |f: &mut fmt::Formatter<'_>, name: &str, figures: &Figures| {
            let share = |value: Option<f64>| value.map_or("-".into(), |v| format!("{v:.2}"));
            let rate = |rate: Rate| rate.per_hour().map_or("-".into(), |v| format!("{:.2}", v * factor));
            writeln!(
                f,
                "{:NAME_WIDTH$} {:>7} {:>9} {:>9} {:>15} {:>15}",
                fitted(name),
                share(figures.found_share()),
                share(figures.within_share()),
                figures.median_delay_s.map_or("-".into(), seconds),
                rate(figures.before_onset),
                rate(figures.normal),
            )
        };
        writeln!(
            f,
            "{recordings} recordings ({normal_recordings} without events), {starts} starts each, every start cold\n"
        )?;
        writeln!(
            f,
            "{:NAME_WIDTH$} {:>7} {:>9} {:>9} {:>15} {:>15}",
            "recording",
            "events",
            within_header(&within),
            "median",
            format!("false/{unit} before"),
            format!("false/{unit} normal")
        )?;
        for recording in &self.recordings {
            line(f, &recording.name, &recording.figures)?;
        }
        writeln!(f)?;
        line(f, "lineside", &self.detector)?;
        for detector in &self.trivial {
            line(f, &detector.name, &detector.figures)?;
        }
        let Figures { events, found, found_within, before_onset, normal, .. } = &self.detector;
        writeln!(f, "\n{found} of {events} events found, {found_within} within {within}")?;
        for (rate, place) in [(before_onset, "before onsets"), (normal, "on recordings without events")] {
            writeln!(f, "{} false alarms in {:.1} h watched {place}", rate.alarms, rate.hours)?;
        }
        if let Some((low, high)) = spread(self.by_start.iter().filter_map(Figures::found_share)) {
            writeln!(f, "share of events found, start by start: {low:.2} to {high:.2}")?;
        }
        Ok(())
    }
}

fn within_header(within: &str) -> String {
    format!("<= {within}")
}

/// The end of a long name says more than its beginning.
fn fitted(name: &str) -> String {
    let length = name.chars().count();
    if length <= NAME_WIDTH {
        return name.to_owned();
    }
    let kept: String = name.chars().skip(length - NAME_WIDTH + 1).collect();
    format!("…{kept}")
}

fn spread(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |range, value| match range {
        None => Some((value, value)),
        Some((low, high)) => Some((value.min(low), value.max(high))),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::protocol::tests::trial;
    use super::*;

    const WITHIN: Duration = Duration::from_secs(2);

    fn report() -> Report {
        let drawn = [
            ("~~.A..A....", ".....xxxxxx"), // found after 1 s, one false alarm
            ("~~.......A.", ".....xxxxxx"), // found after 4 s: not within 2
            ("~~.........", ".....xxxxxx"), // missed
            ("~~...A.....", "..........."), // normal, one false alarm
        ];
        let trials: Vec<Trial> = (0..)
            .zip(drawn)
            .flat_map(|(recording, (alarms, labels))| {
                (0..2).map(move |start| Trial { recording, start, ..trial(alarms, labels) })
            })
            .collect();
        let names: Vec<String> = ["a.csv", "b.csv", "c.csv", "normal.csv"].map(String::from).into();
        Report::of(&trials, &names, WITHIN, 1)
    }

    #[test]
    fn figures_count_what_the_protocol_says() {
        let report = report();
        let figures = &report.detector;
        assert_eq!((figures.events, figures.found, figures.found_within), (6, 4, 2));
        assert_eq!(figures.median_delay_s, Some(4.0), "1, 1, 4, 4, never, never");
        assert_eq!((figures.before_onset.alarms, figures.normal.alarms), (2, 2));
        // Three recordings of three watched normal seconds, one of nine, at two starts.
        assert!((figures.before_onset.hours - 18.0 / 3_600.0).abs() < 1e-9);
        assert!((figures.normal.hours - 18.0 / 3_600.0).abs() < 1e-9);
        assert_eq!((report.protocol.recordings, report.protocol.normal_recordings), (4, 1));
        assert_eq!(report.by_start.len(), 2);
    }

    #[test]
    fn misses_are_infinitely_late_in_the_median() {
        let outcome = |delay| Outcome { delays: vec![delay], ..score(&trial("..", ".x")) };
        let soon = outcome(Some(Duration::from_secs(3)));
        let miss = outcome(None);
        assert_eq!(Figures::of([&soon, &soon, &miss], WITHIN).median_delay_s, Some(3.0));
        assert_eq!(Figures::of([&soon, &miss], WITHIN).median_delay_s, None);
        assert_eq!(Figures::of([], WITHIN).median_delay_s, None);
    }

    #[test]
    fn trivial_detectors_stand_beside() {
        let report = report();
        let figures = |name: &str| {
            &report.trivial.iter().find(|named| named.name.starts_with(name)).expect(name).figures
        };
        assert_eq!((figures("always").found, figures("never").found), (0, 0));
        assert_eq!(figures("never").before_onset.alarms + figures("never").normal.alarms, 0);
        assert_eq!(figures("always").normal.alarms, 2, "one for each start");
        assert_eq!(figures("clock").found, 6, "every event begins at the typical onset");
        assert_eq!(figures("random").events, 6 * RANDOM_REPEATS as u32);
        assert_eq!(figures("every").events, 6);
    }

    #[test]
    fn the_table_shows_recordings_the_agent_and_the_trivial_detectors() {
        let text = report().to_string();
        for part in ["a.csv", "normal.csv", "lineside", "always", "never", "random, same rate", "every 2 s"] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
        assert!(text.contains("4 of 6 events found, 2 within 2 s"), "{text}");
        assert!(text.contains("2 false alarms in 0.0 h watched before onsets"), "{text}");
        let ours = text.lines().find(|line| line.starts_with("lineside")).unwrap();
        let cells: Vec<&str> = ours.split_whitespace().collect();
        assert_eq!(cells, ["lineside", "0.67", "0.33", "4", "s", "400.00", "400.00"]);
    }

    #[test]
    fn the_json_has_counts_and_hours() {
        let json = serde_json::to_value(report()).unwrap();
        assert_eq!(json["detector"]["found"], 4);
        assert_eq!(json["recordings"][3]["name"], "normal.csv");
        assert_eq!(json["recordings"][3]["normal"]["alarms"], 2);
        assert_eq!(json["trivial"][0]["name"], "always");
    }

    proptest! {
        #[test]
        fn figures_of_parts_add_up_to_those_of_the_whole(
            drawn in prop::collection::vec(("[.A]{16}", "[.x]{16}"), 1..8),
        ) {
            let trials: Vec<Trial> = (0..)
                .zip(&drawn)
                .map(|(recording, (alarms, labels))| Trial { recording, ..trial(alarms, labels) })
                .collect();
            let names: Vec<String> = (0..drawn.len()).map(|at| at.to_string()).collect();
            let report = Report::of(&trials, &names, WITHIN, 1);
            let whole = &report.detector;
            let sum = |of: fn(&Figures) -> u32| report.recordings.iter().map(|n| of(&n.figures)).sum::<u32>();
            prop_assert_eq!(sum(|f| f.events), whole.events);
            prop_assert_eq!(sum(|f| f.found), whole.found);
            prop_assert_eq!(sum(|f| f.before_onset.alarms), whole.before_onset.alarms);
            prop_assert_eq!(sum(|f| f.normal.alarms), whole.normal.alarms);
            prop_assert!(whole.found_within <= whole.found && whole.found <= whole.events);
        }
    }
}
