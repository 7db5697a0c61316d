//! What is true of an incident or a shift, and how it is written: what slots are filled with.

mod shift;

use std::collections::{BTreeMap, BTreeSet};

pub use shift::{OfMachine, by_machine};

use super::kinds::Kinds;
use super::slot::{About, Slot, TOPICS, Value};
use crate::incident::onset::BAND_SD;
use crate::incident::sentence::{LEVEL_SD, number, weight};
use crate::incident::{Change, ChannelEvidence, Evidence, Shape};
use crate::slm::case::{Assessment, Case};
use crate::time::Timestamp;

/// What is true and how it is written.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What the text is about.
    pub about: About,
    /// What can be named, by the number of its slots.
    pub topics: Vec<Topic>,
    /// Machines, by the number of their slots.
    pub machines: Vec<Machine>,
    /// Topics that deviate, with and without slots.
    pub deviating: usize,
    /// Whether it is over.
    pub closed: bool,
    /// How long the incident has lasted.
    pub lasts: Option<String>,
    /// The time of day at which it began.
    pub starts: Option<String>,
    /// What caused it.
    pub cause: Option<String>,
    /// What else is wrong.
    pub second: Option<String>,
    /// What to check.
    pub check: Option<String>,
    /// Words that end a channel's name, in lower case, each with the words that stand before it in
    /// one (`None`: it is the whole name). It is not spoken behind those, so that no sequence of
    /// words and slots can name a channel.
    pub last_words: LastWords,
}

/// A channel, or an incident by its leading channel.
#[derive(Clone, Debug)]
pub struct Topic {
    /// What it is called.
    pub label: String,
    /// Whether it may be named.
    pub deviates: bool,
    /// What may be claimed about it.
    pub fits: Kinds,
    /// Its place in the order of onset.
    pub order: Option<u32>,
    /// The machine it belongs to.
    pub machine: u8,
    /// Its figures.
    pub now: Option<String>,
    /// Its level before.
    pub base: Option<String>,
    /// The size of its deviation.
    pub delta: Option<String>,
    /// How long ago it began.
    pub since: Option<String>,
    /// When it began.
    pub at: Option<String>,
    /// Its place in the evidence's channels, or in the shift's incidents.
    pub index: usize,
    /// The place of its channel in its evidence.
    pub channel: usize,
}

/// A machine.
#[derive(Clone, Debug)]
pub struct Machine {
    /// What it is called.
    pub label: String,
    /// How many incidents it had.
    pub count: usize,
}

/// Words that end a name, with those before them.
pub(super) type LastWords = BTreeMap<String, BTreeSet<Option<String>>>;

/// Nobody is quoted who has said nothing.
const OF_NOTES: [&str; 5] = ["note", "notes", "noted", "operator", "operators"];

impl Facts {
    /// What is true of an incident.
    #[must_use]
    pub fn of_incident(case: &Case) -> Self {
        let evidence = &case.incident.evidence;
        let lasts = number::duration(evidence.duration_s.max(0.0));
        let starts = time_of_day(evidence.onset, case.incident.updated);
        let closed = case.incident.change == Change::Closed;
        let topics = slots(evidence)
            .into_iter()
            .map(|index| {
                let channel = &evidence.channels[index];
                let mut topic = Topic::of(case, index);
                if topic.since.as_ref() == Some(&lasts) {
                    topic.fits = topic.fits.with(Kinds::LASTS);
                }
                let at = channel.onset.map(|onset| time_of_day(onset, case.incident.updated));
                if at.as_ref() == Some(&starts) {
                    topic.fits = topic.fits.with(Kinds::STARTS);
                }
                topic
            })
            .collect();
        let assessment = case.assessment.as_ref();
        Facts {
            about: About::Incident,
            topics,
            machines: vec![Machine { label: case.subject.who(), count: 1 }],
            deviating: evidence.channels.iter().filter(|channel| channel.deviates).count(),
            closed,
            lasts: Some(lasts),
            starts: Some(starts),
            cause: assessment.and_then(Assessment::likely).as_deref().and_then(spoken),
            second: assessment.and_then(Assessment::besides).and_then(spoken),
            check: assessment.and_then(|assessment| assessment.check.as_deref()).and_then(spoken),
            last_words: last_words(
                evidence
                    .channels
                    .iter()
                    .map(|channel| channel.name.as_str())
                    .chain(case.subject.channels.iter().map(|names| names.label.as_str()))
                    .chain([case.subject.device.as_str()])
                    .chain(case.subject.kind.as_deref())
                    .chain(if case.notes.is_empty() { &OF_NOTES[..] } else { &[] }.iter().copied()),
            ),
        }
    }

    /// The text of a slot; `named` topics are named in the text. `None` when there is no such slot.
    #[must_use]
    pub fn text(&self, slot: Slot, named: usize) -> Option<String> {
        let topic = |topic: u8| self.topics.get(usize::from(topic)).filter(|topic| topic.deviates);
        match slot {
            Slot::Name(at) => topic(at).map(|topic| topic.label.clone()),
            Slot::Value(at, value) => topic(at)?.value(value).map(ToOwned::to_owned),
            Slot::Machine(at) => self.machines.get(usize::from(at)).map(|machine| machine.label.clone()),
            Slot::Count(at) if self.about == About::Shift => {
                self.machines.get(usize::from(at)).map(|machine| counted(machine.count, "incident"))
            }
            Slot::Count(_) => None,
            Slot::More => match self.deviating.saturating_sub(named) {
                0 => None,
                more => Some(counted(more, self.more_of_what())),
            },
            Slot::Lasts => self.lasts.clone(),
            Slot::Starts => self.starts.clone(),
            Slot::Cause => self.cause.clone(),
            Slot::Second => self.second.clone(),
            Slot::Check => self.check.clone(),
        }
    }

    /// Whether a slot can have a text at all.
    pub(super) fn may_exist(&self, slot: Slot) -> bool {
        self.text(slot, 0).is_some()
    }

    fn more_of_what(&self) -> &'static str {
        match self.about {
            About::Incident => "more channel",
            About::Shift => "more incident",
        }
    }
}

impl Topic {
    /// A channel of an incident, by its place in the evidence.
    pub(crate) fn of(case: &Case, index: usize) -> Self {
        let evidence = &case.incident.evidence;
        let channel = &evidence.channels[index];
        let label = case.subject.channels.get(index).map_or(&channel.name, |names| &names.label);
        let closed = case.incident.change == Change::Closed;
        let apart = case.assessment.as_ref().is_some_and(|found| found.leaves_over(&channel.name));
        let apart = if apart { Kinds::APART } else { Kinds::NONE };
        let open = if closed { Kinds::NONE } else { Kinds::OPEN };
        let now = channel.now.filter(|now| now.is_finite());
        let direction = direction(channel, closed);
        let size = channel.deviation.filter(|_| direction.is_some());
        let written = |value: f64| number::value(value, &channel.unit);
        Topic {
            label: label.clone(),
            deviates: channel.deviates,
            fits: fits(channel, direction, closed).with(apart).with(open),
            order: channel.order,
            machine: 0,
            now: now.map(written),
            base: now.and(Some(channel.baseline)).filter(|base| base.is_finite()).map(written),
            delta: size.map(|size| written(size.abs())),
            since: since(channel, evidence).map(number::duration),
            at: None,
            index,
            channel: index,
        }
    }

    /// A figure as it is written.
    #[must_use]
    pub fn value(&self, value: Value) -> Option<&str> {
        match value {
            Value::Now => self.now.as_deref(),
            Value::Base => self.base.as_deref(),
            Value::Delta => self.delta.as_deref(),
            Value::Since => self.since.as_deref(),
            Value::At => self.at.as_deref(),
        }
    }
}

/// Which channels have slots, by their index: those that deviate first, the weightiest if there are
/// too many, in the order in which they began; then others in the configuration's order.
fn slots(evidence: &Evidence) -> Vec<usize> {
    let (mut deviating, others): (Vec<usize>, Vec<usize>) =
        (0..evidence.channels.len()).partition(|&index| evidence.channels[index].deviates);
    deviating.sort_by(|&a, &b| weight(&evidence.channels[b]).total_cmp(&weight(&evidence.channels[a])));
    deviating.truncate(TOPICS);
    deviating.sort_unstable();
    deviating.sort_by_key(|&index| evidence.channels[index].order.unwrap_or(u32::MAX));
    deviating.into_iter().chain(others).take(TOPICS).collect()
}

/// Upwards or not, where a sentence may say so: the deterministic sentence's rule.
fn direction(channel: &ChannelEvidence, closed: bool) -> Option<bool> {
    channel.now.filter(|now| now.is_finite())?;
    if !matches!(channel.shape, Some(Shape::Step | Shape::Ramp) | None) {
        return None;
    }
    let deviation = channel.deviation.filter(|deviation| deviation.is_finite() && *deviation != 0.0)?;
    let clear = match channel.deviation_sd {
        Some(sd) if closed => sd.abs() > f64::from(BAND_SD),
        Some(sd) => sd.abs() >= LEVEL_SD,
        None => !closed,
    };
    clear.then_some(deviation > 0.0)
}

fn fits(channel: &ChannelEvidence, direction: Option<bool>, closed: bool) -> Kinds {
    let moved = match direction {
        Some(true) => Kinds::RISE,
        Some(false) => Kinds::FALL,
        None => Kinds::NONE,
    };
    let silent = if channel.now.is_some_and(f64::is_finite) { Kinds::NONE } else { Kinds::DROPOUT };
    // A channel that delivers nothing is neither stuck nor anywhere else.
    let shape = match channel.shape {
        Some(shape) if silent.is_none() => Kinds::of_shape(shape),
        _ => Kinds::NONE,
    };
    let near = channel.deviation_sd.is_some_and(|sd| sd.abs() <= f64::from(BAND_SD));
    let back = silent.is_none() && near && (closed || channel.shape == Some(Shape::Spike));
    let back = if back { Kinds::BACK } else { Kinds::NONE };
    moved.with(silent).with(shape).with(back)
}

/// Seconds from the channel's onset to the moment of the evidence.
fn since(channel: &ChannelEvidence, evidence: &Evidence) -> Option<f64> {
    let later = channel.onset?.since(evidence.onset).as_secs_f64();
    let seconds = evidence.duration_s - later;
    (channel.deviates && seconds > 0.0).then_some(seconds)
}

/// The time of day in UTC, `08:15 UTC`, with the date when it is another day than `today`'s.
pub(crate) fn time_of_day(time: Timestamp, today: Timestamp) -> String {
    let (written, today) = (time.to_rfc3339(), today.to_rfc3339());
    match (written.split_once('T'), today.split_once('T')) {
        (Some((date, clock)), Some((day, _))) => {
            let clock = clock.get(..5).unwrap_or(clock);
            if date == day { format!("{clock} UTC") } else { format!("{date} {clock} UTC") }
        }
        _ => written,
    }
}

/// A text that may be spoken: one line of words without a figure.
pub(crate) fn spoken(text: &str) -> Option<String> {
    let text = text.replace('_', " ").split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty() && !super::numbers::says_a_number(&text)).then_some(text)
}

pub(crate) fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// The last words of names with those before them, in lower case, without what is no letter.
pub(super) fn last_words<'a>(names: impl Iterator<Item = &'a str>) -> LastWords {
    let mut found = LastWords::new();
    for mut name in names.map(words) {
        if let Some(last) = name.pop() {
            found.entry(last).or_default().insert(name.pop());
        }
    }
    found
}

/// The words of a name in lower case.
pub(crate) fn words(name: &str) -> Vec<String> {
    name.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}
