//! When to ask again: a pure policy, apart from who waits.

use std::time::Duration;

/// Doubling stops here: 2³² times any sensible pause is beyond any sensible maximum.
const MAX_DOUBLINGS: u32 = 32;

/// How often a server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    interval: Duration,
    first_retry: Duration,
    longest_retry: Duration,
    least: Duration,
}

/// Why a pace is impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PaceError {
    /// Without a pause the server would be asked without end.
    #[error("the shortest pause between polls is 0; take one such as \"10s\"")]
    Zero,
    /// A pause is shorter than the shortest.
    #[error("the poll interval and the first retry must be at least as long as the shortest pause")]
    BelowLeast,
    /// The longest pause is shorter than the first.
    #[error("the longest retry is shorter than the first; make it at least as long")]
    Order,
}

impl Pace {
    /// Polls every `interval`; after a failure first after `first_retry`, doubling up to
    /// `longest_retry`; never sooner than `least`.
    ///
    /// # Errors
    /// When `least` is zero, or the pauses are not in order.
    pub fn new(
        interval: Duration,
        first_retry: Duration,
        longest_retry: Duration,
        least: Duration,
    ) -> Result<Self, PaceError> {
        if least.is_zero() {
            Err(PaceError::Zero)
        } else if interval < least || first_retry < least {
            Err(PaceError::BelowLeast)
        } else if longest_retry < first_retry {
            Err(PaceError::Order)
        } else {
            Ok(Pace { interval, first_retry, longest_retry, least })
        }
    }

    /// The pause before the next poll, after so many `failures` in a row. `random`, from 0 to 1,
    /// spreads a poll over ±50 % of the interval, a retry over the upper half of its pause, and
    /// what the server asked for ([`Kind::retry_after`](super::Kind::retry_after)) upwards by half:
    /// devices that failed together do not come back together.
    #[must_use]
    pub fn next(self, failures: u32, retry_after: Option<Duration>, random: f64) -> Duration {
        let random = if random.is_finite() { random.clamp(0.0, 1.0) } else { 0.0 };
        let spread = |from: Duration, width: Duration| from.saturating_add(width.mul_f64(random));
        let pause = match failures {
            0 => spread(self.interval / 2, self.interval),
            _ => {
                let ceiling = self.ceiling(failures - 1);
                spread(ceiling / 2, ceiling / 2)
            }
        };
        let asked = retry_after.map_or(Duration::ZERO, |after| spread(after, after / 2));
        pause.max(asked).max(self.least)
    }

    fn ceiling(self, doublings: u32) -> Duration {
        let factor = 2_u64.pow(doublings.min(MAX_DOUBLINGS));
        let micros = u64::try_from(self.first_retry.as_micros()).unwrap_or(u64::MAX).saturating_mul(factor);
        Duration::from_micros(micros).min(self.longest_retry)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pace() -> impl Strategy<Value = Pace> {
        let ms = Duration::from_millis;
        (1_u64..60_000, 0_u64..10_000_000, 0_u64..1_000_000, 0_u64..100_000_000).prop_map(
            move |(least, a, b, c)| {
                Pace::new(ms(least + a), ms(least + b), ms(least + b + c), ms(least)).unwrap()
            },
        )
    }

    fn minutes(count: u64) -> Duration {
        Duration::from_secs(60 * count)
    }

    proptest! {
        #[test]
        fn row_23_no_pause_is_below_the_shortest_or_beyond_the_longest(
            pace in pace(), failures: u32, random: f64, after in proptest::option::of(0_u64..86_400)
        ) {
            let after = after.map(Duration::from_secs);
            let pause = pace.next(failures, after, random);
            prop_assert!(pause >= pace.least);
            let longest = (pace.interval * 3 / 2).max(pace.longest_retry).max(after.unwrap_or_default() * 3 / 2);
            prop_assert!(pause <= longest.max(pace.least) + Duration::from_micros(1));
        }

        #[test]
        fn row_24_what_the_server_asked_for_is_a_lower_bound(
            pace in pace(), failures: u32, random: f64, after in 0_u64..86_400
        ) {
            let after = Duration::from_secs(after);
            prop_assert!(pace.next(failures, Some(after), random) >= after);
        }

        #[test]
        fn pauses_grow_with_failures(pace in pace(), failures in 1_u32..100, random in 0.0..1.0) {
            prop_assert!(pace.next(failures + 1, None, random) >= pace.next(failures, None, random));
        }
    }

    #[test]
    fn polls_are_spread_by_half_the_interval_either_way() {
        let pace = Pace::new(minutes(15), minutes(1), minutes(240), Duration::from_secs(10)).unwrap();
        assert_eq!(pace.next(0, None, 0.0), minutes(15) / 2);
        assert_eq!(pace.next(0, None, 0.5), minutes(15));
        assert_eq!(pace.next(0, None, 1.0), minutes(15) * 3 / 2);
        assert_eq!(pace.next(1, None, 1.0), minutes(1));
        assert_eq!(pace.next(u32::MAX, None, 1.0), minutes(240));
        assert_eq!(pace.next(1, Some(minutes(10)), 1.0), minutes(15));
    }

    #[test]
    fn impossible_settings_are_refused() {
        let (second, zero) = (Duration::from_secs(1), Duration::ZERO);
        assert_eq!(Pace::new(second, second, second, zero), Err(PaceError::Zero));
        assert_eq!(Pace::new(second, second, second, second * 2), Err(PaceError::BelowLeast));
        assert_eq!(Pace::new(second, second * 2, second, second), Err(PaceError::Order));
    }
}
