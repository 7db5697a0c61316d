//! `incident/<device>`: each change of an incident, with all its evidence. Not retained.

use serde::Serialize;

use super::figure::Figure;
use super::{ModelRef, Models, Stamp, json};
use crate::config::DeviceConfig;
use crate::incident::{Change, ChannelEvidence, Evidence, Incident, Shape};
use crate::outbox::{Priority, Record};
use crate::publish::Topics;
use crate::time::Timestamp;

#[derive(Serialize)]
struct Message<'a> {
    #[serde(flatten)]
    stamp: Stamp,
    id: &'a str,
    device: &'a str,
    kind: Option<&'a str>,
    change: Change,
    opened: String,
    opened_ms: i64,
    closed: Option<String>,
    closed_ms: Option<i64>,
    summary: &'a str,
    models: Models<'a>,
    evidence: EvidenceBody<'a>,
}

#[derive(Serialize)]
struct EvidenceBody<'a> {
    onset: String,
    onset_ms: i64,
    duration_s: Figure,
    score: Figure,
    peak_score: Figure,
    limit: Figure,
    channels: Vec<Channel<'a>>,
}

#[derive(Serialize)]
struct Channel<'a> {
    name: &'a str,
    unit: &'a str,
    baseline: Figure,
    now: Figure,
    deviation: Figure,
    deviation_sd: Figure,
    deviates: bool,
    shape: Option<Shape>,
    onset: Option<String>,
    onset_ms: Option<i64>,
    order: Option<u32>,
}

impl<'a> EvidenceBody<'a> {
    fn of(evidence: &'a Evidence) -> Self {
        EvidenceBody {
            onset: evidence.onset.to_rfc3339(),
            onset_ms: evidence.onset.as_millis(),
            duration_s: evidence.duration_s.into(),
            score: evidence.score.into(),
            peak_score: evidence.peak_score.into(),
            limit: evidence.limit.into(),
            channels: evidence.channels.iter().map(Channel::of).collect(),
        }
    }
}

impl<'a> Channel<'a> {
    fn of(channel: &'a ChannelEvidence) -> Self {
        Channel {
            name: &channel.name,
            unit: &channel.unit,
            baseline: channel.baseline.into(),
            now: channel.now.into(),
            deviation: channel.deviation.into(),
            deviation_sd: channel.deviation_sd.into(),
            deviates: channel.deviates,
            shape: channel.shape,
            onset: channel.onset.map(Timestamp::to_rfc3339),
            onset_ms: channel.onset.map(Timestamp::as_millis),
            order: channel.order,
        }
    }
}

/// A change of an incident, for the outbox.
#[must_use]
pub fn incident(topics: &Topics, device: &DeviceConfig, incident: &Incident, model: &ModelRef) -> Record {
    let message = Message {
        stamp: Stamp::of(incident.updated),
        id: &incident.id,
        device: &device.id,
        kind: device.kind.as_deref(),
        change: incident.change,
        opened: incident.opened.to_rfc3339(),
        opened_ms: incident.opened.as_millis(),
        closed: incident.closed.map(Timestamp::to_rfc3339),
        closed_ms: incident.closed.map(Timestamp::as_millis),
        summary: &incident.summary,
        models: Models(std::slice::from_ref(model)),
        evidence: EvidenceBody::of(&incident.evidence),
    };
    Record { priority: Priority::Incident, topic: topics.incident(&device.id), body: json(&message) }
}
