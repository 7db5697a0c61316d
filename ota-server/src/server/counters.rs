//! What the server counts, for `/metrics`.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// So many more.
    pub fn add_all(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    /// How many.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Reports by what became of them, and what the server did by itself.
#[derive(Debug, Default)]
pub struct Counters {
    /// Committed.
    pub taken: Counter,
    /// Of those, such as brought nothing new.
    pub repeated: Counter,
    /// Unknown device or wrong signature.
    pub unauthorised: Counter,
    /// Over an allowance.
    pub limited: Counter,
    /// Too large or not a report.
    pub refused: Counter,
    /// Not written: the database was busy or full.
    pub unavailable: Counter,
    /// Times the metadata was signed anew because it was due.
    pub refreshes: Counter,
    /// Times that failed; look at the log.
    pub refresh_failures: Counter,
    /// Rollouts that paused by themselves.
    pub pauses: Counter,
    /// Events deleted because of their age.
    pub pruned: Counter,
}

impl Counters {
    /// Prometheus text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# TYPE lineside_ota_reports_total counter");
        for (result, counter) in [
            ("taken", &self.taken),
            ("unauthorised", &self.unauthorised),
            ("limited", &self.limited),
            ("refused", &self.refused),
            ("unavailable", &self.unavailable),
        ] {
            let _ = writeln!(text, "lineside_ota_reports_total{{result=\"{result}\"}} {}", counter.get());
        }
        for (name, counter) in [
            ("reports_repeated", &self.repeated),
            ("refreshes", &self.refreshes),
            ("refresh_failures", &self.refresh_failures),
            ("rollout_pauses", &self.pauses),
            ("events_pruned", &self.pruned),
        ] {
            let _ = writeln!(text, "# TYPE lineside_ota_{name}_total counter");
            let _ = writeln!(text, "lineside_ota_{name}_total {}", counter.get());
        }
        text
    }
}
