//! Whether a model does its work since it took its place: what an update watches.

use crate::latency::Latency;

/// How a model does since it took its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelHealth {
    /// Requests that it answered.
    pub answered: u64,
    /// Requests that it was given and did not answer: it failed, did not fit, or was too slow.
    pub failures: u64,
    /// 95th percentile of the time for an answer, without waiting, in microseconds.
    pub p95_us: u64,
}

/// The counters behind a [`ModelHealth`].
#[derive(Clone, Debug, Default)]
pub(super) struct Pulse {
    pub failures: u64,
    pub latency: Latency,
}

impl Pulse {
    pub fn health(&self) -> ModelHealth {
        ModelHealth {
            answered: self.latency.count(),
            failures: self.failures,
            p95_us: self.latency.quantile_us(0.95),
        }
    }
}
