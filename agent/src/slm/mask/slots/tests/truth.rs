//! What is true of an incident, taken from its evidence alone: for the judge, who trusts neither
//! the mask nor its facts.

use crate::incident::sentence::number::{duration, value};
use crate::incident::sentence::weight;
use crate::incident::{Change, ChannelEvidence, Shape};
use crate::slm::case::{Assessment, Case};
use crate::slm::mask::slots::class::Class;
use crate::time::Timestamp;

pub(crate) struct Truth {
    pub topics: Vec<Topic>,
    pub machines: Vec<Machine>,
    pub opaque: Vec<String>,
    pub figures: Vec<(Figure, String)>,
    pub deviating: usize,
    pub more: &'static str,
    pub closed: bool,
}

pub(crate) struct Topic {
    pub label: String,
    pub machine: usize,
    pub deviates: bool,
    pub claims: Vec<Class>,
    pub order: Option<u32>,
    pub with_onset: bool,
    pub for_all: bool,
}

pub(crate) struct Machine {
    pub label: String,
    pub count: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    Now(usize),
    Base(usize),
    Delta(usize),
    Since(usize),
    At(usize),
    Lasts,
    Starts,
}

impl Truth {
    pub fn of(case: &Case) -> Self {
        let evidence = &case.incident.evidence;
        let closed = case.incident.change == Change::Closed;
        let all = duration(evidence.duration_s.max(0.0));
        let clock = |time| clock(time, case.incident.updated);
        let mut figures = vec![(Figure::Lasts, all.clone()), (Figure::Starts, clock(evidence.onset))];
        let mut topics = Vec::new();
        for (at, channel) in evidence.channels.iter().enumerate() {
            let mut lasts = None;
            if channel.deviates {
                if let Some(now) = channel.now.filter(|now| now.is_finite()) {
                    figures.push((Figure::Now(at), value(now, &channel.unit)));
                    figures.push((Figure::Base(at), value(channel.baseline, &channel.unit)));
                }
                if let Some(moved) = channel.deviation {
                    figures.push((Figure::Delta(at), value(moved.abs(), &channel.unit)));
                }
                if let Some(onset) = channel.onset {
                    let seconds = evidence.duration_s - onset.since(evidence.onset).as_secs_f64();
                    lasts = Some(duration(seconds));
                    figures.push((Figure::Since(at), duration(seconds)));
                }
            }
            topics.push(Topic {
                label: case.subject.channels[at].label.clone(),
                machine: 0,
                deviates: channel.deviates,
                claims: claims(case, channel, closed),
                order: channel.order,
                with_onset: channel.onset.is_some_and(|onset| clock(onset) == clock(evidence.onset)),
                for_all: lasts.is_some_and(|lasts| lasts == all),
            });
        }
        let who = match &case.subject.kind {
            Some(kind) => format!("{} ({kind})", case.subject.device),
            None => case.subject.device.clone(),
        };
        Truth {
            deviating: topics.iter().filter(|topic| topic.deviates).count(),
            topics,
            machines: vec![Machine { label: who, count: None }],
            opaque: case.assessment.as_ref().map(given).unwrap_or_default(),
            figures,
            more: "more channel",
            closed,
        }
    }
}

impl Truth {
    /// Of a shift whose incidents have different channels each.
    pub fn of_shift(cases: &[Case], to: Timestamp) -> Self {
        let mut truth = Truth {
            topics: vec![],
            machines: vec![],
            opaque: vec![],
            figures: vec![],
            deviating: cases.len(),
            more: "more incident",
            closed: cases.iter().all(|case| case.incident.change == Change::Closed),
        };
        let mut onsets: Vec<_> = cases.iter().map(|case| case.incident.evidence.onset).collect();
        onsets.sort_unstable();
        onsets.dedup();
        for case in cases {
            let of_case = Truth::of(case);
            let name = &of_case.machines[0].label;
            let machine =
                truth.machines.iter().position(|machine| machine.label == *name).unwrap_or_else(|| {
                    let count = cases.iter().filter(|other| other.subject.who() == *name).count();
                    let s = if count == 1 { "" } else { "s" };
                    truth
                        .machines
                        .push(Machine { label: name.clone(), count: Some(format!("{count} incident{s}")) });
                    truth.machines.len() - 1
                });
            let evidence = &case.incident.evidence;
            let mut leading: Option<usize> = None;
            for (at, channel) in evidence.channels.iter().enumerate().filter(|(_, channel)| channel.deviates)
            {
                if leading.is_none_or(|leading| weight(channel) > weight(&evidence.channels[leading])) {
                    leading = Some(at);
                }
            }
            let first = truth.topics.len();
            let order = onsets.iter().position(|onset| *onset == evidence.onset).map(|at| at as u32);
            for (at, topic) in of_case.topics.into_iter().enumerate() {
                truth.topics.push(Topic { machine, deviates: leading == Some(at), order, ..topic });
            }
            for (figure, written) in of_case.figures {
                truth.figures.extend(match figure {
                    Figure::Now(at) => Some((Figure::Now(first + at), written)),
                    Figure::Base(at) => Some((Figure::Base(first + at), written)),
                    Figure::Delta(at) => Some((Figure::Delta(first + at), written)),
                    Figure::Lasts => leading.map(|at| (Figure::Since(first + at), written)),
                    Figure::Starts => leading.map(|at| (Figure::At(first + at), clock(evidence.onset, to))),
                    Figure::Since(_) | Figure::At(_) => None,
                });
            }
        }
        truth
    }
}

fn clock(time: Timestamp, today: Timestamp) -> String {
    let (then, now) = (time.to_rfc3339(), today.to_rfc3339());
    let day = if then[..10] == now[..10] { String::new() } else { format!("{} ", &then[..10]) };
    format!("{day}{} UTC", &then[11..16])
}

/// What an assessment gives a text in words.
fn given(found: &Assessment) -> Vec<String> {
    let faults = found.label.iter().flat_map(|label| {
        let cause = found.cause.clone().unwrap_or_else(|| label.replace('_', " "));
        [cause].into_iter().chain(found.second.clone())
    });
    faults.chain(found.check.clone()).collect()
}

/// What may be said of a channel.
pub(crate) fn claims(case: &Case, channel: &ChannelEvidence, closed: bool) -> Vec<Class> {
    let mut claims = of_evidence(channel, closed);
    let unexplained = case.assessment.iter().flat_map(|found| &found.unexplained);
    claims.extend(unexplained.filter(|name| **name == channel.name).map(|_| Class::Apart));
    claims.extend((!closed).then_some(Class::Open));
    claims
}

fn of_evidence(channel: &ChannelEvidence, closed: bool) -> Vec<Class> {
    let mut claims = Vec::new();
    let Some(now) = channel.now.filter(|now| !now.is_nan()) else { return vec![Class::Dropout] };
    let sd = channel.deviation_sd.unwrap_or(if closed { 0.0 } else { f64::INFINITY }).abs();
    // The deterministic sentence's limits: one standard deviation, three once it is over.
    let far = if closed { sd > 3.0 } else { sd >= 1.0 };
    let level =
        !matches!(channel.shape, Some(Shape::Stuck | Shape::Dropout | Shape::Spike | Shape::Oscillation));
    if let Some(moved) = channel.deviation.filter(|_| far && level) {
        assert!((now - channel.baseline - moved).abs() <= moved.abs() * 1e-6 || channel.baseline.is_nan());
        claims.extend((moved > 0.0).then_some(Class::Rise));
        claims.extend((moved < 0.0).then_some(Class::Fall));
    }
    claims.extend(match channel.shape {
        Some(Shape::Step) => Some(Class::Step),
        Some(Shape::Ramp) => Some(Class::Ramp),
        Some(Shape::Spike) => Some(Class::Spike),
        Some(Shape::Oscillation) => Some(Class::Swing),
        Some(Shape::Stuck) => Some(Class::Stuck),
        Some(Shape::Dropout) => Some(Class::Dropout),
        None => None,
    });
    let came_back = closed || channel.shape == Some(Shape::Spike);
    claims
        .extend((came_back && channel.deviation_sd.is_some_and(|sd| sd.abs() <= 3.0)).then_some(Class::Back));
    claims
}
