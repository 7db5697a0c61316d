//! What a model without slots is told: the evidence as text, and what to do with it.

use crate::incident::Change;
use crate::slm::case::Case;
use crate::slm::mask::slots::facts::{Topic, time_of_day};
use crate::slm::mask::slots::kinds::Kinds;
use crate::slm::mask::slots::numbers::is_numeric;
use crate::slm::runtime::request::Shift;
use crate::slm::tokenizer::{Message, Role};

/// Incidents of a shift that are told; a small model loses the thread beyond.
const INCIDENTS: usize = 12;
/// Notes that are told, and characters of each.
const NOTES: usize = 4;
const NOTE_CHARS: usize = 160;

const RULES: &str = "Use only numbers and units that are in the evidence, exactly as they are written there; \
write no number in words. Name only channels that are listed, by their names. Say that a channel rose or \
fell only where the evidence says so. Do not guess. Write plain sentences, no list and no heading.";

/// The conversation about an incident.
#[must_use]
pub fn about_incident(case: &Case) -> Vec<Message> {
    let task = "You tell operators of machines what happened. Write two or three short sentences.";
    vec![
        Message { role: Role::System, content: format!("{task} {RULES}") },
        Message { role: Role::User, content: format!("Evidence\n{}", incident(case)) },
    ]
}

/// The conversation about a shift.
#[must_use]
pub fn about_shift(shift: &Shift, told: &str) -> Vec<Message> {
    let task = "You write the report of a shift for the people of the next one: what happened, by machine, \
the weightiest first. Write at most six short sentences.";
    let mut evidence = format!("Overview\n{told}\n");
    for case in shift.cases.iter().take(INCIDENTS) {
        evidence.push_str("\nIncident\n");
        evidence.push_str(&incident(case));
    }
    vec![
        Message { role: Role::System, content: format!("{task} {RULES}") },
        Message { role: Role::User, content: evidence },
    ]
}

/// What to say to a model whose words did not agree with the evidence.
#[must_use]
pub fn once_more(mut asked: Vec<Message>, answer: String, wrong: &[String]) -> Vec<Message> {
    let content = format!(
        "This does not agree with the evidence:\n{}\nWrite it again without that.",
        wrong.iter().map(|wrong| format!("- {wrong}")).collect::<Vec<_>>().join("\n")
    );
    asked.push(Message { role: Role::Assistant, content: answer });
    asked.push(Message { role: Role::User, content });
    asked
}

fn incident(case: &Case) -> String {
    let evidence = &case.incident.evidence;
    let closed = case.incident.change == Change::Closed;
    let lasted = crate::incident::sentence::number::duration(evidence.duration_s.max(0.0));
    let state = if closed { "it is over and lasted" } else { "it has lasted until now" };
    let began = time_of_day(evidence.onset, case.incident.updated);
    let mut lines =
        vec![format!("machine: {}", case.subject.who()), format!("began: {began}; {state} {lasted}")];
    for (index, _) in evidence.channels.iter().enumerate().filter(|(_, channel)| channel.deviates) {
        lines.push(told(&Topic::of(case, index)));
    }
    if let Some(assessment) = &case.assessment {
        let benign = if assessment.benign { "unusual, but no fault: " } else { "" };
        lines.extend(assessment.likely().map(|cause| format!("looks like: {benign}{cause}")));
        lines.extend(assessment.besides().map(|second| format!("besides: {second}")));
        lines.extend(assessment.check.as_ref().map(|check| format!("look first at: {check}")));
    }
    for note in case.notes.iter().rev().take(NOTES).rev() {
        // Numbers of a note are in no evidence.
        let words: String = note.chars().filter(|c| !is_numeric(*c)).take(NOTE_CHARS).collect();
        lines.push(format!("note: {}", words.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    lines.join("\n")
}

/// `channel flow: fell by 12 m3/h; was 42 m3/h; is now 30 m3/h; step; began 30 s ago`
fn told(topic: &Topic) -> String {
    let shapes = [
        (Kinds::STEP, "step"),
        (Kinds::RAMP, "ramp"),
        (Kinds::SPIKE, "spike"),
        (Kinds::SWING, "swinging"),
        (Kinds::STUCK, "stuck"),
        (Kinds::DROPOUT, "delivers nothing"),
        (Kinds::BACK, "back where it was"),
        (Kinds::APART, "unexplained by what it looks like"),
    ];
    let verb = if topic.fits.holds(Kinds::RISE) { "rose by" } else { "fell by" };
    let mut parts: Vec<String> = topic.delta.iter().map(|delta| format!("{verb} {delta}")).collect();
    parts.extend(topic.base.iter().map(|base| format!("was {base}")));
    parts.extend(topic.now.iter().map(|now| format!("is now {now}")));
    parts.extend(
        shapes.iter().filter(|(kind, _)| topic.fits.holds(*kind)).map(|(_, word)| (*word).to_owned()),
    );
    parts.extend(topic.since.iter().map(|since| format!("began {since} ago")));
    format!("channel {}: {}", topic.label, parts.join("; "))
}
