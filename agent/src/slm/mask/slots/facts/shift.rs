//! What is true of a shift: its incidents by their leading channels, machines by weight.

use super::{Facts, Machine, Topic, last_words, time_of_day};
use crate::incident::sentence::{number, weight};
use crate::incident::{Change, Incident};
use crate::slm::case::Case;
use crate::slm::mask::slots::slot::{About, MACHINES, TOPICS};
use crate::time::Timestamp;

/// The incidents of one machine, the weightiest first.
#[derive(Clone, Debug)]
pub struct OfMachine<'a> {
    /// The machine, as it is called.
    pub label: String,
    /// Its incidents with their places in the shift.
    pub incidents: Vec<(usize, &'a Case)>,
}

/// How much an incident matters beside others, ascending: one that is still open more than one that
/// is over, then the higher peak, then the longer one.
fn by_weight(a: &Incident, b: &Incident) -> std::cmp::Ordering {
    let open = |incident: &Incident| incident.change != Change::Closed;
    open(a)
        .cmp(&open(b))
        .then_with(|| a.evidence.peak_score.total_cmp(&b.evidence.peak_score))
        .then_with(|| a.evidence.duration_s.total_cmp(&b.evidence.duration_s))
}

/// The machines of a shift in order of weight: of their weightiest incident, then of how many they
/// had.
#[must_use]
pub fn by_machine(cases: &[Case]) -> Vec<OfMachine<'_>> {
    let mut machines: Vec<OfMachine<'_>> = Vec::new();
    for (at, case) in cases.iter().enumerate() {
        let label = case.subject.who();
        match machines.iter_mut().find(|machine| machine.label == label) {
            Some(machine) => machine.incidents.push((at, case)),
            None => machines.push(OfMachine { label, incidents: vec![(at, case)] }),
        }
    }
    for machine in &mut machines {
        machine.incidents.sort_by(|(_, a), (_, b)| by_weight(&b.incident, &a.incident));
    }
    machines.sort_by(|a, b| {
        by_weight(&b.incidents[0].1.incident, &a.incidents[0].1.incident)
            .then_with(|| b.incidents.len().cmp(&a.incidents.len()))
    });
    machines
}

impl Facts {
    /// What is true of the incidents of a period that ended at `to`. An incident is named by the
    /// channel that deviates most; one without such a channel is only counted.
    #[must_use]
    pub fn of_shift(cases: &[Case], to: Timestamp) -> Self {
        let machines = by_machine(cases);
        let mut onsets: Vec<Timestamp> = cases.iter().map(|case| case.incident.evidence.onset).collect();
        onsets.sort_unstable();
        onsets.dedup();
        let mut topics = Vec::new();
        for (at, machine) in (0..).zip(machines.iter().take(MACHINES)) {
            for (index, case) in &machine.incidents {
                let order =
                    onsets.binary_search(&case.incident.evidence.onset).unwrap_or_default() as u32 + 1;
                topics.extend(incident(case, *index, to).map(|topic| Topic {
                    machine: at,
                    order: Some(order),
                    ..topic
                }));
            }
        }
        topics.truncate(TOPICS);
        let names = cases.iter().flat_map(|case| {
            let channels = case.incident.evidence.channels.iter().map(|channel| channel.name.as_str());
            let labels = case.subject.channels.iter().map(|names| names.label.as_str());
            channels.chain(labels).chain([case.subject.device.as_str()]).chain(case.subject.kind.as_deref())
        });
        Facts {
            about: About::Shift,
            topics,
            deviating: cases.len(),
            closed: cases.iter().all(|case| case.incident.change == Change::Closed),
            lasts: None,
            starts: None,
            cause: None,
            second: None,
            check: None,
            last_words: last_words(names),
            machines: machines
                .into_iter()
                .take(MACHINES)
                .map(|machine| Machine { label: machine.label, count: machine.incidents.len() })
                .collect(),
        }
    }
}

fn incident(case: &Case, index: usize, to: Timestamp) -> Option<Topic> {
    let evidence = &case.incident.evidence;
    let deviating = evidence.channels.iter().enumerate().filter(|(_, channel)| channel.deviates);
    let (at, _) = deviating.max_by(|(at, a), (bt, b)| {
        // Of equals the first of the configuration.
        weight(a).total_cmp(&weight(b)).then(bt.cmp(at))
    })?;
    Some(Topic {
        since: Some(number::duration(evidence.duration_s.max(0.0))),
        at: Some(time_of_day(evidence.onset, to)),
        index,
        ..Topic::of(case, at)
    })
}
