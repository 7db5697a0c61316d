//! `POST /v1/completions`: a text is continued.

use serde::{Deserialize, Serialize};

use super::generation::{self, Asked};
use super::stream::Chunks;
use crate::slm::api::error::ApiError;
use crate::slm::api::fields::{self, Rule, Rules, is};
use crate::slm::runtime::{Finish, Usage};

const OWN: Rules = &[
    ("prompt", Rule::Taken),
    ("best_of", Rule::Neutral(|value| is(value, 1.0), "a request has one answer")),
    ("echo", Rule::Neutral(|value| value == false, "the answer does not repeat the prompt")),
    ("logprobs", Rule::Neutral(|_| false, "probabilities of tokens are not given out")),
    ("suffix", Rule::Neutral(|value| value == "", "these models write to the end alone")),
];

/// A text to be continued.
#[derive(Clone, Debug, PartialEq)]
pub struct CompletionRequest {
    /// The model's name.
    pub model: String,
    /// The text.
    pub prompt: String,
    /// How it is continued.
    pub generation: Asked,
}

#[derive(Deserialize)]
struct Own {
    model: String,
    prompt: Prompt,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a text, or a list of one text")]
enum Prompt {
    Text(String),
    List([String; 1]),
}

impl CompletionRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// The field and what is wrong with it.
    pub fn read(body: &[u8]) -> Result<Self, ApiError> {
        let object = fields::read(body, &[generation::RULES, OWN])?;
        let Own { model, prompt } = fields::parse(&object)?;
        let (Prompt::Text(prompt) | Prompt::List([prompt])) = prompt;
        Ok(CompletionRequest { model, prompt, generation: Asked::read(&object)? })
    }
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    text: &'a str,
    logprobs: (),
    finish_reason: Option<Finish>,
}

impl<'a> Choice<'a> {
    fn of(text: &'a str, finish_reason: Option<Finish>) -> Self {
        Choice { index: 0, text, logprobs: (), finish_reason }
    }
}

const OBJECT: &str = "text_completion";

/// A whole answer.
#[must_use]
pub fn answer(head: &super::Head, text: &str, finish: Finish, usage: Usage) -> impl Serialize {
    let choices = [Choice::of(text, Some(finish))];
    super::Body { head, object: OBJECT, choices, usage: Some(usage.into()) }
}

/// A streamed answer.
#[derive(Debug)]
pub struct CompletionChunks;

impl Chunks for CompletionChunks {
    const OBJECT: &'static str = OBJECT;

    fn first() -> Option<impl Serialize> {
        None::<()>
    }

    fn piece(text: &str) -> impl Serialize {
        Choice::of(text, None)
    }

    fn last(finish: Finish) -> impl Serialize {
        Choice::of("", Some(finish))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(prompt: Value, field: &str, value: Value) -> Result<CompletionRequest, ApiError> {
        let mut body = json!({"model": "m", "prompt": prompt});
        body[field] = value;
        CompletionRequest::read(body.to_string().as_bytes())
    }

    #[test]
    fn a_prompt_is_one_text() {
        for prompt in [json!("once"), json!(["once"])] {
            assert_eq!(read(prompt, "user", json!("me")).unwrap().prompt, "once");
        }
        for prompt in [json!(["a", "b"]), json!([1, 2]), json!(7), json!([])] {
            let error = read(prompt, "user", json!("me")).unwrap_err();
            assert_eq!(error.detail.param.as_deref(), Some("prompt"));
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused_by_name() {
        for (field, value) in [
            ("best_of", json!(2)),
            ("echo", json!(true)),
            ("logprobs", json!(1)),
            ("suffix", json!("end")),
            ("max_completion_tokens", json!(1)),
            ("response_format", json!({"type": "json_object"})),
        ] {
            let error = read(json!("once"), field, value).unwrap_err();
            assert_eq!(error.detail.param.as_deref(), Some(field));
        }
    }
}
