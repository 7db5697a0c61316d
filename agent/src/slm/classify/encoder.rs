//! Labels and vectors by an encoder.

use super::{Assessment, ClassifyError, Policy};
use crate::slm::model::{Encoder, ModelError};
use crate::slm::tokenizer::Tokenizer;

/// The labels' probabilities by an encoder that has one output a label, in their order.
///
/// # Errors
/// As the error says.
pub fn with_encoder(
    encoder: &dyn Encoder,
    tokenizer: &Tokenizer,
    text: &str,
    labels: &[String],
    policy: &Policy,
) -> Result<Assessment, ClassifyError> {
    policy.check()?;
    let logits = encode(encoder, tokenizer, text)?;
    if logits.len() != labels.len() || labels.is_empty() {
        let problem = format!("{} are named, but the model tells {} apart", labels.len(), logits.len());
        return Err(ClassifyError::Labels(problem));
    }
    Ok(policy.assess(labels.iter().cloned().zip(logits.into_iter().map(f64::from))))
}

/// A text's vector of length 1, by an encoder that has one.
///
/// # Errors
/// As the error says.
pub fn embed(encoder: &dyn Encoder, tokenizer: &Tokenizer, text: &str) -> Result<Vec<f32>, ClassifyError> {
    encode(encoder, tokenizer, text)
}

fn encode(encoder: &dyn Encoder, tokenizer: &Tokenizer, text: &str) -> Result<Vec<f32>, ClassifyError> {
    let answer = encoder.encode(&tokenizer.encode(text)?)?;
    if answer.iter().all(|number| number.is_finite()) {
        Ok(answer)
    } else {
        Err(ModelError::Run("its answer is not a number: its file or its runtime is broken".into()).into())
    }
}
