//! `POST /v1/embeddings`: texts become vectors.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::Tokens;
use crate::slm::api::error::ApiError;
use crate::slm::api::fields::{self, Rule, Rules};
use crate::slm::runtime::{Usage, Vector};

/// Most texts of a request: together they hold the model for as long as one answer of a decoder.
const TEXTS: usize = 64;

const RULES: Rules = &[
    ("model", Rule::Taken),
    ("input", Rule::Taken),
    ("encoding_format", Rule::Taken),
    ("user", Rule::Harmless),
    ("dimensions", Rule::Neutral(|_| false, "a vector has the length that the model gives")),
];

/// Texts to be turned into vectors.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingRequest {
    /// The model's name.
    pub model: String,
    /// The texts.
    pub texts: Vec<String>,
    /// How the vectors are written.
    pub encoding: Encoding,
}

/// How a vector is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// As a list of numbers.
    #[default]
    Float,
    /// As the bytes of little-endian `f32`, in base64.
    Base64,
}

#[derive(Deserialize)]
struct Own {
    model: String,
    input: Input,
    #[serde(default)]
    encoding_format: Encoding,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a text or a list of texts")]
enum Input {
    One(String),
    Several(Vec<String>),
}

impl EmbeddingRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// The field and what is wrong with it.
    pub fn read(body: &[u8]) -> Result<Self, ApiError> {
        let object = fields::read(body, &[RULES])?;
        let Own { model, input, encoding_format } = fields::parse(&object)?;
        let texts = match input {
            Input::One(text) => vec![text],
            Input::Several(texts) => texts,
        };
        if texts.is_empty() || texts.len() > TEXTS || texts.iter().any(String::is_empty) {
            let message = format!("`input` takes 1 to {TEXTS} texts, none of them empty");
            return Err(ApiError::value("input", message));
        }
        Ok(EmbeddingRequest { model, texts, encoding: encoding_format })
    }
}

/// The answer.
#[must_use]
pub fn answer(model: &str, vectors: &[Vector], encoding: Encoding, usage: Usage) -> impl Serialize {
    #[derive(Serialize)]
    struct Body {
        object: &'static str,
        model: String,
        data: Vec<Entry>,
        usage: Spent,
    }
    #[derive(Serialize)]
    struct Entry {
        object: &'static str,
        index: usize,
        embedding: Embedding,
    }
    #[derive(Serialize)]
    struct Spent {
        prompt_tokens: u64,
        total_tokens: u64,
    }
    let entry =
        |(index, vector)| Entry { object: "embedding", index, embedding: Embedding::of(vector, encoding) };
    let Tokens { prompt_tokens, total_tokens, .. } = usage.into();
    Body {
        object: "list",
        model: model.to_owned(),
        data: vectors.iter().enumerate().map(entry).collect(),
        usage: Spent { prompt_tokens, total_tokens },
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Embedding {
    Float(Vector),
    Base64(String),
}

impl Embedding {
    fn of(vector: &Vector, encoding: Encoding) -> Self {
        match encoding {
            Encoding::Float => Embedding::Float(vector.clone()),
            Encoding::Base64 => {
                let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
                Embedding::Base64(STANDARD.encode(bytes))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(input: serde_json::Value) -> Result<EmbeddingRequest, ApiError> {
        EmbeddingRequest::read(json!({"model": "m", "input": input}).to_string().as_bytes())
    }

    #[test]
    fn texts_are_taken_and_tokens_are_not() {
        assert_eq!(read(json!("a")).unwrap().texts, ["a"]);
        assert_eq!(read(json!(["a", "b"])).unwrap().texts, ["a", "b"]);
        for input in [json!([]), json!([""]), json!([1, 2]), json!(vec!["a"; TEXTS + 1])] {
            assert_eq!(read(input).unwrap_err().detail.param.as_deref(), Some("input"));
        }
    }

    #[test]
    fn a_vector_in_base64_is_its_bytes() {
        let usage = Usage { tokens_in: 3, ..Usage::default() };
        let body = |encoding| serde_json::to_value(answer("m", &[vec![0.5, -2.0]], encoding, usage)).unwrap();
        assert_eq!(body(Encoding::Float)["data"][0]["embedding"], json!([0.5, -2.0]));
        // 0x3f000000 and 0xc0000000, the lowest byte first.
        assert_eq!(body(Encoding::Base64)["data"][0]["embedding"], json!("AAAAPwAAAMA="));
        assert_eq!(body(Encoding::Float)["usage"], json!({"prompt_tokens": 3, "total_tokens": 3}));
    }
}
