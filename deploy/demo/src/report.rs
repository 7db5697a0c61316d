//! The closing table.

use serde_json::{Value, json};

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
    /// Resident memory of this process, broker and control room included, in MiB.
    pub memory_mib: f64,
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
            ("memory_mib", json!(self.memory_mib), "resident; broker and control room included"),
        ]
    }

    /// As one JSON object.
    pub fn json(&self) -> Value {
        self.rows().into_iter().map(|(name, value, _)| (name.to_owned(), value)).collect()
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, value, meaning) in self.rows() {
            let value = match value.as_f64() {
                Some(number) if value.is_f64() => format!("{number:.1}"),
                _ => value.to_string(),
            };
            writeln!(f, "  {:<17}{value:>10}   {meaning}", name.replace('_', " "))?;
        }
        Ok(())
    }
}
