//! Delivery in figures.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;

use crate::time::Timestamp;

/// Latencies that are remembered for the quantiles.
const REMEMBERED: usize = 1024;

/// Delivery in figures, since the publisher was started.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PublishStats {
    /// Whether the broker is connected now.
    pub connected: bool,
    /// Since when that is so.
    pub since: Option<Timestamp>,
    /// Connections attempted.
    pub attempts: u64,
    /// Connections made.
    pub connections: u64,
    /// Why the last attempt, connection or publication failed, in words; it stays after recovery.
    pub last_error: Option<String>,
    /// Records the broker has acknowledged.
    pub acknowledged: u64,
    /// Answers of the broker that refuse a record for now; it stays in the outbox.
    pub refused: u64,
    /// Records set aside because they can never be delivered.
    pub set_aside: u64,
    /// Messages out and not yet acknowledged.
    pub in_flight: usize,
    /// From handing over to acknowledgement, over the last records that were not sent late.
    pub latency: Latency,
}

/// Quantiles of a latency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Latency {
    /// The median, in seconds; `None` before the first acknowledgement.
    pub p50_s: Option<f64>,
    /// The 99th percentile, in seconds.
    pub p99_s: Option<f64>,
}

/// The last latencies.
#[derive(Debug, Default)]
pub(super) struct Latencies(VecDeque<Duration>);

impl Latencies {
    pub fn record(&mut self, latency: Duration) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(latency);
    }

    pub fn quantiles(&self) -> Latency {
        let mut sorted: Vec<Duration> = self.0.iter().copied().collect();
        sorted.sort_unstable();
        let at = |percent: usize| {
            let last = sorted.len().checked_sub(1)?;
            sorted.get((last * percent).div_ceil(100)).map(Duration::as_secs_f64)
        };
        Latency { p50_s: at(50), p99_s: at(99) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_last_latencies() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.quantiles(), Latency::default());
        for _ in 0..REMEMBERED {
            latencies.record(Duration::from_secs(100));
        }
        for millis in 0..REMEMBERED as u64 {
            latencies.record(Duration::from_millis(millis));
        }
        let Latency { p50_s, p99_s } = latencies.quantiles();
        assert_eq!((p50_s, p99_s), (Some(0.512), Some(1.013)));
    }
}
