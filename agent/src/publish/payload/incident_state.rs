//! `incident-state/<device>`: the open incidents of a device, an empty list when there is none.
//! Retained.

use serde::Serialize;

use super::figure::Figure;
use super::incident::AssessmentBody;
use super::{Stamp, json};
use crate::config::DeviceConfig;
use crate::incident::{Change, Incident};
use crate::publish::Topics;
use crate::slm::description::{Description, WordedBy};
use crate::time::Timestamp;

#[derive(Serialize)]
struct State<'a> {
    #[serde(flatten)]
    stamp: Stamp,
    boot: u32,
    device: &'a str,
    open: Vec<Open<'a>>,
}

#[derive(Serialize)]
struct Open<'a> {
    id: &'a str,
    opened: String,
    opened_ms: i64,
    updated: String,
    updated_ms: i64,
    score: Figure,
    peak_score: Figure,
    summary: &'a str,
    summary_by: WordedBy,
    assessment: Option<AssessmentBody<'a>>,
}

impl<'a> Open<'a> {
    fn of(incident: &'a Incident, described: Option<&'a Description>) -> Self {
        Open {
            id: &incident.id,
            opened: incident.opened.to_rfc3339(),
            opened_ms: incident.opened.as_millis(),
            updated: incident.updated.to_rfc3339(),
            updated_ms: incident.updated.as_millis(),
            score: incident.evidence.score.into(),
            peak_score: incident.evidence.peak_score.into(),
            summary: described.map_or(&incident.summary, |words| &words.summary),
            summary_by: described.map_or(WordedBy::Rules, |words| words.by),
            assessment: described.and_then(|words| words.assessment.as_ref()).map(AssessmentBody::of),
        }
    }
}

/// The open incident of a device as it stands at `now`, if there is one: topic and payload. An
/// incident that has closed is not open. `described` belongs to this state of it.
#[must_use]
pub fn incident_state(
    topics: &Topics,
    device: &DeviceConfig,
    open: Option<&Incident>,
    described: Option<&Description>,
    now: Timestamp,
    boot: u32,
) -> (String, Vec<u8>) {
    let open = open.filter(|incident| incident.change != Change::Closed);
    let message = State {
        stamp: Stamp::of(now),
        boot,
        device: &device.id,
        open: open.map(|open| Open::of(open, described)).into_iter().collect(),
    };
    (topics.incident_state(&device.id), json(&message))
}
