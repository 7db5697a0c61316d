//! The routes of our own: what an incident or a text is, what happened in an incident or a shift.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::ApiError;
use super::fields::{self, Rule, Rules};
use super::incident;
use super::openai::Tokens;
use crate::incident::sentence::Subject;
use crate::publish::payload::Report;
use crate::slm::case::{Assessment, Because, Case};
use crate::slm::description::WordedBy;
use crate::slm::runtime::{Answer, Request, Usage, Words};
use crate::time::Timestamp;

/// Most notes to an incident, and incidents of a report.
const NOTES: usize = 32;
const INCIDENTS: usize = 1_000;

/// A question with the model that is to answer it.
pub(super) struct Asked<T> {
    pub(super) model: Option<String>,
    pub(super) what: T,
}

/// `POST /v1/classify`: a text, or an incident.
pub(super) fn classify(body: &[u8], known: &[Subject]) -> Result<Asked<Request>, ApiError> {
    const RULES: Rules =
        &[("model", Rule::Taken), ("text", Rule::Taken), ("incident", Rule::Taken), ("notes", Rule::Taken)];
    #[derive(Deserialize)]
    struct Own {
        model: Option<String>,
        text: Option<String>,
        incident: Option<Value>,
        notes: Option<Vec<String>>,
    }
    let Own { model, text, incident, notes } = fields::parse(&fields::read(body, &[RULES])?)?;
    let what = match (text, incident) {
        (Some(text), None) if notes.is_none() => Request::ClassifyText { text },
        (None, Some(incident)) => Request::ClassifyIncident(Box::new(case(&incident, notes, known)?)),
        (Some(_), None) => return Err(ApiError::value("notes", "`notes` go with an incident")),
        _ => return Err(ApiError::value("text", "send either `text` or `incident`")),
    };
    Ok(Asked { model, what })
}

/// `POST /v1/summarize`: an incident.
pub(super) fn summarize(body: &[u8], known: &[Subject]) -> Result<Asked<Request>, ApiError> {
    const RULES: Rules = &[("model", Rule::Taken), ("incident", Rule::Taken), ("notes", Rule::Taken)];
    #[derive(Deserialize)]
    struct Own {
        model: Option<String>,
        incident: Value,
        notes: Option<Vec<String>>,
    }
    let Own { model, incident, notes } = fields::parse(&fields::read(body, &[RULES])?)?;
    Ok(Asked { model, what: Request::SummarizeIncident(Box::new(case(&incident, notes, known)?)) })
}

/// A period, with its incidents where the gateway's own are not meant.
pub(super) struct Period {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) cases: Option<Vec<Case>>,
}

/// `POST /v1/report`: a period.
pub(super) fn report(body: &[u8], known: &[Subject]) -> Result<Period, ApiError> {
    const RULES: Rules = &[("from", Rule::Taken), ("to", Rule::Taken), ("incidents", Rule::Taken)];
    #[derive(Deserialize)]
    struct Own {
        from: jiff::Timestamp,
        to: jiff::Timestamp,
        incidents: Option<Vec<Value>>,
    }
    let Own { from, to, incidents } = fields::parse(&fields::read(body, &[RULES])?)?;
    if from >= to {
        return Err(ApiError::value("to", "`to` must be after `from`"));
    }
    if incidents.as_ref().is_some_and(|incidents| incidents.len() > INCIDENTS) {
        return Err(ApiError::value("incidents", format!("`incidents` takes up to {INCIDENTS}")));
    }
    let read = |(index, value): (usize, &Value)| incident::read(value, &format!("incidents[{index}]"), known);
    let cases = incidents.map(|incidents| incidents.iter().enumerate().map(read).collect()).transpose()?;
    let moment = |moment: jiff::Timestamp| Timestamp::from_micros(moment.as_microsecond());
    Ok(Period { from: moment(from), to: moment(to), cases })
}

/// What an answer took.
#[derive(Serialize)]
struct Took {
    #[serde(flatten)]
    tokens: Tokens,
    /// Milliseconds of the processor.
    cpu_ms: f64,
    /// Milliseconds in the queue.
    waited_ms: f64,
    /// Milliseconds from the queue to the answer.
    took_ms: f64,
}

impl From<Usage> for Took {
    fn from(usage: Usage) -> Self {
        let ms = |time: std::time::Duration| (time.as_secs_f64() * 1e6).round() / 1e3;
        let (cpu_ms, waited_ms, took_ms) = (ms(usage.cpu), ms(usage.waited), ms(usage.took));
        Took { tokens: usage.into(), cpu_ms, waited_ms, took_ms }
    }
}

/// What something was classified as, as it is answered.
#[derive(Serialize)]
pub(crate) struct Found {
    label: Option<String>,
    confidence: f32,
    scores: Vec<Score>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    second: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unexplained: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    benign: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    because: Vec<Because>,
}

#[derive(Serialize)]
struct Score {
    label: String,
    probability: f32,
}

impl From<Assessment> for Found {
    fn from(assessment: Assessment) -> Self {
        let Assessment { label, confidence, scores, cause, second, check, unexplained, benign, because } =
            assessment;
        let score = |(label, probability)| Score { label, probability };
        let scores = scores.into_iter().map(score).collect();
        Found { label, confidence, scores, cause, second, check, unexplained, benign, because }
    }
}

/// A class, as it is answered.
pub(super) fn class(answer: &Answer, assessment: &Assessment) -> impl Serialize {
    #[derive(Serialize)]
    struct Body {
        #[serde(flatten)]
        found: Found,
        #[serde(skip_serializing_if = "Option::is_none")]
        normalised: Option<String>,
        model: String,
        version: String,
        usage: Took,
    }
    Body {
        found: assessment.clone().into(),
        normalised: answer.normalised.clone(),
        model: answer.model.clone(),
        version: answer.version.clone(),
        usage: answer.usage.into(),
    }
}

/// Words about an incident, as they are answered.
pub(super) fn words(answer: &Answer, words: &Words) -> impl Serialize {
    #[derive(Serialize)]
    struct Body {
        summary: String,
        summary_by: WordedBy,
        fallback: Option<String>,
        model: String,
        version: String,
        usage: Took,
    }
    Body {
        summary: words.text.clone(),
        summary_by: answer.by,
        fallback: words.fallback.clone(),
        model: answer.model.clone(),
        version: answer.version.clone(),
        usage: answer.usage.into(),
    }
}

/// A report, as it is published and answered.
pub(super) fn reported(report: &Report) -> impl Serialize {
    #[derive(Serialize)]
    struct Body {
        from: String,
        to: String,
        incidents: Vec<String>,
        report: String,
        report_by: WordedBy,
        models: std::collections::BTreeMap<String, String>,
    }
    Body {
        from: report.from.to_rfc3339(),
        to: report.to.to_rfc3339(),
        incidents: report.incidents.clone(),
        report: report.text.clone(),
        report_by: report.by,
        models: report.models.iter().map(|model| (model.name.clone(), model.version.clone())).collect(),
    }
}

fn case(incident: &Value, notes: Option<Vec<String>>, known: &[Subject]) -> Result<Case, ApiError> {
    let notes = notes.unwrap_or_default();
    if notes.len() > NOTES {
        return Err(ApiError::value("notes", format!("`notes` takes up to {NOTES} texts")));
    }
    Ok(Case { notes, ..incident::read(incident, "incident", known)? })
}
