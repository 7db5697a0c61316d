//! What time it is for signatures that expire, on a board whose clock may have been reset.
//!
//! A clock in 1970 would make everything expired look fresh, so the time never falls below the
//! latest of: when this code was written, and the last time at which a server's metadata was
//! found fresh. A clock years ahead makes everything look expired: nothing is installed, the
//! active model runs on, `stale_metadata` says so; it never raises the floor, because nothing is
//! found fresh at such a time.

use std::io;
use std::sync::Arc;

use super::disk::{self, Disk};
use crate::time::Timestamp;

/// No gateway runs this code before it was written: 2026-11-01.
const WRITTEN: Timestamp = Timestamp::from_micros(1_793_491_200_000_000);
/// Last time at which metadata was found fresh, in microseconds since 1970, as text.
const FILE: &str = "last_good_time";
/// The floor is written at most this often: a poll each second must not wear out the card.
const WRITE_EVERY_US: i64 = 3_600_000_000;

/// The floor under the gateway's clock.
pub struct DeviceClock {
    disk: Arc<dyn Disk>,
    floor: Timestamp,
}

impl DeviceClock {
    /// Reads the floor; without one it is the time at which this code was written.
    #[must_use]
    pub fn open(disk: Arc<dyn Disk>) -> Self {
        let kept = disk.read(FILE).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let kept = kept.and_then(|text| text.trim().parse().ok()).map(Timestamp::from_micros);
        DeviceClock { disk, floor: kept.map_or(WRITTEN, |kept| kept.max(WRITTEN)) }
    }

    /// The time to judge expiry by.
    #[must_use]
    pub fn now(&self, wall: Timestamp) -> Timestamp {
        wall.max(self.floor)
    }

    /// Metadata was found fresh at this time.
    ///
    /// # Errors
    /// When the floor cannot be written; it holds in memory.
    pub fn found_fresh(&mut self, at: Timestamp) -> io::Result<()> {
        if at.as_micros() - self.floor.as_micros() < WRITE_EVERY_US {
            return Ok(());
        }
        self.floor = at;
        disk::replace(self.disk.as_ref(), FILE, at.as_micros().to_string().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::disk::RealDisk;

    fn later(days: i64) -> Timestamp {
        Timestamp::from_micros(WRITTEN.as_micros() + days * 86_400_000_000)
    }

    #[test]
    fn row_20_a_clock_in_1970_is_held_up_by_the_last_good_time_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path().to_owned()));
        let mut clock = DeviceClock::open(Arc::clone(&disk));
        assert_eq!(clock.now(Timestamp::EPOCH), WRITTEN);
        clock.found_fresh(later(10)).unwrap();
        assert_eq!(DeviceClock::open(disk).now(Timestamp::EPOCH), later(10));
    }

    #[test]
    fn row_20_a_clock_years_ahead_does_not_raise_the_floor() {
        let folder = tempfile::tempdir().unwrap();
        let clock = DeviceClock::open(Arc::new(RealDisk::new(folder.path().to_owned())));
        assert_eq!(clock.now(later(4_000)), later(4_000), "everything looks expired");
        assert_eq!(clock.now(later(1)), later(1), "and is fresh again once the clock is set");
    }
}
