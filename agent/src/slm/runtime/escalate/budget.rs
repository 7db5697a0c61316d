//! How often a larger model may still be asked today.
//!
//! A request is counted on the disk before it is sent, so that no restart gives one back. A day is
//! one of UTC. A clock that stands before the day of the file (a board without one, before it was
//! set) does not begin another day; one that was ahead is believed again after a day of running.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::durable;
use crate::time::Timestamp;

const DAY: Duration = Duration::from_secs(86_400);

/// How often a larger model may still be asked today.
#[derive(Debug)]
pub struct Budget {
    per_day: u32,
    file: PathBuf,
    spent: Spent,
    /// When the count began here, on the monotonic clock.
    since: Duration,
}

/// What was spent on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Spent {
    /// Days since the epoch, UTC.
    day: i64,
    requests: u32,
}

impl Budget {
    /// The budget that is kept in `file`. `now` is on the wall clock, `running` on the monotonic one.
    /// What cannot be read counts as spent for today.
    #[must_use]
    pub fn open(file: PathBuf, per_day: u32, now: Timestamp, running: Duration) -> Self {
        let spent = match std::fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| error.to_string()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Spent::default()),
            Err(error) => Err(error.to_string()),
        };
        let spent = spent.unwrap_or_else(|error| {
            let file = file.display();
            tracing::warn!("{file}: {error}; nothing is escalated today");
            Spent { day: day(now), requests: per_day }
        });
        Budget { per_day, file, spent, since: running }
    }

    /// Takes one request out, durably. Returns whether there was one.
    ///
    /// # Errors
    /// When it cannot be written down: nothing may be asked then.
    pub fn take(&mut self, now: Timestamp, running: Duration) -> io::Result<bool> {
        let today = day(now);
        if today > self.spent.day || running.saturating_sub(self.since) >= DAY {
            self.spent = Spent { day: today, requests: 0 };
            self.since = running;
        }
        if self.spent.requests >= self.per_day {
            return Ok(false);
        }
        let spent = Spent { requests: self.spent.requests + 1, ..self.spent };
        let bytes = serde_json::to_vec(&spent).map_err(io::Error::other)?;
        durable::replace(&self.file, &bytes)?;
        self.spent = spent;
        Ok(true)
    }
}

fn day(now: Timestamp) -> i64 {
    now.as_millis().div_euclid(DAY.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);
    /// 2026-11-21 08:00 UTC.
    const MORNING: Timestamp = Timestamp::from_millis(1_795_248_000_000);

    fn budget(folder: &std::path::Path, now: Timestamp) -> Budget {
        Budget::open(folder.join("budget"), 2, now, Duration::ZERO)
    }

    #[test]
    fn a_restart_gives_no_request_back_and_a_new_day_gives_them_all() {
        let folder = tempfile::tempdir().unwrap();
        assert!(budget(folder.path(), MORNING).take(MORNING, Duration::ZERO).unwrap());
        assert!(budget(folder.path(), MORNING).take(MORNING, Duration::ZERO).unwrap());
        let mut third = budget(folder.path(), MORNING);
        assert!(!third.take(MORNING, Duration::ZERO).unwrap());
        assert!(!third.take(MORNING.plus(15 * HOUR), 15 * HOUR).unwrap());
        assert!(third.take(MORNING.plus(16 * HOUR), 16 * HOUR).unwrap());
    }

    #[test]
    fn a_clock_that_is_not_set_begins_no_day() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            budget(folder.path(), MORNING).take(MORNING, Duration::ZERO).unwrap();
        }
        let mut unset = budget(folder.path(), Timestamp::EPOCH);
        assert!(!unset.take(Timestamp::EPOCH, Duration::ZERO).unwrap());
        assert!(!unset.take(MORNING, HOUR).unwrap(), "set to the day that was spent");
    }

    #[test]
    fn a_clock_that_was_ahead_is_believed_again_after_a_day() {
        let folder = tempfile::tempdir().unwrap();
        let ahead = MORNING.plus(Duration::from_secs(86_400 * 3_650));
        for _ in 0..2 {
            budget(folder.path(), ahead).take(ahead, Duration::ZERO).unwrap();
        }
        let mut set = budget(folder.path(), MORNING);
        assert!(!set.take(MORNING, Duration::ZERO).unwrap());
        assert!(set.take(MORNING.plus(DAY), DAY).unwrap());
    }

    #[test]
    fn what_cannot_be_read_or_written_is_not_spent() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("budget"), b"damaged").unwrap();
        assert!(!budget(folder.path(), MORNING).take(MORNING, Duration::ZERO).unwrap());
        let mut nowhere = Budget::open(folder.path().join("no/budget"), 2, MORNING, Duration::ZERO);
        assert!(nowhere.take(MORNING, Duration::ZERO).is_err());
    }
}
