//! Quantiles of how long something took, in fixed memory: buckets that grow by a fifth, so a
//! quantile is right to within that.

use std::time::Duration;

/// Each bucket is so much wider than the one before.
const GROWTH: f64 = 1.2;
/// From 1 µs to about 80 s.
const BUCKETS: usize = 100;

/// How long something took.
#[derive(Clone, Debug)]
pub struct Latency {
    buckets: [u64; BUCKETS],
    count: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Latency { buckets: [0; BUCKETS], count: 0 }
    }
}

impl Latency {
    /// Takes one measurement.
    pub fn record(&mut self, took: Duration) {
        let micros = took.as_secs_f64() * 1e6;
        let bucket = if micros <= 1.0 { 0 } else { (micros.ln() / GROWTH.ln()).ceil() as usize };
        self.buckets[bucket.min(BUCKETS - 1)] += 1;
        self.count += 1;
    }

    /// How many measurements there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The upper edge, in microseconds, of the bucket that holds the quantile `q` (0 to 1); 0
    /// while nothing was measured.
    #[must_use]
    pub fn quantile_us(&self, q: f64) -> u64 {
        let rank = (q * self.count as f64).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank && seen > 0 {
                return GROWTH.powi(i32::try_from(bucket).unwrap_or(i32::MAX)).ceil() as u64;
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_right_to_within_a_bucket() {
        let mut latency = Latency::default();
        for micros in 1..=1_000 {
            latency.record(Duration::from_micros(micros));
        }
        for (q, exact) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0)] {
            let found = latency.quantile_us(q) as f64;
            assert!((exact..=exact * GROWTH + 1.0).contains(&found), "{q}: {found}");
        }
    }

    #[test]
    fn nothing_measured_is_zero_and_the_slowest_is_kept_in_the_last_bucket() {
        let mut latency = Latency::default();
        assert_eq!(latency.quantile_us(0.95), 0);
        latency.record(Duration::from_secs(10_000));
        assert!(latency.quantile_us(0.95) > 10_000_000);
    }
}
