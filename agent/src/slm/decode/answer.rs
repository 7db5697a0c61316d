//! What a decoder answered, and why it ended there.

use std::time::Duration;

use super::{MaskError, SettingsError};
use crate::slm::model::{ModelError, Token};
use crate::slm::tokenizer::TokenizerError;

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Finish {
    /// The model said a token that ends the answer.
    End,
    /// The mask leaves nothing more to say: the answer is whole.
    MaskComplete,
    /// A stop string came.
    Stop,
    /// There was no room for more: `max_tokens` or the model's context. Under a mask, the answer
    /// may be cut off and is not to be read as a whole one.
    Length,
    /// The time was over.
    Time,
    /// Whoever asked no longer wants it.
    Cancelled,
}

impl Finish {
    /// Whether the answer ends where the model or its mask wanted it to.
    #[must_use]
    pub fn is_whole(self) -> bool {
        matches!(self, Finish::End | Finish::MaskComplete)
    }
}

/// What a decoder answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The answer's tokens, without one that ends it.
    pub tokens: Vec<Token>,
    /// The answer in words, without special tokens: what was handed on piece by piece.
    pub text: String,
    /// Why it ended.
    pub finish: Finish,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Natural logarithm of each token's probability, before mask and settings changed it. Empty
    /// unless asked for.
    pub logprobs: Vec<f32>,
    /// By how much the token that was least wanted lay below the likeliest one, in natural logarithms;
    /// 0 without a mask. Large where the mask kept the model from what it meant to say.
    pub reluctance: f32,
    /// Time for the prompt.
    pub prefill: Duration,
    /// Time for the answer.
    pub decode: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A setting that cannot be.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Nothing to go on from.
    #[error("the prompt is empty: give at least one token")]
    EmptyPrompt,
    /// The model's numbers are not numbers.
    #[error("the model's logits are not numbers after {after} tokens: its file or its runtime is broken")]
    NotANumber {
        /// Tokens that the model had read.
        after: usize,
    },
    /// The model cannot read on.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The mask gives up.
    #[error("the mask: {0}")]
    Mask(#[from] MaskError),
    /// The tokens make no text.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
}
