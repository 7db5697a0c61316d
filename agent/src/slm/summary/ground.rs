//! What words of any model are compared with: every figure, unit and name of the evidence.

use crate::incident::Change;
use crate::incident::sentence::number;
use crate::slm::case::Case;
use crate::slm::mask::slots::facts::{Facts, Topic, by_machine, spoken, time_of_day};
use crate::slm::mask::slots::kinds::Kinds;
use crate::slm::runtime::request::Shift;
use crate::time::Timestamp;

/// Figures and names of the evidence.
#[derive(Clone, Debug, Default)]
pub struct Ground {
    /// Every channel.
    pub(super) channels: Vec<Channel>,
    /// Every figure that may be said.
    pub(super) figures: Vec<Figure>,
    /// Times of day and dates as they are written.
    pub(super) moments: Vec<String>,
    /// Names and classes that are words, whatever is in them.
    pub(super) words: Vec<String>,
    /// Whether all of it is over.
    pub(super) closed: bool,
}

/// A channel of an incident.
#[derive(Clone, Debug)]
pub(super) struct Channel {
    /// What it may be called.
    pub(super) names: Vec<String>,
    pub(super) deviates: bool,
    /// What may be claimed of it.
    pub(super) fits: Kinds,
}

/// A number with its unit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figure {
    /// As it is shown.
    pub(super) value: f64,
    pub(super) unit: String,
    /// The channel that it belongs to.
    pub(super) channel: Option<usize>,
}

impl Ground {
    /// The evidence of one incident.
    #[must_use]
    pub fn of_incident(case: &Case) -> Self {
        let mut ground = Ground { closed: case.incident.change == Change::Closed, ..Ground::default() };
        ground.incident(case, case.incident.updated);
        ground
    }

    /// The evidence of the incidents of a shift.
    #[must_use]
    pub fn of_shift(shift: &Shift) -> Self {
        let closed = shift.cases.iter().all(|case| case.incident.change == Change::Closed);
        let mut ground = Ground { closed, ..Ground::default() };
        for case in &shift.cases {
            ground.incident(case, shift.to);
        }
        let machines = by_machine(&shift.cases);
        let open = shift.cases.iter().filter(|case| case.incident.change != Change::Closed).count();
        ground.count(shift.cases.len(), "incident");
        ground.count(open, "incident");
        ground.count(machines.len(), "machine");
        for machine in &machines {
            ground.count(machine.incidents.len(), "incident");
        }
        ground.moment(shift.from, shift.to);
        ground.moment(shift.to, shift.to);
        ground
    }

    fn incident(&mut self, case: &Case, now: Timestamp) {
        let evidence = &case.incident.evidence;
        self.words.push(case.subject.who());
        self.words.push(case.subject.device.clone());
        self.words.extend(case.subject.kind.clone());
        if let Some(assessment) = &case.assessment {
            let (label, likely) = (assessment.label.as_deref(), assessment.likely());
            let given = [label, likely.as_deref(), assessment.besides(), assessment.check.as_deref()];
            self.words.extend(given.into_iter().flatten().filter_map(spoken));
            self.words.extend(label.map(ToOwned::to_owned));
        }
        self.figure(&number::duration(evidence.duration_s.max(0.0)), None);
        self.moment(evidence.onset, now);
        self.moment(case.incident.opened, now);
        for (index, channel) in evidence.channels.iter().enumerate() {
            let topic = Topic::of(case, index);
            let at = self.channels.len();
            let moved = channel.deviation.filter(|moved| moved.is_finite());
            let moved = moved.map(|moved| number::value(moved.abs(), &channel.unit));
            let figures = [&topic.now, &topic.base, &moved, &topic.since];
            for text in figures.into_iter().flatten().filter(|_| channel.deviates) {
                self.figure(text, Some(at));
            }
            if let Some(onset) = channel.onset.filter(|_| channel.deviates) {
                self.moment(onset, now);
            }
            let mut names = vec![topic.label.clone(), channel.name.clone()];
            names.dedup();
            self.channels.push(Channel { names, deviates: channel.deviates, fits: topic.fits });
        }
        self.count(Facts::of_incident(case).deviating, "channel");
    }

    fn count(&mut self, count: usize, unit: &str) {
        self.figures.push(Figure { value: count as f64, unit: unit.to_owned(), channel: None });
    }

    fn figure(&mut self, text: &str, channel: Option<usize>) {
        let (value, unit) = text.split_once(' ').unwrap_or((text, ""));
        if let Ok(value) = value.parse() {
            self.figures.push(Figure { value, unit: unit.to_owned(), channel });
        }
    }

    /// A time with its date and without.
    fn moment(&mut self, time: Timestamp, now: Timestamp) {
        let written = time_of_day(time, now);
        let parts = written.split(' ').filter(|part| *part != "UTC").map(ToOwned::to_owned);
        self.moments.extend(parts);
    }
}
