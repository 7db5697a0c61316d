//! Points in time: microseconds since the Unix epoch, UTC.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in time, in microseconds since 1970-01-01T00:00:00Z. Negative before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Timestamp = Timestamp(0);

    /// From microseconds since the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Timestamp(micros)
    }

    /// From milliseconds since the epoch; saturates at the ends of the range.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Timestamp(millis.saturating_mul(1_000))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole milliseconds since the epoch, rounded down.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// This moment plus a duration; saturates.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Timestamp(self.0.saturating_add(micros(duration)))
    }

    /// This moment minus a duration; saturates.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Timestamp(self.0.saturating_sub(micros(duration)))
    }

    /// How long after `earlier` this moment is; zero if it is before it.
    #[must_use]
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0).max(0).unsigned_abs())
    }

    /// The start of the period that holds this moment, counted from the epoch.
    ///
    /// `period` must not be zero.
    #[must_use]
    pub fn floor(self, period: Duration) -> Self {
        let period = micros(period);
        Timestamp(self.0.div_euclid(period).saturating_mul(period))
    }

    /// RFC 3339 with milliseconds, in UTC: `2026-11-21T08:15:00.000Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(t) => format!("{t:.3}"),
            // Outside years -9999..=9999 there is no calendar date to write.
            Err(_) => format!("{}us", self.0),
        }
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floor_rounds_down_before_and_after_the_epoch() {
        let second = Duration::from_secs(1);
        assert_eq!(Timestamp::from_micros(1_500_000).floor(second).as_micros(), 1_000_000);
        assert_eq!(Timestamp::from_micros(-1).floor(second).as_micros(), -1_000_000);
    }

    #[test]
    fn rfc3339_has_milliseconds_and_utc() {
        assert_eq!(Timestamp::from_millis(1_795_248_000_123).to_rfc3339(), "2026-11-21T08:00:00.123Z");
    }
}
