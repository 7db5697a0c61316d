//! What a text or an incident is about: labels with probabilities, or a vector.

mod decoder;
mod encoder;
#[cfg(test)]
mod tests;

pub use decoder::with_decoder;
pub use encoder::{embed, with_encoder};

use serde::{Deserialize, Serialize};

use crate::slm::case::Assessment;
use crate::slm::decode::{DecodeError, exp};
use crate::slm::model::ModelError;
use crate::slm::tokenizer::TokenizerError;

/// How labels become an assessment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Below this confidence nothing is said: 0 to 1.
    pub abstain_below: f32,
    /// The scores are divided by it before they become probabilities; found by calibration, 1: none.
    pub calibration: f32,
    /// Whether a label's score is the mean over its tokens in place of their sum: long labels are
    /// then not less likely for their length, but the probabilities are no longer the model's own.
    pub normalise_length: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Policy { abstain_below: 0.0, calibration: 1.0, normalise_length: false }
    }
}

/// Why something cannot be classified.
#[derive(Debug, thiserror::Error)]
pub enum ClassifyError {
    /// The policy cannot be.
    #[error("{0}")]
    Policy(String),
    /// The labels cannot be.
    #[error("labels: {0}")]
    Labels(String),
    /// The decoder fails.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The model fails.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The text makes no tokens.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
}

impl Policy {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that cannot be.
    pub fn check(&self) -> Result<(), ClassifyError> {
        if !(0.0..=1.0).contains(&self.abstain_below) {
            return Err(ClassifyError::Policy(format!(
                "abstain_below: {} is not from 0 to 1",
                self.abstain_below
            )));
        }
        if !(0.01..=100.0).contains(&self.calibration) {
            return Err(ClassifyError::Policy(format!(
                "calibration: {} is not from 0.01 to 100",
                self.calibration
            )));
        }
        Ok(())
    }

    /// Probabilities of scores in natural logarithms, and whether one of them is enough to be said.
    fn assess(&self, scores: impl IntoIterator<Item = (String, f64)>) -> Assessment {
        let calibrated = |(label, score): (String, f64)| (label, score / f64::from(self.calibration));
        let mut scores: Vec<(String, f64)> = scores.into_iter().map(calibrated).collect();
        // Stable: of two labels alike the one that was given first.
        scores.sort_by(|one, other| other.1.total_cmp(&one.1));
        let most = scores.first().map_or(0.0, |(_, score)| *score);
        let weights: Vec<f64> = scores.iter().map(|(_, score)| exp(score - most)).collect();
        let sum: f64 = weights.iter().sum();
        let scores: Vec<(String, f32)> = scores
            .into_iter()
            .zip(weights)
            .map(|((label, _), weight)| (label, (weight / sum) as f32))
            .collect();
        let confidence = scores.first().map_or(0.0, |(_, probability)| *probability);
        let label = (confidence >= self.abstain_below)
            .then(|| scores.first().map(|(label, _)| label.clone()))
            .flatten();
        Assessment { label, confidence, scores, ..Assessment::default() }
    }
}
