//! What may be said next.

use super::TokenSet;
use crate::slm::model::Token;

/// Why a mask gives up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MaskError(pub String);

/// Decides at every step which tokens may follow. A token that ends the answer is one of them
/// exactly where the answer may end.
pub trait Mask {
    /// Leaves in `allowed`, which comes with every token of the vocabulary, those that may follow.
    /// At least one is left.
    ///
    /// # Errors
    /// When nothing may follow.
    fn narrow(&mut self, allowed: &mut TokenSet) -> Result<(), MaskError>;

    /// Takes the token that was chosen.
    ///
    /// # Errors
    /// When it was not allowed.
    fn accept(&mut self, token: Token) -> Result<(), MaskError>;
}
