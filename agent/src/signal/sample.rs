//! A sample: one value of one channel at one moment, or the reason why there is none.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The position of a channel in its device's configuration.
pub type ChannelIx = usize;

/// One value of one channel of a device, as a source delivers it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Which channel of the device.
    pub channel: ChannelIx,
    /// When it was measured.
    pub time: Timestamp,
    /// The value in the channel's unit, always finite, or why it cannot be used.
    pub value: Result<f64, BadSample>,
}

/// Why an input was not used. Each one is counted under this name, by device and channel, and
/// never has an effect on another channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BadSample {
    /// The field is absent or empty.
    Missing,
    /// The value is NaN or infinite.
    NotFinite,
    /// Text where a number should be.
    NotANumber,
    /// Outside the physical range that the configuration gives for the channel.
    OutOfRange,
    /// The same channel at the same time again: the first one stays.
    Duplicate,
    /// Older than a frame that is already closed.
    TooLate,
    /// The timestamp cannot be read.
    BadTimestamp,
    /// The source's clock jumped back: the sample is older than the last by more than the
    /// tolerated disorder.
    ClockBack,
    /// The source's clock jumped ahead further than the allowed gap.
    ClockAhead,
    /// The payload or line as a whole cannot be parsed.
    Malformed,
}

impl BadSample {
    /// All reasons, in the order of their counters.
    pub const ALL: [BadSample; 10] = [
        BadSample::Missing,
        BadSample::NotFinite,
        BadSample::NotANumber,
        BadSample::OutOfRange,
        BadSample::Duplicate,
        BadSample::TooLate,
        BadSample::BadTimestamp,
        BadSample::ClockBack,
        BadSample::ClockAhead,
        BadSample::Malformed,
    ];

    /// The reason's name in metrics, reports and documentation.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            BadSample::Missing => "missing",
            BadSample::NotFinite => "not_finite",
            BadSample::NotANumber => "not_a_number",
            BadSample::OutOfRange => "out_of_range",
            BadSample::Duplicate => "duplicate",
            BadSample::TooLate => "too_late",
            BadSample::BadTimestamp => "bad_timestamp",
            BadSample::ClockBack => "clock_back",
            BadSample::ClockAhead => "clock_ahead",
            BadSample::Malformed => "malformed",
        }
    }
}

impl fmt::Display for BadSample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_documented_with_its_outcome() {
        let page = include_str!("../../../docs/reference/bad-input.md");
        let documented: Vec<_> = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
            .map(|(name, _)| name)
            .filter(|name| !["csv", "mqtt", "simulate"].contains(name))
            .collect();
        assert_eq!(documented, BadSample::ALL.map(BadSample::name));
    }
}
