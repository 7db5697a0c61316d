//! Text to tokens and back: `tokenizer.json` of Hugging Face, and the templates of a chat.

pub mod chat;
mod message;
mod spelling;
mod stream;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Deserialize;

pub use chat::{ChatError, ChatTemplate};
pub use message::{Message, Role};
pub use stream::Stream;

use crate::slm::decode::TokenSet;
use crate::slm::model::Token;
use spelling::Spelling;

/// Most tokens of a vocabulary. The largest of today's models have a quarter of it; a file that
/// names a higher token would only cost memory.
const MAX_VOCABULARY: usize = 1 << 20;

/// Why a tokenizer cannot be loaded or used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenizerError {
    /// The file is not one.
    #[error("tokenizer.json: {0}")]
    File(String),
    /// The text makes no tokens.
    #[error("tokenizer.json cannot take this text apart: {0}")]
    Encode(String),
    /// The tokens make no text.
    #[error("tokenizer.json cannot put these tokens together: {0}")]
    Decode(String),
}

/// Text to tokens and back.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    spelling: Spelling,
    special: TokenSet,
    /// What the tokens add to a text, one after the other.
    bytes: Vec<u8>,
    /// Where each token begins in `bytes`, and where the last one ends.
    starts: Vec<u32>,
}

/// The part of the file that says how tokens become text.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    decoder: serde_json::Value,
}

impl Tokenizer {
    /// Reads a `tokenizer.json`. Its padding and truncation are left out: a model takes texts as
    /// they are, and says when one is too long.
    ///
    /// # Errors
    /// When the bytes are not one, or one of a kind that cannot be read token by token.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TokenizerError> {
        let refuse = TokenizerError::File;
        let file: File = serde_json::from_slice(bytes).map_err(|error| refuse(error.to_string()))?;
        let spelling = Spelling::of(&file.decoder)?;
        let mut inner = guarded(|| tokenizers::Tokenizer::from_bytes(bytes)).map_err(refuse)?;
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|error| refuse(error.to_string()))?;

        let tokens = inner.get_vocab(true);
        let highest = tokens.values().copied().max().ok_or_else(|| refuse("it has no tokens".into()))?;
        let vocabulary = highest as usize + 1;
        if vocabulary > MAX_VOCABULARY {
            return Err(refuse(format!(
                "token {highest} is beyond the most that is taken, {MAX_VOCABULARY}"
            )));
        }
        let mut by_token = vec![""; vocabulary];
        for (written, &token) in &tokens {
            by_token[token as usize] = written;
        }
        let mut special = TokenSet::empty(vocabulary);
        let (mut bytes, mut starts) = (Vec::new(), vec![0]);
        for (token, written) in (0..).zip(by_token) {
            if inner.get_added_vocabulary().is_special_token(written) {
                special.insert(token);
            } else if !written.is_empty() {
                bytes.extend(spelling.bytes(written));
            }
            let end = u32::try_from(bytes.len()).map_err(|_| refuse("its tokens are too long".into()))?;
            starts.push(end);
        }
        Ok(Tokenizer { inner, spelling, special, bytes, starts })
    }

    /// A text's tokens, with those around it that the model expects (`[CLS]` …).
    ///
    /// # Errors
    /// When the text cannot be taken apart.
    pub fn encode(&self, text: &str) -> Result<Vec<Token>, TokenizerError> {
        self.encode_with(text, true)
    }

    /// A text's tokens and nothing around them; special tokens that are spelled out in it (a chat
    /// template's) are still taken for what they are.
    ///
    /// # Errors
    /// When the text cannot be taken apart.
    pub fn encode_bare(&self, text: &str) -> Result<Vec<Token>, TokenizerError> {
        self.encode_with(text, false)
    }

    fn encode_with(&self, text: &str, around: bool) -> Result<Vec<Token>, TokenizerError> {
        guarded(|| self.inner.encode_fast(text, around))
            .map(|encoding| encoding.get_ids().to_vec())
            .map_err(TokenizerError::Encode)
    }

    /// The text of tokens, special ones left out.
    ///
    /// # Errors
    /// When they make no text.
    pub fn decode(&self, tokens: &[Token]) -> Result<String, TokenizerError> {
        guarded(|| self.inner.decode(tokens, true)).map_err(TokenizerError::Decode)
    }

    /// Begins a text that grows token by token.
    #[must_use]
    pub fn stream(&self) -> Stream<'_> {
        Stream::new(self)
    }

    /// One more than the highest token.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.special.vocabulary()
    }

    /// What a token adds within a text, in bytes; empty for a special token or one that is not there.
    #[must_use]
    pub fn token_bytes(&self, token: Token) -> &[u8] {
        match (self.starts.get(token as usize), self.starts.get(token as usize + 1)) {
            (Some(&start), Some(&end)) => &self.bytes[start as usize..end as usize],
            _ => &[],
        }
    }

    /// What a token adds at the beginning of a text, where some tokenizers leave a space out.
    fn first_bytes(&self, token: Token) -> Vec<u8> {
        self.inner.id_to_token(token).map_or_else(Vec::new, |written| self.spelling.first_bytes(&written))
    }

    /// The token that is written like this in the file (`<|im_end|>`, `[CLS]`).
    #[must_use]
    pub fn id(&self, name: &str) -> Option<Token> {
        self.inner.token_to_id(name)
    }

    /// How a token is written in the file; `None` where there is no such token.
    #[must_use]
    pub fn name(&self, token: Token) -> Option<String> {
        self.inner.id_to_token(token)
    }

    /// Whether a token is one of those that carry no text.
    #[must_use]
    pub fn is_special(&self, token: Token) -> bool {
        self.special.contains(token)
    }
}

/// The library answers some broken files with a panic instead of an error; it holds no state that
/// such an end could leave half changed.
fn guarded<T>(call: impl FnOnce() -> tokenizers::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("it contradicts itself".into()),
    }
}
