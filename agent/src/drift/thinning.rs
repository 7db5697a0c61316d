//! Which windows are counted: one in each interval, at a place that differs from one interval to
//! the next, so that a machine whose cycle is as long as the interval is seen in all of its states.

use std::time::Duration;

use crate::time::Timestamp;

/// Chooses one window of each interval.
#[derive(Clone, Debug)]
pub struct Thinning {
    interval: Duration,
    /// How far into an interval a window may be waited for and still surely comes.
    room: Duration,
    slot: Option<Timestamp>,
    taken: bool,
}

impl Thinning {
    /// One window in each `interval`, where windows are `tick` apart; all of them when they are
    /// further apart than that.
    #[must_use]
    pub fn new(interval: Duration, tick: Duration) -> Self {
        let interval = interval.max(tick);
        Thinning { interval, room: interval.saturating_sub(tick), slot: None, taken: false }
    }

    /// The time between two samples.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Whether the window that ends at `time` is counted.
    pub fn takes(&mut self, time: Timestamp) -> bool {
        let slot = time.floor(self.interval);
        if self.slot != Some(slot) {
            self.slot = Some(slot);
            self.taken = false;
        }
        if self.taken || time < slot.plus(self.room.mul_f64(place(slot))) {
            return false;
        }
        self.taken = true;
        true
    }
}

/// Where in the interval that starts at `slot`, from 0 to 1: as good as random, and the same after
/// a restart (the finaliser of SplitMix64).
fn place(slot: Timestamp) -> f64 {
    let mut x = (slot.as_micros() as u64).wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^= x >> 31;
    (x >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(interval_s: u64, tick_s: u64, ticks: i64) -> Vec<i64> {
        let mut thinning = Thinning::new(Duration::from_secs(interval_s), Duration::from_secs(tick_s));
        let times = (0..ticks).map(|tick| Timestamp::from_millis(tick * tick_s as i64 * 1_000));
        times.filter(|&time| thinning.takes(time)).map(|time| time.as_millis() / 1_000).collect()
    }

    #[test]
    fn every_interval_gives_one_sample_at_differing_places() {
        let taken = taken(900, 1, 90_000);
        assert_eq!(taken.len(), 100);
        assert!(taken.iter().enumerate().all(|(slot, time)| time / 900 == slot as i64));
        let early = taken.iter().filter(|time| *time % 900 < 450).count();
        assert!((30..=70).contains(&early), "{early} of 100 in the first half");
    }

    #[test]
    fn no_interval_is_missed_where_windows_are_nearly_as_rare() {
        assert_eq!(taken(900, 600, 300).len(), 200, "300 windows of 10 min, 200 intervals of 15 min");
    }

    #[test]
    fn windows_that_are_rarer_than_the_interval_are_all_counted() {
        assert_eq!(taken(900, 3_600, 50).len(), 50);
    }
}
