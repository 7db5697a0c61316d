//! The subset of OpenAI's API that a small model on a gateway can answer.

pub mod chat;
pub mod completion;
pub mod embedding;
pub mod generation;
pub mod stream;

use serde::Serialize;

use crate::slm::runtime::Usage;

/// What every answer begins with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Head {
    /// Unique on this gateway while it runs.
    pub id: String,
    /// Seconds since 1970.
    pub created: i64,
    /// The model that answers.
    pub model: String,
}

/// An answer, or a part of one.
#[derive(Serialize)]
struct Body<'a, C> {
    #[serde(flatten)]
    head: &'a Head,
    object: &'static str,
    choices: C,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Tokens>,
}

/// Tokens as OpenAI counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Tokens {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
}

impl From<Usage> for Tokens {
    fn from(usage: Usage) -> Self {
        Tokens {
            prompt_tokens: usage.tokens_in,
            completion_tokens: usage.tokens_out,
            total_tokens: usage.tokens_in + usage.tokens_out,
        }
    }
}
