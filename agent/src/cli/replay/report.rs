//! The closing report of a replay.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// What went through, and how fast.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Tally {
    /// Rows read.
    pub rows: u64,
    /// Samples taken.
    pub samples: u64,
    /// Samples not used, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Windows scored.
    pub windows: u64,
    /// Incidents opened.
    pub incidents: u64,
    /// Records handed to the outbox.
    pub records: u64,
    /// Wall time, in seconds.
    pub wall_s: f64,
}

impl Tally {
    /// Samples a second of wall time, used or not.
    #[must_use]
    pub fn samples_per_second(&self) -> f64 {
        let samples = self.samples + self.rejected.values().sum::<u64>();
        if self.wall_s > 0.0 { samples as f64 / self.wall_s } else { 0.0 }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, name: &str, value: &dyn fmt::Display| {
            writeln!(f, "{name:<18} {value:>12}")
        };
        line(f, "rows", &self.rows)?;
        line(f, "samples", &self.samples)?;
        for (reason, count) in &self.rejected {
            line(f, &format!("  not used: {reason}"), count)?;
        }
        line(f, "windows scored", &self.windows)?;
        line(f, "incidents", &self.incidents)?;
        line(f, "records kept", &self.records)?;
        line(f, "wall time", &format!("{:.2?}", Duration::from_secs_f64(self.wall_s)))?;
        line(f, "samples/s", &format!("{:.0}", self.samples_per_second()))
    }
}
