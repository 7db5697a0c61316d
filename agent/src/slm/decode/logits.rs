//! What logits say, and whether they are numbers at all.

use super::exponential::exp;
use crate::slm::model::Token;

/// Whether probabilities can be made of them: finite or -∞, and not all of them -∞.
pub(crate) fn are_numbers(logits: &[f32]) -> bool {
    logits.iter().all(|&logit| logit < f32::INFINITY) && logits.iter().any(|&logit| logit > f32::NEG_INFINITY)
}

/// Natural logarithm of the sum of the exponentials: what makes probabilities of logits.
pub(crate) fn log_sum(logits: &[f32]) -> f64 {
    let most = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    most + logits.iter().map(|&logit| exp(f64::from(logit) - most)).sum::<f64>().ln()
}

/// Natural logarithm of a token's probability.
pub(super) fn log_probability(logits: &[f32], token: Token) -> f32 {
    let logit = logits.get(token as usize).copied().unwrap_or(f32::NEG_INFINITY);
    (f64::from(logit) - log_sum(logits)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_known() {
        assert!(are_numbers(&[0.0, f32::NEG_INFINITY, -3.0]));
        for broken in
            [&[][..], &[f32::NEG_INFINITY; 2], &[0.0, f32::NAN], &[f32::NAN, 0.0], &[f32::INFINITY, 0.0]]
        {
            assert!(!are_numbers(broken), "{broken:?}");
        }
    }
}
