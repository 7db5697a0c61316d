//! The figures that belong to a scorer's weights.

use serde::{Deserialize, Serialize};

use super::DiagnosisError;

/// Figures of the manifest's `[diagnosis]` table. They were found together with the weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Logits are divided by it before they become probabilities.
    pub temperature: f32,
    /// Below this confidence nothing is said: 0 to 1.
    pub abstain_below: f32,
    /// A second fault is said from this probability on: 0 to 1.
    pub second_above: f32,
}

impl Settings {
    /// Checks every figure.
    ///
    /// # Errors
    /// Names the first figure that cannot be.
    pub fn check(&self) -> Result<(), DiagnosisError> {
        let wrong = |key: &'static str, value: f32, expected: &'static str| {
            Err(DiagnosisError::Setting { key, value, expected })
        };
        if !(0.01..=100.0).contains(&self.temperature) {
            return wrong("temperature", self.temperature, "0.01 to 100");
        }
        for (key, value) in [("abstain_below", self.abstain_below), ("second_above", self.second_above)] {
            if !(0.0..=1.0).contains(&value) {
                return wrong(key, value, "0 to 1");
            }
        }
        Ok(())
    }
}
