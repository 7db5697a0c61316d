//! `incident/<device>`: each change of an incident, with all its evidence. Not retained.

use serde::Serialize;

use super::figure::Figure;
use super::{ModelRef, Models, Stamp, json};
use crate::config::DeviceConfig;
use crate::incident::{Change, ChannelEvidence, Evidence, Incident, Shape};
use crate::outbox::{Priority, Record};
use crate::publish::Topics;
use crate::slm::case::Assessment;
use crate::slm::description::{Description, WordedBy};
use crate::time::Timestamp;

#[derive(Serialize)]
struct Message<'a> {
    #[serde(flatten)]
    stamp: Stamp,
    id: &'a str,
    device: &'a str,
    kind: Option<&'a str>,
    change: Said,
    opened: String,
    opened_ms: i64,
    closed: Option<String>,
    closed_ms: Option<i64>,
    summary: &'a str,
    summary_by: WordedBy,
    assessment: Option<AssessmentBody<'a>>,
    models: Models<'a>,
    evidence: EvidenceBody<'a>,
}

/// What a message says of its incident.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    Opened,
    Updated,
    Closed,
    /// Nothing changed, but the language models have put it into words.
    Described,
}

impl Said {
    fn of(change: Change) -> Self {
        match change {
            Change::Opened => Said::Opened,
            Change::Updated => Said::Updated,
            Change::Closed => Said::Closed,
        }
    }
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

/// What an incident was classified as; what is not known is left out but for the label.
#[derive(Serialize)]
pub(super) struct AssessmentBody<'a> {
    label: Option<&'a str>,
    confidence: Figure,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    second: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    unexplained: &'a [String],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    benign: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    because: Vec<BecauseBody<'a>>,
}

/// What carried the decision.
#[derive(Serialize)]
struct BecauseBody<'a> {
    what: &'a str,
    weight: Figure,
}

impl<'a> AssessmentBody<'a> {
    pub(super) fn of(assessment: &'a Assessment) -> Self {
        let Assessment { label, confidence, scores: _, cause, second, check, unexplained, benign, because } =
            assessment;
        AssessmentBody {
            label: label.as_deref(),
            confidence: (*confidence).into(),
            cause: cause.as_deref(),
            second: second.as_deref(),
            check: check.as_deref(),
            unexplained,
            benign: *benign,
            because: because
                .iter()
                .map(|because| BecauseBody { what: &because.what, weight: because.weight.into() })
                .collect(),
        }
    }
}

/// A change of an incident, for the outbox: with its deterministic sentence, or as the language
/// models describe it.
#[must_use]
pub fn incident(
    topics: &Topics,
    device: &DeviceConfig,
    incident: &Incident,
    described: Option<&Description>,
    model: &ModelRef,
) -> Record {
    let models: Vec<ModelRef> =
        [model].into_iter().chain(described.iter().flat_map(|words| &words.models)).cloned().collect();
    let change = if described.is_some() { Said::Described } else { Said::of(incident.change) };
    let message = Message {
        stamp: Stamp::of(incident.updated),
        id: &incident.id,
        device: &device.id,
        kind: device.kind.as_deref(),
        change,
        opened: incident.opened.to_rfc3339(),
        opened_ms: incident.opened.as_millis(),
        closed: incident.closed.map(Timestamp::to_rfc3339),
        closed_ms: incident.closed.map(Timestamp::as_millis),
        summary: described.map_or(&incident.summary, |words| &words.summary),
        summary_by: described.map_or(WordedBy::Rules, |words| words.by),
        assessment: described.and_then(|words| words.assessment.as_ref()).map(AssessmentBody::of),
        models: Models(&models),
        evidence: EvidenceBody::of(&incident.evidence),
    };
    Record { priority: Priority::Incident, topic: topics.incident(&device.id), body: json(&message) }
}
