//! What the mask needs to know of a tokenizer.

use crate::slm::model::Token;

/// The tokens of a model, as far as words and slots are made of them.
pub trait Vocabulary {
    /// How many tokens there are.
    fn size(&self) -> usize;
    /// The tokens of a piece of text, as the tokenizer makes them inside a longer text, with no
    /// token added before or behind; `None` when they do not spell exactly this text.
    fn spell(&self, text: &str) -> Option<Vec<Token>>;
    /// The token of this name that is never made from text, such as `<c0.name>`.
    fn special(&self, name: &str) -> Option<Token>;
    /// The tokens that end an answer.
    fn ends(&self) -> &[Token];
}
