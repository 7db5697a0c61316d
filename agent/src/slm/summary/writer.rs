//! Who writes: a model and its tokenizer, as the runtime runs them.

use crate::slm::decode::Mask;
use crate::slm::model::Token;
use crate::slm::tokenizer::Message;

/// What a model is asked.
pub enum Ask<'a> {
    /// To go on from a prompt of words and slots under a mask, which ends the answer by itself.
    Slots {
        /// The prompt; slots and marks are written as the names of their tokens.
        prompt: &'a str,
        /// What may be said.
        mask: &'a mut dyn Mask,
        /// Most tokens of the answer. The mask counts on this many.
        max_tokens: usize,
    },
    /// To answer in a conversation, in its own words.
    Chat {
        /// The conversation so far.
        messages: &'a [Message],
        /// Most tokens of the answer.
        max_tokens: usize,
    },
}

/// What a model wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The answer's tokens, without those that end it.
    pub tokens: Vec<Token>,
    /// The answer as text.
    pub text: String,
    /// Tokens that were read.
    pub tokens_in: usize,
    /// Tokens that were written.
    pub tokens_out: usize,
    /// Whether the model ended the answer itself.
    pub ended: bool,
    /// Whether the mask kept the model from what it meant to say, so that what it said instead reads badly.
    pub forced: bool,
}

/// Why a model wrote nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The prompt is too long for the model.
    #[error("the prompt is too long: {0}")]
    TooLong(String),
    /// The time ran out, or whoever asked no longer wants the answer.
    #[error("stopped before the answer was complete")]
    Stopped,
    /// The model failed.
    #[error("{0}")]
    Failed(String),
}

/// A model and its tokenizer, or something beyond this gateway that answers like one.
pub trait Writer {
    /// Writes an answer.
    ///
    /// # Errors
    /// As the error says; what was read until then is lost.
    fn write(&mut self, ask: Ask<'_>) -> Result<Written, WriteError>;
}
