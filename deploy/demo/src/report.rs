//! The closing table.

use std::fmt;

use lineside::update::event::Phase;
use serde_json::{Value, json};

use crate::updates::Fate;

/// Where the meanings begin, for lines that have no number.
const INDENT: &str = "                    ";

/// The demo's figures.
pub struct Report {
    /// Samples the gateway accepted from the machine.
    pub samples: u64,
    /// Windows the detector scored.
    pub windows: u64,
    /// Incidents that were opened.
    pub incidents: u64,
    /// Messages of all kinds that reached the control room.
    pub messages: u64,
    /// Records the outbox accepted.
    pub accepted: u64,
    /// Accepted records that never reached the control room.
    pub lost: u64,
    /// Records that reached it more than once.
    pub duplicated: u64,
    /// Records that arrived late because of the outage.
    pub late: u64,
    /// From sample to PUBACK while connected, in milliseconds.
    pub p50_ms: f64,
    /// As above, the 99th percentile.
    pub p99_ms: f64,
    /// Resident memory of this process, broker, OTA server and control room included, in MiB.
    pub memory_mib: f64,
    /// What became of the detector's releases.
    pub models: Models,
}

/// What became of the detector's releases.
pub struct Models {
    /// The version that ran first.
    pub before: String,
    /// The version that ran last.
    pub after: String,
    /// Windows that were due and that no detector answered; `None` where it cannot be told how many
    /// were due.
    pub left_out: Option<u64>,
    /// The releases that were published, in their order.
    pub fates: Vec<Fate>,
}

impl Models {
    fn json(&self) -> Value {
        let fates = self.fates.iter().map(|fate| {
            json!({
                "version": fate.release.version,
                "phase": fate.last.as_ref().map(|event| event.phase),
                "reason": fate.last.as_ref().map(|event| &event.reason),
                "server_heard": fate.heard,
            })
        });
        json!({
            "before": self.before,
            "after": self.after,
            "windows_left_out": self.left_out,
            "published": fates.collect::<Vec<_>>(),
        })
    }

    fn line(&self, fate: &Fate) -> String {
        let version = fate.release.version;
        let Some(Phase::Committed) = fate.last.as_ref().map(|event| event.phase) else {
            return format!("{version} {fate}");
        };
        let shadow = match fate.shadowed {
            true => format!(" after {} windows in shadow", fate.release.shadow_windows),
            false => String::new(),
        };
        let left_out = self.left_out.map(|windows| format!(", {windows} windows left out"));
        let left_out = left_out.unwrap_or_default();
        format!("{} → {version} taken over live{shadow}{left_out}", self.before)
    }
}

impl fmt::Display for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<String> = self.fates.iter().map(|fate| self.line(fate)).collect();
        lines.push(format!("{} runs at the end", self.after));
        f.write_str(&lines.join(&format!(";\n{INDENT}")))
    }
}

impl Report {
    fn rows(&self) -> [(&'static str, Value, &'static str); 11] {
        [
            ("samples_in", json!(self.samples), "from the machine"),
            ("windows_scored", json!(self.windows), "by the detector on tract"),
            ("incidents", json!(self.incidents), "opened"),
            ("messages", json!(self.messages), "reached the control room"),
            ("records_accepted", json!(self.accepted), "by the outbox"),
            ("lost", json!(self.lost), "accepted but never arrived"),
            ("duplicated", json!(self.duplicated), "arrived twice, told by boot and seq"),
            ("late", json!(self.late), "arrived after the outage, marked `hist`"),
            ("p50_ms", json!(self.p50_ms), "sample to PUBACK while connected"),
            ("p99_ms", json!(self.p99_ms), "sample to PUBACK while connected"),
            ("memory_mib", json!(self.memory_mib), "resident; broker, OTA server and control room included"),
        ]
    }

    /// As one JSON object.
    pub fn json(&self) -> Value {
        let rows = self.rows().into_iter().map(|(name, value, _)| (name.to_owned(), value));
        rows.chain([("models".to_owned(), self.models.json())]).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value, meaning) in self.rows() {
            let value = match value.as_f64() {
                Some(number) if value.is_f64() => format!("{number:.1}"),
                _ => value.to_string(),
            };
            writeln!(f, "  {:<17}{value:>10}   {meaning}", name.replace('_', " "))?;
        }
        writeln!(f, "  {:<18}{}", "models", self.models)
    }
}
