//! Times as TUF writes them: `2026-11-21T10:00:00Z`, whole seconds in UTC.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// `time` without its part of a second.
#[must_use]
pub fn whole_seconds(time: Timestamp) -> Timestamp {
    // Flooring to a second that exists cannot leave the range: its lower end is a whole second.
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// `time` as it is written.
#[must_use]
pub fn text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

pub(crate) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(*time))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let found = String::deserialize(deserializer)?;
    match found.parse::<Timestamp>() {
        Ok(time) if text(time) == found => Ok(time),
        _ => Err(D::Error::custom(format!("`{found}` is no time such as `2026-11-21T10:00:00Z`"))),
    }
}
