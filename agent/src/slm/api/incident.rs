//! An incident as it is published, read back: what [`Case`] is made of.
//!
//! Any message of `incident/<device>` fits; of its keys only `device` and `evidence` are needed.
//! Its `summary` is not read: it may be a model's, and what a model may say is decided here anew.

use jiff::Timestamp as Moment;
use serde::Deserialize;
use serde_json::Value;

use super::error::ApiError;
use super::fields::{self, Rule, Rules};
use crate::config::ChannelConfig;
use crate::incident::sentence::{self, ChannelNames, Subject};
use crate::incident::{Change, ChannelEvidence, Evidence, Incident, Shape};
use crate::slm::case::{Assessment, Because, Case};
use crate::time::Timestamp;

/// Most channels of a device, as the configuration has it.
const CHANNELS: usize = 64;

const RULES: Rules = &[
    ("id", Rule::Taken),
    ("device", Rule::Taken),
    ("kind", Rule::Taken),
    ("change", Rule::Taken),
    ("ts", Rule::Taken),
    ("opened", Rule::Taken),
    ("closed", Rule::Taken),
    ("assessment", Rule::Taken),
    ("evidence", Rule::Taken),
    ("boot", Rule::Harmless),
    ("seq", Rule::Harmless),
    ("hist", Rule::Harmless),
    ("ts_ms", Rule::Harmless),
    ("opened_ms", Rule::Harmless),
    ("closed_ms", Rule::Harmless),
    ("summary", Rule::Harmless),
    ("summary_by", Rule::Harmless),
    ("models", Rule::Harmless),
];

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    id: Option<String>,
    device: String,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    change: Option<Said>,
    #[serde(default)]
    ts: Option<Moment>,
    #[serde(default)]
    opened: Option<Moment>,
    #[serde(default)]
    closed: Option<Moment>,
    #[serde(default)]
    assessment: Option<Assessed>,
    evidence: EvidenceBody,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    Opened,
    Updated,
    Closed,
    Described,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Assessed {
    label: Option<String>,
    confidence: Option<f32>,
    cause: Option<String>,
    second: Option<String>,
    check: Option<String>,
    #[serde(default)]
    unexplained: Vec<String>,
    #[serde(default)]
    benign: bool,
    #[serde(default)]
    because: Vec<Reason>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    what: String,
    weight: Option<f32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EvidenceBody {
    onset: Moment,
    #[serde(default, rename = "onset_ms")]
    _onset_ms: Option<i64>,
    duration_s: f64,
    #[serde(default)]
    score: Option<f32>,
    #[serde(default)]
    peak_score: Option<f32>,
    #[serde(default)]
    limit: Option<f32>,
    channels: Vec<Channel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Channel {
    name: String,
    #[serde(default)]
    unit: String,
    baseline: Option<f64>,
    now: Option<f64>,
    deviation: Option<f64>,
    deviation_sd: Option<f64>,
    deviates: bool,
    shape: Option<Shape>,
    onset: Option<Moment>,
    #[serde(default, rename = "onset_ms")]
    _onset_ms: Option<i64>,
    order: Option<u32>,
}

/// Reads a message into what a model is told. A device among `known` is called as its
/// configuration calls it; another one as the message does.
///
/// # Errors
/// The field, below `at`, and what is wrong with it.
pub fn read(value: &Value, at: &str, known: &[Subject]) -> Result<Case, ApiError> {
    let below = |error: ApiError| match error.detail.param.clone() {
        Some(param) if param != "." && !at.is_empty() => error.about(format!("{at}.{param}")),
        _ if !at.is_empty() => error.about(at),
        _ => error,
    };
    let read = || {
        let object = fields::object(value.clone(), &[RULES])?;
        let message: Message = fields::parse(&object)?;
        message.check()?;
        Ok(message.case(known))
    };
    read().map_err(below)
}

impl Message {
    fn check(&self) -> Result<(), ApiError> {
        let channels = &self.evidence.channels;
        if channels.is_empty() || channels.len() > CHANNELS {
            return Err(ApiError::value("evidence.channels", format!("takes 1 to {CHANNELS} channels")));
        }
        for (index, channel) in channels.iter().enumerate() {
            let at = |field: &str| format!("evidence.channels[{index}].{field}");
            if channel.name.is_empty() || channels[..index].iter().any(|other| other.name == channel.name) {
                return Err(ApiError::value(at("name"), "must be there, and no other channel's"));
            }
            if channel.deviates && channel.shape.is_none() {
                return Err(ApiError::value(at("shape"), "is missing: the channel deviates"));
            }
        }
        if self.evidence.duration_s < 0.0 {
            return Err(ApiError::value("evidence.duration_s", "must not be below 0"));
        }
        if self.device.is_empty() {
            return Err(ApiError::value("device", "must not be empty"));
        }
        Ok(())
    }

    fn case(self, known: &[Subject]) -> Case {
        let Message { id, device, kind, change, ts, opened, closed, assessment, evidence } = self;
        let evidence = evidence.evidence();
        let subject = subject(&device, kind, &evidence, known);
        let opened = opened.map_or(evidence.onset, moment);
        let closed = closed.map(moment);
        let change = match (change, closed) {
            (Some(Said::Closed), _) | (_, Some(_)) => Change::Closed,
            (Some(Said::Updated | Said::Described), None) => Change::Updated,
            (Some(Said::Opened) | None, None) => Change::Opened,
        };
        let incident = Incident {
            id: id.unwrap_or_else(|| format!("{device}-{opened}")),
            device,
            change,
            opened,
            updated: ts.map(moment).or(closed).unwrap_or(opened),
            closed,
            summary: sentence::summary(&subject, change, &evidence),
            evidence,
        };
        Case { subject, incident, assessment: assessment.map(Assessed::assessment), notes: Vec::new() }
    }
}

impl Assessed {
    fn assessment(self) -> Assessment {
        let Assessed { label, confidence, cause, second, check, unexplained, benign, because } = self;
        let confidence = confidence.unwrap_or(0.0);
        let scores = label.iter().map(|label| (label.clone(), confidence)).collect();
        let because = because.into_iter().map(|Reason { what, weight }| {
            let weight = weight.unwrap_or(f32::NAN);
            Because { what, weight }
        });
        let because = because.collect();
        Assessment { label, confidence, scores, cause, second, check, unexplained, benign, because }
    }
}

impl EvidenceBody {
    fn evidence(self) -> Evidence {
        Evidence {
            onset: moment(self.onset),
            duration_s: self.duration_s,
            score: self.score.unwrap_or(f32::NAN),
            peak_score: self.peak_score.unwrap_or(f32::NAN),
            limit: self.limit.unwrap_or(f32::NAN),
            channels: self.channels.into_iter().map(Channel::evidence).collect(),
        }
    }
}

impl Channel {
    fn evidence(self) -> ChannelEvidence {
        ChannelEvidence {
            name: self.name,
            unit: self.unit,
            baseline: self.baseline.unwrap_or(f64::NAN),
            now: self.now,
            deviation: self.deviation,
            deviation_sd: self.deviation_sd,
            deviates: self.deviates,
            shape: self.shape,
            onset: self.onset.map(moment),
            order: self.order,
        }
    }
}

/// The configuration's names where they are of the same channels.
fn subject(device: &str, kind: Option<String>, evidence: &Evidence, known: &[Subject]) -> Subject {
    let names = || evidence.channels.iter().map(|channel| &channel.name);
    let same = |subject: &&Subject| {
        subject.device == device && subject.channels.iter().map(|channel| &channel.name).eq(names())
    };
    let channel = |channel: &ChannelEvidence| {
        let (name, unit) = (channel.name.clone(), channel.unit.clone());
        ChannelNames::of(&ChannelConfig { name, unit, ..ChannelConfig::default() })
    };
    known.iter().find(same).cloned().unwrap_or_else(|| Subject {
        device: device.to_owned(),
        kind,
        channels: evidence.channels.iter().map(channel).collect(),
    })
}

fn moment(moment: Moment) -> Timestamp {
    Timestamp::from_micros(moment.as_microsecond())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::incident::fixtures;
    use crate::publish::Topics;
    use crate::publish::payload::{self, ModelRef};

    /// A message with as little as is needed.
    fn message() -> Value {
        json!({
            "device": "pump-1",
            "evidence": {
                "onset": "2026-11-21T08:15:00.000Z", "duration_s": 30.0,
                "channels": [{"name": "flow", "unit": "l/min", "baseline": 40.0, "now": 12.5, "deviation": -27.5,
                              "deviates": true, "shape": "step", "onset": "2026-11-21T08:15:00Z", "order": 1}],
            },
        })
    }

    fn published(incident: &Incident) -> Value {
        let topics = Topics::new("lineside", "site", "gateway").unwrap();
        let model = ModelRef { name: "detector".into(), version: "1.0.0".into() };
        let record = payload::incident(&topics, &fixtures::device(&[]), incident, None, &model);
        let body = std::str::from_utf8(&record.body).unwrap();
        // The outbox adds these on the way out.
        let body = body.replacen('{', r#"{"boot":1,"seq":1,"hist":false,"#, 1);
        serde_json::from_str(&body).unwrap()
    }

    #[test]
    fn what_was_published_reads_back_as_the_same_incident() {
        let incident = fixtures::incident();
        let case = read(&published(&incident), "", &[]).unwrap();
        assert_eq!(case.incident, incident);
    }

    proptest! {
        #[test]
        fn whatever_is_published_is_read_or_refused_and_published_again_as_it_was(
            incident in fixtures::any_incident(),
        ) {
            let first = published(&incident);
            if let Ok(case) = read(&first, "", &[]) {
                let again = published(&Incident { summary: incident.summary, ..case.incident });
                prop_assert_eq!(&again["evidence"], &first["evidence"]);
                prop_assert_eq!(&again["opened"], &first["opened"]);
            }
        }
    }

    #[test]
    fn little_is_needed_and_the_sentence_is_made_anew() {
        let mut message = message();
        message["summary"] = json!("It is 99 degrees.");
        let case = read(&message, "", &[]).unwrap();
        assert_eq!(case.incident.change, Change::Opened);
        assert!(case.incident.summary.contains("12.5") && !case.incident.summary.contains("99"));
        assert_eq!(case.subject.channels[0].label, "flow");
    }

    #[test]
    fn a_machine_of_this_gateway_is_called_as_it_is_configured() {
        let channel =
            ChannelNames { name: "flow".into(), unit: "l/min".into(), label: "flow behind the pump".into() };
        let known =
            Subject { device: "pump-1".into(), kind: Some("feed pump".into()), channels: vec![channel] };
        assert_eq!(read(&message(), "", std::slice::from_ref(&known)).unwrap().subject, known);
    }

    #[test]
    fn a_message_that_is_none_is_refused_with_the_path() {
        type Spoil = fn(&mut Value);
        let cases: [(&str, Spoil); 7] = [
            ("incident.device", |m| m["device"] = json!(7)),
            ("incident.samples", |m| m["samples"] = json!([1, 2])),
            ("incident.evidence.channels[0].samples", |m| {
                m["evidence"]["channels"][0]["samples"] = json!([1]);
            }),
            ("incident.evidence.channels[0].shape", |m| m["evidence"]["channels"][0]["shape"] = json!(null)),
            ("incident.evidence.channels", |m| m["evidence"]["channels"] = json!([])),
            ("incident.evidence.onset", |m| m["evidence"]["onset"] = json!("yesterday")),
            ("incident.change", |m| m["change"] = json!("gone")),
        ];
        for (param, spoil) in cases {
            let mut message = message();
            spoil(&mut message);
            let error = read(&message, "incident", &[]).unwrap_err();
            assert_eq!(error.detail.param.as_deref(), Some(param), "{}", error.detail.message);
        }
    }
}
