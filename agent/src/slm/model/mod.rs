//! A loaded language model: tokens in, logits or a vector out.
//!
//! One loaded model serves many conversations; each of those holds what the model remembers of its
//! own tokens. What a file must look like is in `docs/reference/model-contract.md`.

mod contract;
mod feeding;
#[cfg(test)]
pub(crate) mod fixtures;
mod fused;
mod import;
mod load;
mod names;
mod packed;
mod plain;
#[cfg(test)]
mod tests;

pub use lineside_kernels::Isa;
pub use load::{LoadOptions, load};

/// Tokens of a prompt that are read at once. A product over many tokens costs little more than over a
/// few until it fills the vector registers, some 12 tokens; a chunk much longer than that would make a
/// caller that wants its turn back wait for longer than it saves.
const PREFILL_CHUNK: usize = 32;

/// A token's index in the vocabulary.
pub type Token = u32;

/// Why a model cannot be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file does not keep the contract.
    #[error("{file}: {problem}")]
    Contract {
        /// The model's file.
        file: String,
        /// The tensor or node, what is wrong with it, and what to do.
        problem: String,
    },
    /// More tokens than the model's context takes.
    #[error("{tokens} tokens, but this model takes {context} at most; shorten the text")]
    TooLong {
        /// Tokens asked for.
        tokens: usize,
        /// Tokens it takes.
        context: usize,
    },
    /// A token that is not in the vocabulary.
    #[error("token {token} is not in the vocabulary of {vocabulary}: the tokenizer is another model's")]
    UnknownToken {
        /// The token.
        token: Token,
        /// Size of the vocabulary.
        vocabulary: usize,
    },
    /// Whoever asked no longer wants the answer.
    #[error("stopped before the answer was complete")]
    Stopped,
    /// The runtime failed.
    #[error("the model cannot be run: {0}")]
    Run(String),
}

/// A loaded model that says which token comes next.
pub trait Decoder: Send + Sync {
    /// Tokens it knows; the length of its logits.
    fn vocabulary(&self) -> usize;
    /// Most tokens of one conversation.
    fn context(&self) -> usize;
    /// Memory it holds while nobody talks to it, in bytes.
    fn memory_bytes(&self) -> u64;
    /// Whether it runs as one fused program, not operator by operator on tract.
    fn is_fused(&self) -> bool {
        false
    }
    /// Begins an empty conversation.
    ///
    /// # Errors
    /// When the runtime cannot make one.
    fn converse(&self) -> Result<Box<dyn Conversation>, ModelError>;
}

/// The tokens that a decoder has read so far, and what it makes of them.
pub trait Conversation: Send {
    /// Reads `tokens` after those read before. A long prompt is read in chunks, and `go_on` is
    /// asked between two of them.
    ///
    /// # Errors
    /// [`ModelError::Stopped`] when `go_on` says no; the conversation then holds the chunks that
    /// were read. As the error says otherwise, with nothing read.
    fn feed(&mut self, tokens: &[Token], go_on: &dyn Fn() -> bool) -> Result<(), ModelError>;
    /// One logit for each token of the vocabulary, to follow the last one read. Empty before the
    /// first.
    fn logits(&self) -> &[f32];
    /// Tokens read.
    fn len(&self) -> usize;
    /// Whether nothing has been read.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Memory it holds, in bytes.
    fn memory_bytes(&self) -> u64;
    /// A second conversation that goes on from here by itself.
    ///
    /// # Errors
    /// When the runtime cannot make one.
    fn fork(&self) -> Result<Box<dyn Conversation>, ModelError>;
}

/// A loaded model that reads a text as a whole.
pub trait Encoder: Send + Sync {
    /// Tokens it knows.
    fn vocabulary(&self) -> usize;
    /// Most tokens of one text.
    fn context(&self) -> usize;
    /// Memory it holds, in bytes.
    fn memory_bytes(&self) -> u64;
    /// Its answer to a text: a vector of length 1, or one logit a label, as its manifest says.
    ///
    /// # Errors
    /// As the error says.
    fn encode(&self, tokens: &[Token]) -> Result<Vec<f32>, ModelError>;
}

/// A loaded language model.
#[derive(Clone)]
pub enum Loaded {
    /// It writes.
    Decoder(std::sync::Arc<dyn Decoder>),
    /// It reads.
    Encoder(std::sync::Arc<dyn Encoder>),
}
