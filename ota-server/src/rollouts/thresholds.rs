//! When a rollout pauses by itself. Pure.

use serde::{Deserialize, Serialize};

/// The limits of a rollout, in whole percent. Devices count, not attempts: each by how its last one
/// ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// Pause when more than this share of the devices that came to an end rolled back or failed.
    pub error_threshold: u8,
    /// Pause when less than this share of the devices that began at least `settle_s` ago committed.
    /// It finds devices that fell silent and can report no error. 0 turns it off.
    pub success_threshold: u8,
    /// Fewer devices than this decide nothing.
    pub min_sample: u32,
    /// How long a device may take from its first word of an attempt to the end of its soak.
    pub settle_s: u64,
    /// A device without a word for longer is silent.
    pub silent_after_s: u64,
}

impl Default for Thresholds {
    /// Pause at the first tenth of errors, once five devices have come to an end. Silence is judged
    /// after a day, because a maintenance window comes once a day.
    fn default() -> Self {
        Thresholds {
            error_threshold: 10,
            success_threshold: 0,
            min_sample: 5,
            settle_s: 86_400,
            silent_after_s: 86_400,
        }
    }
}

/// How devices stand since the rollout was last resumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Runs the release for good.
    pub committed: u64,
    /// Went back.
    pub rolled_back: u64,
    /// Did not get that far.
    pub failed: u64,
    /// Began at least `settle_s` ago.
    pub settled: u64,
    /// Of those, such as committed.
    pub settled_committed: u64,
}

impl Thresholds {
    /// What is wrong with them, if anything.
    ///
    /// # Errors
    /// The key that is wrong, and why.
    pub fn check(&self) -> Result<(), String> {
        if self.error_threshold > 100 || self.success_threshold > 100 {
            return Err("thresholds: error_threshold and success_threshold go from 0 to 100".to_owned());
        }
        if self.min_sample == 0 {
            return Err("thresholds: min_sample is at least 1".to_owned());
        }
        Ok(())
    }

    /// Why the rollout must pause, if it must.
    #[must_use]
    pub fn judge(&self, sample: &Sample) -> Option<String> {
        let errors = sample.rolled_back + sample.failed;
        let ended = sample.committed + errors;
        let least = u64::from(self.min_sample);
        if ended >= least && errors * 100 > u64::from(self.error_threshold) * ended {
            return Some(format!(
                "error_threshold: {errors} of {ended} devices rolled back or failed, more than {} %",
                self.error_threshold
            ));
        }
        let (began, done) = (sample.settled, sample.settled_committed);
        if began >= least && done * 100 < u64::from(self.success_threshold) * began {
            return Some(format!(
                "success_threshold: {done} of {began} devices that began {} s ago or earlier committed, \
                 less than {} %",
                self.settle_s, self.success_threshold
            ));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Thresholds = Thresholds {
        error_threshold: 10,
        success_threshold: 80,
        min_sample: 10,
        settle_s: 60,
        silent_after_s: 60,
    };

    fn ended(committed: u64, rolled_back: u64, failed: u64) -> Sample {
        Sample { committed, rolled_back, failed, ..Sample::default() }
    }

    #[test]
    fn errors_above_the_threshold_pause_and_at_it_do_not() {
        assert_eq!(LIMITS.judge(&ended(18, 1, 1)), None);
        let why = LIMITS.judge(&ended(17, 2, 1)).unwrap();
        assert!(why.contains("3 of 20"), "{why}");
    }

    #[test]
    fn a_small_sample_decides_nothing() {
        assert_eq!(LIMITS.judge(&ended(0, 9, 0)), None);
        assert!(LIMITS.judge(&ended(0, 10, 0)).is_some());
    }

    #[test]
    fn devices_that_began_and_fell_silent_pause_it_too() {
        let quiet =
            |settled_committed| Sample { committed: 8, settled: 10, settled_committed, ..Sample::default() };
        assert_eq!(LIMITS.judge(&quiet(8)), None);
        assert!(LIMITS.judge(&quiet(7)).unwrap().starts_with("success_threshold: 7 of 10"));
        let off = Thresholds { success_threshold: 0, ..LIMITS };
        assert_eq!(off.judge(&quiet(0)), None);
    }

    #[test]
    fn a_threshold_of_zero_takes_no_error_and_of_a_hundred_all() {
        assert!(Thresholds { error_threshold: 0, ..LIMITS }.judge(&ended(99, 1, 0)).is_some());
        assert_eq!(Thresholds { error_threshold: 100, ..LIMITS }.judge(&ended(0, 99, 0)), None);
    }
}
