//! `report`: what happened in a shift, in words. Not retained.

use serde::Serialize;

use super::{ModelRef, Models, Stamp, json};
use crate::outbox::{Priority, Record};
use crate::publish::Topics;
use crate::slm::description::WordedBy;
use crate::time::Timestamp;

/// What happened in a period, in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// When the period began.
    pub from: Timestamp,
    /// When it ended; the time of the message.
    pub to: Timestamp,
    /// The incidents that it tells of, by their ids, the weightiest first.
    pub incidents: Vec<String>,
    /// The words.
    pub text: String,
    /// Who found them.
    pub by: WordedBy,
    /// The models behind it.
    pub models: Vec<ModelRef>,
}

#[derive(Serialize)]
struct Message<'a> {
    #[serde(flatten)]
    stamp: Stamp,
    from: String,
    from_ms: i64,
    incidents: &'a [String],
    report: &'a str,
    report_by: WordedBy,
    models: Models<'a>,
}

/// The report of a shift, for the outbox.
#[must_use]
pub fn report(topics: &Topics, report: &Report) -> Record {
    let message = Message {
        stamp: Stamp::of(report.to),
        from: report.from.to_rfc3339(),
        from_ms: report.from.as_millis(),
        incidents: &report.incidents,
        report: &report.text,
        report_by: report.by,
        models: Models(&report.models),
    };
    Record { priority: Priority::Incident, topic: topics.report(), body: json(&message) }
}
