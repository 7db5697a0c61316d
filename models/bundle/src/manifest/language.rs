//! `[language]`: how a language model is run.

use serde::{Deserialize, Serialize};

use crate::digest::Sha256Hex;
use crate::error::BundleError;
use crate::manifest::MANIFEST;

/// How a language model is run. Its tensors are those of `docs/reference/model-contract.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Language {
    /// Whether it writes or reads.
    pub kind: Kind,
    /// Most tokens of one call: prompt and answer of a decoder, text of an encoder.
    pub context: u32,
    /// The token that begins a prompt, where the model wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begin: Option<u32>,
    /// The tokens that end an answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub end: Vec<u32>,
    /// What an encoder's answer is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Output>,
    /// Whether the shapes that the file states of its outputs and values are to be left unread:
    /// half-precision and quantised exports state wrong ones.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_shapes: bool,
    /// A Jinja template that turns a conversation into a prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_template: Option<TextFile>,
    /// The words that a model with slots may use, and which of them say a direction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lexicon: Option<TextFile>,
    /// What writes a text out before a classifier reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normaliser: Option<TextFile>,
}

/// Whether a language model writes or reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It says which token comes next.
    Decoder,
    /// It reads a text as a whole.
    Encoder,
}

/// What an encoder's answer is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// The mean of the last hidden states, of length 1.
    Mean,
    /// The last hidden state of the first token, of length 1.
    First,
    /// One logit for each of the labels of `model.labels`.
    Labels,
}

/// A text file of the bundle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextFile {
    /// Plain file name inside the bundle.
    pub file: String,
    /// Digest of the file.
    pub sha256: Sha256Hex,
}

impl Language {
    pub(super) fn check(&self) -> Result<(), BundleError> {
        let invalid = |part: &str, problem: &str| {
            Err(BundleError::invalid(MANIFEST, format!("language.{part}"), problem))
        };
        if self.context == 0 {
            return invalid("context", "must be 1 or more: the most tokens of one call");
        }
        match self.kind {
            Kind::Decoder if self.end.is_empty() => {
                invalid("end", "must name at least one token: what ends an answer")
            }
            Kind::Decoder if self.output.is_some() => {
                invalid("output", "must be left out: a decoder's answer is the next token")
            }
            Kind::Encoder if self.output.is_none() => {
                invalid("output", "is missing: `mean`, `first` or `labels`")
            }
            _ => Ok(()),
        }
    }

    /// Its files, each with the key that names it.
    pub(super) fn files(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let template = self.chat_template.as_ref().map(|text| ("language.chat_template.file", &*text.file));
        let lexicon = self.lexicon.as_ref().map(|text| ("language.lexicon.file", &*text.file));
        let normaliser = self.normaliser.as_ref().map(|text| ("language.normaliser.file", &*text.file));
        template.into_iter().chain(lexicon).chain(normaliser)
    }
}
