//! An incident as plain text: what a classifier reads of it, here or elsewhere.
//!
//! Promise 3: it is made of the evidence alone.

use std::fmt::Write;

use crate::incident::sentence::number::{duration, value};
use crate::incident::{ChannelEvidence, Shape};
use crate::slm::case::Case;

/// An incident as text: the machine, then a line for each channel in the order in which they began
/// to deviate, those that do not deviate last, then its notes.
#[must_use]
pub fn told(case: &Case) -> String {
    let evidence = &case.incident.evidence;
    let mut text = format!("machine: {}\n", case.subject.who());
    // Writing to a string cannot fail.
    let _ = writeln!(text, "for: {}", duration(evidence.duration_s.max(0.0)));
    let mut channels: Vec<(usize, &ChannelEvidence)> = evidence.channels.iter().enumerate().collect();
    channels.sort_by_key(|(_, channel)| (!channel.deviates, channel.order.unwrap_or(u32::MAX)));
    for (at, channel) in channels {
        let label = case.subject.channels.get(at).map_or(&channel.name, |names| &names.label);
        let now = channel.now.map_or_else(|| "nothing".to_owned(), |now| value(now, &channel.unit));
        let _ = write!(text, "{label}: {now}, before {}", value(channel.baseline, &channel.unit));
        if let Some(sd) = channel.deviation_sd.filter(|_| channel.deviates) {
            let _ = write!(text, ", {} standard deviations", value(sd, ""));
        }
        let _ = writeln!(text, ", {}", channel.shape.filter(|_| channel.deviates).map_or("as usual", name));
    }
    for note in &case.notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

fn name(shape: Shape) -> &'static str {
    match shape {
        Shape::Step => "step",
        Shape::Ramp => "ramp",
        Shape::Spike => "spike",
        Shape::Oscillation => "oscillation",
        Shape::Stuck => "stuck",
        Shape::Dropout => "dropout",
    }
}
