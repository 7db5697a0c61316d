//! The deterministic sentence: what an incident's evidence says, in English.
//!
//! Promise 4: a summary states no number that is not in its evidence. Every number in it is a
//! channel's value now or the size of its deviation, the time from an onset to the moment of the
//! evidence, or the count of the channels that are not named; rounded to three digits. Digits in
//! the names and units that the configuration gives are words, not figures. It names what was
//! measured and guesses no cause.
//!
//! The same evidence always gives the same sentence; it is the fallback whatever else may word
//! incidents.

mod clause;
pub(crate) mod number;
mod subject;
#[cfg(test)]
mod tests;

pub use subject::{ChannelNames, Subject};

use self::clause::Clause;
pub(crate) use self::clause::{LEVEL_SD, weight};
use super::Change;
use super::evidence::{Evidence, Shape};

/// Channels that are named; more would not be read.
const NAMED: usize = 3;

/// The evidence in words.
#[must_use]
pub fn summary(subject: &Subject, change: Change, evidence: &Evidence) -> String {
    let clauses = named(subject, evidence);
    let who = subject.who();
    let lasted = number::duration(evidence.duration_s.max(0.0));
    let rest = rest(evidence);
    if clauses.is_empty() {
        return together(&who, subject.channels.len(), change, &lasted);
    }
    match change {
        Change::Opened => {
            let told = opening(&clauses, rest);
            let advice = advice(&clauses);
            format!("{who}: {told}.{advice}")
        }
        Change::Updated => {
            let told = list(clauses.iter().map(Clause::still), rest);
            format!("{who}, {lasted} after it began: {told}.")
        }
        Change::Closed => {
            let told = list(clauses.iter().map(Clause::afterwards), None);
            format!("{who}: the alarm is over after {lasted}; {told}.")
        }
    }
}

/// What an incident's channels do, without machine and time; empty when none stands out.
#[must_use]
pub(crate) fn channels(subject: &Subject, change: Change, evidence: &Evidence) -> String {
    let clauses = named(subject, evidence);
    match change {
        Change::Opened | Change::Updated => list(clauses.iter().map(Clause::still), rest(evidence)),
        Change::Closed => list(clauses.iter().map(Clause::was), rest(evidence)),
    }
}

/// The channels to name: those that deviate most, in the order in which they began.
fn named<'a>(subject: &'a Subject, evidence: &'a Evidence) -> Vec<Clause<'a>> {
    let mut indices = deviating(evidence);
    indices.truncate(NAMED);
    let clause = |index: usize| Clause {
        label: subject
            .channels
            .get(index)
            .map_or(evidence.channels[index].name.as_str(), |names| &names.label),
        channel: &evidence.channels[index],
        evidence,
    };
    let mut clauses: Vec<Clause<'a>> = indices.into_iter().map(clause).collect();
    clauses.sort_by_key(|clause| clause.channel.order);
    clauses
}

/// The channels that deviate and are not named, by their index, those that deviate most first.
#[must_use]
pub(crate) fn counted(evidence: &Evidence) -> Vec<usize> {
    deviating(evidence).into_iter().skip(NAMED).collect()
}

/// The channels that deviate, by their index, those that deviate most first.
fn deviating(evidence: &Evidence) -> Vec<usize> {
    let channels = &evidence.channels;
    let mut indices: Vec<usize> = (0..channels.len()).filter(|index| channels[*index].deviates).collect();
    // Stable sorts: equal weights and equal onsets keep the configuration's order.
    indices.sort_by(|a, b| weight(&channels[*b]).total_cmp(&weight(&channels[*a])));
    indices
}

fn opening(clauses: &[Clause<'_>], rest: Option<String>) -> String {
    let mut parts = Vec::new();
    let mut last = None;
    for clause in clauses {
        let when = if last.is_none() { clause.ago() } else { String::new() };
        let link = if last.is_some_and(|order| order < clause.channel.order) { "then " } else { "" };
        parts.push(format!("{link}{}{when}", clause.happened()));
        last = Some(clause.channel.order);
    }
    list(parts.into_iter(), rest)
}

fn list(parts: impl Iterator<Item = String>, rest: Option<String>) -> String {
    parts.chain(rest).collect::<Vec<_>>().join("; ")
}

/// How many channels take part beside the named ones.
fn rest(evidence: &Evidence) -> Option<String> {
    match evidence.channels.iter().filter(|channel| channel.deviates).count().saturating_sub(NAMED) {
        0 => None,
        1 => Some("1 more channel deviates".to_owned()),
        more => Some(format!("{more} more channels deviate")),
    }
}

/// Where to look first; only what follows from the evidence itself.
fn advice(clauses: &[Clause<'_>]) -> String {
    let with = |shape| clauses.iter().find(|clause| clause.channel.shape == Some(shape));
    if let Some(silent) = with(Shape::Dropout).filter(|clause| clause.channel.now.is_none()) {
        return format!(" Check the sensor for {} and its connection.", silent.label);
    }
    if let Some(stuck) = with(Shape::Stuck) {
        return format!(" Check the sensor for {}.", stuck.label);
    }
    match clauses {
        [first, second, ..]
            if first.channel.order == Some(1) && second.channel.order > first.channel.order =>
        {
            format!(" Look first at {}.", first.label)
        }
        _ => String::new(),
    }
}

/// The sentence when no single channel deviates.
fn together(who: &str, channels: usize, change: Change, lasted: &str) -> String {
    let what = if channels == 1 {
        "the signal does not move as it did, though its level is normal"
    } else {
        "the channels no longer move together as they did; no single one is out of its range"
    };
    match change {
        Change::Opened => format!("{who}: {what}."),
        Change::Updated => format!("{who}, {lasted} after it began: {what}."),
        Change::Closed => format!("{who}: the alarm is over after {lasted}; no single channel stood out."),
    }
}
