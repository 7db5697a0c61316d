//! Replays at a factor of real time.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::{Batch, Sink};
use crate::clock::Clock;
use crate::time::Timestamp;

/// The longest period of a device. A longer step in a recording is a gap or a jump of its clock,
/// and is not waited out.
const LONGEST_STEP: Duration = Duration::from_secs(3_600);
/// How often a source that waits asks whether it should stop.
const LOOK: Duration = Duration::from_millis(200);

/// Waits so that recorded time passes at `speed` times real time; 0 does not wait.
pub struct Pace {
    speed: f64,
    clock: Arc<dyn Clock>,
    met: Option<Met>,
}

/// When recorded time and the clock were last brought together.
struct Met {
    recorded: Timestamp,
    clock: Duration,
    /// The newest recorded time since.
    newest: Timestamp,
}

impl Pace {
    /// A pace that begins with the first time it is told.
    #[must_use]
    pub fn new(speed: f64, clock: Arc<dyn Clock>) -> Self {
        Pace { speed, clock, met: None }
    }

    /// Waits until it is the turn of what was recorded at `time`, or the sink wants no more.
    pub fn wait_for(&mut self, time: Timestamp, sink: &mut dyn Sink) -> ControlFlow<()> {
        while let Some(pause) = self.pause_before(time) {
            thread::sleep(pause.min(LOOK));
            if pause > LOOK {
                sink.accept(Batch::default())?;
            }
        }
        ControlFlow::Continue(())
    }

    fn pause_before(&mut self, time: Timestamp) -> Option<Duration> {
        if self.speed <= 0.0 {
            return None;
        }
        let now = self.clock.monotonic();
        let met = self.met.get_or_insert(Met { recorded: time, clock: now, newest: time });
        if time.since(met.newest) > LONGEST_STEP || met.newest.since(time) > LONGEST_STEP {
            *met = Met { recorded: time, clock: now, newest: time };
        }
        met.newest = met.newest.max(time);
        let due = met.clock + time.since(met.recorded).div_f64(self.speed);
        due.checked_sub(now).filter(|pause| !pause.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    const HOUR: i64 = 3_600;

    fn second(n: i64) -> Timestamp {
        Timestamp::from_millis(n * 1_000)
    }

    #[test]
    fn ten_times_real_time_waits_a_tenth() {
        let clock = Arc::new(ManualClock::default());
        let mut pace = Pace::new(10.0, clock.clone());
        assert_eq!(pace.pause_before(second(100)), None);
        assert_eq!(pace.pause_before(second(110)), Some(Duration::from_secs(1)));
        clock.advance(Duration::from_millis(900));
        assert_eq!(pace.pause_before(second(110)), Some(Duration::from_millis(100)));
        clock.advance(Duration::from_millis(100));
        assert_eq!(pace.pause_before(second(110)), None);
    }

    #[test]
    fn a_slow_device_is_replayed_at_its_own_period() {
        let clock = Arc::new(ManualClock::default());
        let mut pace = Pace::new(1.0, clock.clone());
        for row in 0..3 {
            pace.pause_before(second(row * 300));
            assert_eq!(pace.pause_before(second((row + 1) * 300)), Some(Duration::from_secs(300)));
            clock.advance(Duration::from_secs(300));
        }
    }

    #[test]
    fn a_gap_or_a_jump_in_a_recording_is_not_waited_out() {
        for far in [100 * HOUR, -100 * HOUR] {
            let mut pace = Pace::new(1.0, Arc::new(ManualClock::default()));
            pace.pause_before(second(0));
            assert_eq!(pace.pause_before(second(far)), None);
            assert_eq!(pace.pause_before(second(far + 1)), Some(Duration::from_secs(1)));
        }
    }

    #[test]
    fn as_fast_as_possible_never_waits() {
        let mut pace = Pace::new(0.0, Arc::new(ManualClock::default()));
        assert_eq!((pace.pause_before(second(0)), pace.pause_before(second(9))), (None, None));
    }

    #[test]
    fn a_source_that_waits_can_be_stopped() {
        struct Enough;
        impl Sink for Enough {
            fn accept(&mut self, batch: Batch) -> ControlFlow<()> {
                assert_eq!(batch, Batch::default(), "it asks, and delivers nothing");
                ControlFlow::Break(())
            }
        }
        // On a clock that stands still the wait for the next row never ends.
        let mut pace = Pace::new(1.0, Arc::new(ManualClock::default()));
        assert!(pace.wait_for(second(0), &mut Enough).is_continue());
        assert!(pace.wait_for(second(60), &mut Enough).is_break());
    }
}
