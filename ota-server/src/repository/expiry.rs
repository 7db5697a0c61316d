//! How long metadata lives.

use jiff::{SignedDuration, Timestamp};

/// Hours of a day.
const DAY: i64 = 24;

/// How long each role lives from when it is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiries {
    /// `root`: people meet once a year.
    pub root: SignedDuration,
    /// `targets` and `models-NAME`: a release counts for a year.
    pub targets: SignedDuration,
    /// `rollouts`, signed by the server.
    pub rollouts: SignedDuration,
    /// `snapshot`, signed by the server.
    pub snapshot: SignedDuration,
    /// `timestamp`: how long a device can be held at an old state without noticing.
    pub timestamp: SignedDuration,
}

impl Default for Expiries {
    fn default() -> Self {
        Expiries {
            root: SignedDuration::from_hours(365 * DAY),
            targets: SignedDuration::from_hours(365 * DAY),
            rollouts: SignedDuration::from_hours(7 * DAY),
            snapshot: SignedDuration::from_hours(7 * DAY),
            timestamp: SignedDuration::from_hours(DAY),
        }
    }
}

/// When something is signed, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The time now.
    pub now: Timestamp,
    /// How long what is signed now lives.
    pub expiries: Expiries,
}

impl Terms {
    /// `now`, with the usual lives.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Terms { now, expiries: Expiries::default() }
    }

    /// The end of something that lives for `life` from now.
    #[must_use]
    pub fn end(&self, life: SignedDuration) -> Timestamp {
        self.now.saturating_add(life).unwrap_or(Timestamp::MAX)
    }

    /// Whether less than half of `life` is left until `expires`: then it is signed again, so that a
    /// server that is down for half a life loses nothing.
    #[must_use]
    pub fn is_due(&self, expires: Timestamp, life: SignedDuration) -> bool {
        expires.duration_since(self.now) < life / 2
    }
}
