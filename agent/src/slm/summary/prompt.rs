//! What a model with slots is told: words and tokens of form, no digit.
//!
//! The form is documented in `docs/reference/slots.md`; another form gets another first token.

use crate::incident::Change;
use crate::slm::case::{Assessment, Case};
use crate::slm::mask::slots::facts::{Topic, spoken};
use crate::slm::mask::slots::kinds::Kinds;
use crate::slm::mask::slots::numbers::is_numeric;
use crate::slm::mask::slots::{About, Facts, Slot, marks};

/// Notes that are read; what came first is the oldest.
const NOTES: usize = 4;
/// Characters of a note that are read.
const NOTE_CHARS: usize = 160;
/// Characters of any other text that are read: longer than any name should be.
const TEXT_CHARS: usize = 60;

/// The prompt about an incident.
#[must_use]
pub fn of_incident(case: &Case, facts: &Facts) -> String {
    let mut prompt = String::from(marks::INCIDENT);
    prompt.push_str(match case.incident.change {
        Change::Opened => marks::OPENED,
        Change::Updated => marks::UPDATED,
        Change::Closed => marks::CLOSED,
    });
    text(&mut prompt, marks::KIND, case.subject.kind.as_deref(), TEXT_CHARS);
    for (slot, topic) in (0..).zip(&facts.topics) {
        name(&mut prompt, About::Incident, slot, topic);
        channel(&mut prompt, case, topic.index, topic);
    }
    assessment(&mut prompt, case.assessment.as_ref());
    text(&mut prompt, marks::CHECK, facts.check.as_deref(), TEXT_CHARS);
    for note in case.notes.iter().rev().take(NOTES).rev() {
        text(&mut prompt, marks::NOTE, Some(note), NOTE_CHARS);
    }
    prompt.push_str(marks::TEXT);
    prompt
}

/// The prompt about a shift.
#[must_use]
pub fn of_shift(cases: &[Case], facts: &Facts) -> String {
    let mut prompt = String::from(marks::SHIFT);
    for (at, machine) in (0u8..).zip(&facts.machines) {
        prompt.push_str(&About::Shift.token(Slot::Machine(at)));
        prompt.push_str(marks::count(machine.count));
        let topics = || (0..).zip(&facts.topics).filter(move |(_, topic)| topic.machine == at);
        let kind = topics().next().and_then(|(_, topic)| cases[topic.index].subject.kind.as_deref());
        text(&mut prompt, marks::KIND, kind, TEXT_CHARS);
        for (slot, topic) in topics() {
            let case = &cases[topic.index];
            name(&mut prompt, About::Shift, slot, topic);
            if case.incident.change == Change::Closed {
                prompt.push_str(marks::CLOSED);
            }
            channel(&mut prompt, case, topic.channel, topic);
            assessment(&mut prompt, case.assessment.as_ref());
        }
    }
    prompt.push_str(marks::TEXT);
    prompt
}

fn name(prompt: &mut String, about: About, slot: u8, topic: &Topic) {
    text(prompt, &about.token(Slot::Name(slot)), Some(&topic.label), TEXT_CHARS);
}

/// Unit, shape, direction, size and place in the order of onset.
fn channel(prompt: &mut String, case: &Case, index: usize, topic: &Topic) {
    let channel = &case.incident.evidence.channels[index];
    text(prompt, marks::UNIT, Some(&channel.unit), TEXT_CHARS);
    if !channel.deviates {
        prompt.push_str(marks::STEADY);
        return;
    }
    prompt.push_str(marks::shape(channel.shape));
    if topic.now.is_none() {
        prompt.push_str(marks::SILENT);
    }
    let direction = [(Kinds::RISE, marks::UP), (Kinds::FALL, marks::DOWN)];
    let direction = direction.iter().find(|(kind, _)| topic.fits.holds(*kind));
    prompt.push_str(direction.map_or(marks::LEVEL, |(_, mark)| mark));
    if topic.fits.holds(Kinds::BACK) {
        prompt.push_str(marks::BACK);
    }
    prompt.push_str(marks::size(channel.deviation_sd));
    prompt.push_str(&marks::rank(topic.order));
    if topic.fits.holds(Kinds::APART) {
        prompt.push_str(marks::UNEXPLAINED);
    }
}

fn assessment(prompt: &mut String, assessment: Option<&Assessment>) {
    let Some(assessment) = assessment else { return };
    let Some(cause) = assessment.likely() else {
        prompt.push_str(marks::UNKNOWN);
        return;
    };
    if assessment.benign {
        prompt.push_str(marks::BENIGN);
    }
    text(prompt, marks::CAUSE, Some(&cause), TEXT_CHARS);
    text(prompt, marks::SECOND, assessment.besides().and_then(spoken).as_deref(), TEXT_CHARS);
}

/// A token of form and the words behind it, unless there are none.
fn text(prompt: &mut String, mark: &str, text: Option<&str>, most: usize) {
    let words = text.map(|text| plain(text, most)).filter(|words| !words.is_empty());
    let named = mark.ends_with(".name>");
    if let Some(words) = words {
        prompt.push_str(mark);
        prompt.push(' ');
        prompt.push_str(&words);
    } else if named {
        prompt.push_str(mark);
    }
}

/// Words in lower case on one line; nothing that could be a token of its own, and a mark in the
/// place of every number.
fn plain(text: &str, most: usize) -> String {
    let spaced: String = text
        .chars()
        .map(|c| if c == '<' || c == '>' || c == '_' || c.is_control() { ' ' } else { c })
        .collect();
    let words = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut plain = String::new();
    let mut in_number = false;
    let cut: Vec<char> = words.chars().take(most).collect();
    for (at, c) in cut.iter().enumerate() {
        // A point between digits belongs to the number.
        let inner = in_number
            && matches!(c, '.' | ',' | ':')
            && cut.get(at + 1).is_some_and(|next| is_numeric(*next));
        if is_numeric(*c) || inner {
            if !in_number {
                plain.push_str(marks::NUMBER);
            }
            in_number = true;
        } else {
            in_number = false;
            plain.extend(c.to_lowercase());
        }
    }
    plain.trim_end().to_owned()
}
