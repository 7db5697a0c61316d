//! Is a transfer fast enough? Measured over a sliding window, so that a good start does not excuse
//! a stuck end, and a short pause is no offence.

use std::collections::VecDeque;
use std::time::Duration;

/// Steps in which the window slides: fine enough to be fair, few enough to keep.
const STEPS: u32 = 16;

/// Bytes of the last window, against the least that is due in it.
#[derive(Debug)]
pub(super) struct Meter {
    least: u128,
    window: Duration,
    started: Duration,
    /// Start of a step, and the bytes that arrived in it.
    steps: VecDeque<(Duration, u64)>,
}

impl Meter {
    /// A meter that starts now and wants `rate` bytes a second over each `window`.
    pub fn new(rate: u64, window: Duration, now: Duration) -> Self {
        let least = u128::from(rate) * window.as_millis() / 1000;
        Meter { least, window, started: now, steps: VecDeque::new() }
    }

    /// Counts `bytes` that have just arrived; `false` when the last window brought too few.
    pub fn keeps_up(&mut self, now: Duration, bytes: usize) -> bool {
        let bytes = bytes as u64;
        match self.steps.back_mut() {
            Some((start, sum)) if now.saturating_sub(*start) < self.window / STEPS => {
                *sum = sum.saturating_add(bytes);
            }
            _ => self.steps.push_back((now, bytes)),
        }
        while self.steps.front().is_some_and(|(start, _)| now.saturating_sub(*start) > self.window) {
            self.steps.pop_front();
        }
        let arrived: u128 = self.steps.iter().map(|(_, bytes)| u128::from(*bytes)).sum();
        now.saturating_sub(self.started) < self.window || arrived >= self.least
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WINDOW: Duration = Duration::from_secs(30);

    #[test]
    fn row_25_one_byte_a_second_is_too_slow_once_a_window_has_passed() {
        let mut meter = Meter::new(1000, WINDOW, Duration::ZERO);
        let verdicts: Vec<bool> = (1..=31).map(|s| meter.keeps_up(Duration::from_secs(s), 1)).collect();
        assert!(verdicts[..29].iter().all(|ok| *ok));
        assert!(!verdicts[29]);
    }

    #[test]
    fn a_fast_start_does_not_excuse_a_slow_end() {
        let mut meter = Meter::new(1000, WINDOW, Duration::ZERO);
        assert!(meter.keeps_up(Duration::from_secs(1), 100_000_000));
        assert!((2..40).any(|s| !meter.keeps_up(Duration::from_secs(s), 1)));
    }

    proptest! {
        #[test]
        fn twice_the_rate_always_passes_and_memory_is_bounded(step in 1_u64..2000, count in 1_u64..500) {
            let mut meter = Meter::new(1000, WINDOW, Duration::ZERO);
            for at in (1..=count).map(|i| Duration::from_millis(i * step)) {
                prop_assert!(meter.keeps_up(at, usize::try_from(step * 2).unwrap()));
                prop_assert!(meter.steps.len() <= 2 * STEPS as usize);
            }
        }

        #[test]
        fn half_the_rate_never_passes_a_full_window(step in 1_u64..2000) {
            let mut meter = Meter::new(1000, WINDOW, Duration::ZERO);
            let times = (1..).map(|i| Duration::from_millis(i * step)).take_while(|at| *at <= 2 * WINDOW);
            let verdicts: Vec<bool> = times.map(|at| meter.keeps_up(at, usize::try_from(step / 2).unwrap())).collect();
            prop_assert!(verdicts.contains(&false));
        }
    }
}
