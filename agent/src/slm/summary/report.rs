//! The shift report without a model: what happened, by machine, in order of weight.
//!
//! Promise 4: every number in it is a channel's value or deviation, a length of time or a time of
//! day of an incident, or a count of incidents, machines or channels.

use crate::incident::sentence::{channels, number};
use crate::incident::{Change, Incident};
use crate::slm::case::Case;
use crate::slm::mask::slots::facts::{by_machine, counted, spoken, time_of_day};
use crate::slm::runtime::request::Shift;
use crate::time::Timestamp;

/// Incidents that are told of each machine; more would not be read.
const TOLD: usize = 5;
/// Machines that are told of.
const MACHINES: usize = 12;

/// A shift in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShiftText {
    /// The text, one line a thought.
    pub text: String,
    /// The ids of the incidents, the weightiest machine's first, those of a machine by weight.
    pub incidents: Vec<String>,
}

/// A shift in words, without a model.
#[must_use]
pub fn deterministic(shift: &Shift) -> ShiftText {
    let machines = by_machine(&shift.cases);
    let mut lines = vec![head(shift, machines.len())];
    for machine in machines.iter().take(MACHINES) {
        let count = machine.incidents.len();
        lines.push(format!("{}, {}:", machine.label, counted(count, "incident")));
        lines.extend(machine.incidents.iter().take(TOLD).map(|(_, case)| line(case, shift.to)));
        if count > TOLD {
            lines.push(format!("- and {}.", counted(count - TOLD, "more incident")));
        }
    }
    if machines.len() > MACHINES {
        let others: usize = machines[MACHINES..].iter().map(|machine| machine.incidents.len()).sum();
        let machines = counted(machines.len() - MACHINES, "more machine");
        lines.push(format!("{machines} with {}.", counted(others, "incident")));
    }
    let incidents = machines.iter().flat_map(|machine| &machine.incidents);
    ShiftText {
        text: lines.join("\n"),
        incidents: incidents.map(|(_, case)| case.incident.id.clone()).collect(),
    }
}

/// `06:00 UTC to 14:00 UTC: 3 incidents on 2 machines, 1 still open.`
fn head(shift: &Shift, machines: usize) -> String {
    let period = format!("{} to {}", time_of_day(shift.from, shift.to), time_of_day(shift.to, shift.to));
    if shift.cases.is_empty() {
        return format!("{period}: no incident.");
    }
    let open = shift.cases.iter().filter(|case| is_open(&case.incident)).count();
    let still = match open {
        0 => String::new(),
        open if open == shift.cases.len() => ", still open".to_owned(),
        open => format!(", {open} still open"),
    };
    let incidents = counted(shift.cases.len(), "incident");
    format!("{period}: {incidents} on {}{still}.", counted(machines, "machine"))
}

/// `- 08:00 UTC, open for 40 s: flow is 12 m3/h below normal, at 30 m3/h (step). Looks like: outlet
/// blocked.`
fn line(case: &Case, to: Timestamp) -> String {
    let Case { subject, incident, assessment, .. } = case;
    let evidence = &incident.evidence;
    let began = time_of_day(evidence.onset, to);
    let lasted = number::duration(evidence.duration_s.max(0.0));
    let state = if is_open(incident) { "open for" } else { "lasted" };
    let told = channels(subject, incident.change, evidence);
    let told = if told.is_empty() { "no single channel stood out".to_owned() } else { told };
    let cause = assessment.as_ref().and_then(|assessment| spoken(&assessment.likely()?));
    let class = cause.map(|cause| format!(" Looks like: {cause}.")).unwrap_or_default();
    format!("- {began}, {state} {lasted}: {told}.{class}")
}

fn is_open(incident: &Incident) -> bool {
    incident.change != Change::Closed
}
