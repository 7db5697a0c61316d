//! How much is taken from whom.
//!
//! A cheap limit for all stands before the signature is checked, so that a flood of forged reports
//! costs little. The limit of a device stands after it, by the device and not by its address: a plant
//! is often one address, and only who holds a device's key can use up its allowance.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter};

use super::error::ApiError;

/// What may come in.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// Reports and enrolments a second, of all together.
    pub all_per_second: NonZeroU32,
    /// Reports that a device may send at once, such as what waited while it had no network.
    pub device_burst: NonZeroU32,
    /// A device's allowance grows by one report in this time.
    pub device_every: Duration,
}

impl Default for Allowance {
    /// Twice a million devices at 15 minutes; a device that reports each phase of an attempt as it
    /// happens stays far under its own.
    fn default() -> Self {
        Allowance {
            all_per_second: NonZeroU32::new(2500).unwrap_or(NonZeroU32::MIN),
            device_burst: NonZeroU32::new(30).unwrap_or(NonZeroU32::MIN),
            device_every: Duration::from_secs(5),
        }
    }
}

/// The limits with what they remember.
#[derive(Debug)]
pub struct Limits {
    all: DefaultDirectRateLimiter,
    device: DefaultKeyedRateLimiter<String>,
    clock: DefaultClock,
}

impl Limits {
    /// Fresh ones.
    #[must_use]
    pub fn new(allowance: Allowance) -> Limits {
        let device = Quota::with_period(allowance.device_every)
            .unwrap_or(Quota::per_second(NonZeroU32::MIN))
            .allow_burst(allowance.device_burst);
        Limits {
            all: RateLimiter::direct(Quota::per_second(allowance.all_per_second)),
            device: RateLimiter::keyed(device),
            clock: DefaultClock::default(),
        }
    }

    /// Before anything costly.
    ///
    /// # Errors
    /// 429.
    pub fn all(&self) -> Result<(), ApiError> {
        self.all.check().map_err(|until| self.refuse(&until))
    }

    /// After the signature.
    ///
    /// # Errors
    /// 429.
    pub fn device(&self, device: &str) -> Result<(), ApiError> {
        self.device.check_key(&device.to_owned()).map_err(|until| self.refuse(&until))
    }

    fn refuse(&self, until: &NotUntil<<DefaultClock as Clock>::Instant>) -> ApiError {
        let wait = until.wait_time_from(self.clock.now()).as_secs() + 1;
        ApiError::too_many(u32::try_from(wait).unwrap_or(u32::MAX))
    }

    /// Forgets devices whose allowance is full again, which would otherwise be kept for ever.
    pub fn forget_idle(&self) {
        self.device.retain_recent();
    }
}
