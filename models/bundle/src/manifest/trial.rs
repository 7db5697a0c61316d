//! `[trial]`: how a bundle is tried out on a device before it is kept.

use serde::{Deserialize, Serialize};

use crate::error::BundleError;
use crate::manifest::MANIFEST;

/// Ten minutes: a model that crashes or grows does so on its first calls, seldom later.
const SOAK_S: u32 = 600;
/// So that a machine that stands still during the soak does not pass it unseen.
const SOAK_WINDOWS: u32 = 30;
/// A better model must be allowed to differ: one window in twenty.
const MIN_AGREEMENT: f64 = 0.95;
/// As much as lies between a usual score of 0 and an alarm.
const MAX_SCORE_SHIFT: f64 = 1.0;
/// A week of windows of a second: what runs beside the active model longer is forgotten there.
const MAX_SHADOW_WINDOWS: u32 = 7 * 86_400;
/// A week: a release on trial can be rolled back, but nothing newer can be installed.
const MAX_SOAK_S: u32 = 7 * 86_400;

/// How a bundle is tried out on a device before it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Trial {
    /// Windows that it scores beside the active model before it becomes active; 0 is none.
    pub shadow_windows: u32,
    /// Least share of these windows on which both models say the same, alarm or none: 0 to 1.
    pub min_agreement: f64,
    /// Largest difference between the mean scores of both models over these windows, each score
    /// divided by its own model's limit, because two models have two units. 0 is "not compared".
    pub max_score_shift: f64,
    /// Seconds that it must run as the active model before it is kept.
    pub soak_s: u32,
    /// Windows that it must score as the active model before it is kept.
    pub soak_windows: u32,
}

impl Default for Trial {
    fn default() -> Self {
        Trial {
            shadow_windows: 0,
            min_agreement: MIN_AGREEMENT,
            max_score_shift: MAX_SCORE_SHIFT,
            soak_s: SOAK_S,
            soak_windows: SOAK_WINDOWS,
        }
    }
}

impl Trial {
    pub(super) fn check(&self) -> Result<(), BundleError> {
        let invalid =
            |key: &str, problem: String| Err(BundleError::invalid(MANIFEST, format!("trial.{key}"), problem));
        if !(0.0..=1.0).contains(&self.min_agreement) {
            return invalid("min_agreement", format!("{} must be from 0 to 1", self.min_agreement));
        }
        if !(self.max_score_shift.is_finite() && self.max_score_shift >= 0.0) {
            let problem = format!("{} must be a number from 0; 0 is \"not compared\"", self.max_score_shift);
            return invalid("max_score_shift", problem);
        }
        for (key, found, most) in [
            ("shadow_windows", self.shadow_windows, MAX_SHADOW_WINDOWS),
            ("soak_windows", self.soak_windows, MAX_SHADOW_WINDOWS),
            ("soak_s", self.soak_s, MAX_SOAK_S),
        ] {
            if found > most {
                return invalid(key, format!("{found} must be at most {most}"));
            }
        }
        Ok(())
    }
}
