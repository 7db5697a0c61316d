//! How long to wait before the next attempt: a validated policy, apart from who waits.

use std::time::Duration;

use crate::config::BackoffConfig;

/// Doubling stops here: 2³² times any sensible minimum is beyond any sensible maximum.
const MAX_DOUBLINGS: u32 = 32;

/// Exponential back-off with jitter, so that the gateways of a plant do not come back in step
/// after an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    min: Duration,
    max: Duration,
}

/// Why a back-off is impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackoffError {
    /// Without a pause a dead broker would be called without end.
    #[error("`mqtt.backoff.min` is 0; take a pause such as \"500ms\"")]
    Zero,
    /// The longest pause is shorter than the first.
    #[error("`mqtt.backoff.max` is shorter than `mqtt.backoff.min`; make it at least as long")]
    Order,
}

impl Backoff {
    /// A back-off from `min`, doubling up to `max`.
    ///
    /// # Errors
    /// When `min` is zero or beyond `max`.
    pub fn new(min: Duration, max: Duration) -> Result<Self, BackoffError> {
        if min.is_zero() {
            Err(BackoffError::Zero)
        } else if min > max {
            Err(BackoffError::Order)
        } else {
            Ok(Backoff { min, max })
        }
    }

    /// From the configuration.
    ///
    /// # Errors
    /// As for [`Backoff::new`].
    pub fn from_config(config: &BackoffConfig) -> Result<Self, BackoffError> {
        Backoff::new(config.min.0, config.max.0)
    }

    /// The pause after the given number of failed attempts before this one, counted from 0.
    /// `random`, from 0 to 1, picks a point between half the exponential pause and all of it.
    #[must_use]
    pub fn pause(self, failures: u32, random: f64) -> Duration {
        let ceiling = self.ceiling(failures);
        let floor = (ceiling / 2).max(self.min);
        let share = if random.is_finite() { random.clamp(0.0, 1.0) } else { 0.0 };
        floor + (ceiling - floor).mul_f64(share)
    }

    fn ceiling(self, failures: u32) -> Duration {
        let factor = 2_u64.pow(failures.min(MAX_DOUBLINGS));
        let micros = u64::try_from(self.min.as_micros()).unwrap_or(u64::MAX).saturating_mul(factor);
        Duration::from_micros(micros).clamp(self.min, self.max)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn backoff() -> impl Strategy<Value = Backoff> {
        (1_u64..100_000, 0_u64..10_000_000).prop_map(|(min, more)| {
            Backoff::new(Duration::from_millis(min), Duration::from_millis(min + more)).unwrap()
        })
    }

    proptest! {
        #[test]
        fn every_pause_is_between_min_and_max(backoff in backoff(), failures: u32, random: f64) {
            let pause = backoff.pause(failures, random);
            prop_assert!(pause >= backoff.min && pause <= backoff.max);
        }

        #[test]
        fn pauses_grow_with_failures(backoff in backoff(), failures in 0_u32..100, random in 0.0..1.0) {
            prop_assert!(backoff.pause(failures + 1, random) >= backoff.pause(failures, random));
        }

        #[test]
        fn jitter_spreads_over_at_least_half_the_pause(failures in 1_u32..7) {
            let backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(60)).unwrap();
            prop_assert_eq!(backoff.pause(failures, 0.0) * 2, backoff.pause(failures, 1.0));
        }
    }

    #[test]
    fn the_longest_pause_is_reached() {
        let backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(60)).unwrap();
        assert_eq!(backoff.pause(u32::MAX, 1.0), Duration::from_secs(60));
    }

    #[test]
    fn impossible_settings_are_refused() {
        let second = Duration::from_secs(1);
        assert_eq!(Backoff::new(Duration::ZERO, second), Err(BackoffError::Zero));
        assert_eq!(Backoff::new(second * 2, second), Err(BackoffError::Order));
    }
}
