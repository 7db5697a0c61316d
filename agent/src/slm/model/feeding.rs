//! What every conversation checks before it reads.

use super::{ModelError, Token};

/// Whether `tokens` can be read after `before` others.
///
/// # Errors
/// When there are too many, or one that the model does not know.
pub(super) fn check(
    tokens: &[Token],
    before: usize,
    vocabulary: usize,
    context: usize,
) -> Result<(), ModelError> {
    let length = before + tokens.len();
    if length > context {
        return Err(ModelError::TooLong { tokens: length, context });
    }
    match tokens.iter().find(|&&token| token as usize >= vocabulary) {
        Some(&token) => Err(ModelError::UnknownToken { token, vocabulary }),
        None => Ok(()),
    }
}
