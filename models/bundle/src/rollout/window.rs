//! The hours in which devices may go.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The hours in which devices may go, in their local time. May pass midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// From this minute on.
    pub from: Clock,
    /// Until before this minute.
    pub to: Clock,
}

impl Window {
    /// Whether a local time is in it.
    #[must_use]
    pub fn contains(self, time: jiff::civil::Time) -> bool {
        let now = Clock { hour: time.hour(), minute: time.minute() };
        if self.from <= self.to {
            self.from <= now && now < self.to
        } else {
            self.from <= now || now < self.to
        }
    }
}

/// A time of day, `22:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Clock {
    hour: i8,
    minute: i8,
}

impl TryFrom<String> for Clock {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let two = |at: std::ops::Range<usize>, most: i8| {
            let digits = text.get(at).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
            digits.parse::<i8>().ok().filter(|number| *number <= most)
        };
        match (two(0..2, 23), two(3..5, 59)) {
            (Some(hour), Some(minute)) if text.len() == 5 && text.as_bytes()[2] == b':' => {
                Ok(Clock { hour, minute })
            }
            _ => Err(format!("`{text}` must be a time of day such as `22:00`")),
        }
    }
}

impl From<Clock> for String {
    fn from(clock: Clock) -> String {
        clock.to_string()
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}
