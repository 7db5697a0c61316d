//! `POST /v1/chat/completions`: a conversation is answered.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::generation::{self, Asked, Format};
use super::stream::Chunks;
use crate::slm::api::error::ApiError;
use crate::slm::api::fields::{self, Rule, Rules, is_empty};
use crate::slm::runtime::{Finish, Message, Role, Usage};

const OWN: Rules = &[
    ("messages", Rule::Taken),
    ("max_completion_tokens", Rule::Taken),
    ("response_format", Rule::Taken),
    ("metadata", Rule::Harmless),
    ("store", Rule::Harmless),
    ("service_tier", Rule::Harmless),
    ("safety_identifier", Rule::Harmless),
    ("prompt_cache_key", Rule::Harmless),
    ("prompt_cache_options", Rule::Harmless),
    ("prompt_cache_retention", Rule::Harmless),
    ("logprobs", Rule::Neutral(|value| value == false, "probabilities of tokens are not given out")),
    ("top_logprobs", Rule::Neutral(|_| false, "probabilities of tokens are not given out")),
    ("tools", Rule::Neutral(is_empty, "these models call no tools; use `response_format`")),
    ("tool_choice", Rule::Neutral(|value| value == "none", "these models call no tools")),
    ("parallel_tool_calls", Rule::Neutral(|value| value == false, "these models call no tools")),
    ("functions", Rule::Neutral(is_empty, "these models call no functions; use `response_format`")),
    ("function_call", Rule::Neutral(|value| value == "none", "these models call no functions")),
    ("modalities", Rule::Neutral(|value| *value == serde_json::json!(["text"]), "answers are text")),
    ("reasoning_effort", Rule::Neutral(|value| value == "none", "these models do not reason apart")),
];

/// A conversation to be answered.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    /// The model's name.
    pub model: String,
    /// What was said so far.
    pub messages: Vec<Message>,
    /// What the answer must look like.
    pub format: Format,
    /// How it is written.
    pub generation: Asked,
}

#[derive(Deserialize)]
struct Own {
    model: String,
    messages: Vec<Spoken>,
    response_format: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spoken {
    role: Speaker,
    content: Content,
    #[serde(default, rename = "name")]
    _name: Option<String>,
    /// Clients send an earlier answer back as they got it.
    #[serde(default, rename = "refusal")]
    _refusal: Option<()>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Speaker {
    System,
    Developer,
    User,
    Assistant,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a text or a list of `{\"type\": \"text\", \"text\": …}`")]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Part {
    Text { text: String },
}

impl ChatRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// The field and what is wrong with it.
    pub fn read(body: &[u8]) -> Result<Self, ApiError> {
        let object = fields::read(body, &[generation::RULES, OWN])?;
        let Own { model, messages, response_format } = fields::parse(&object)?;
        if messages.is_empty() {
            return Err(ApiError::value("messages", "`messages` must hold at least one message"));
        }
        Ok(ChatRequest {
            model,
            messages: messages.into_iter().map(Spoken::message).collect(),
            format: generation::format(response_format.as_ref())?,
            generation: Asked::read(&object)?,
        })
    }
}

impl Spoken {
    fn message(self) -> Message {
        let role = match self.role {
            Speaker::System | Speaker::Developer => Role::System,
            Speaker::User => Role::User,
            Speaker::Assistant => Role::Assistant,
        };
        let content = match self.content {
            Content::Text(text) => text,
            Content::Parts(parts) => parts.into_iter().map(|Part::Text { text }| text).collect(),
        };
        Message { role, content }
    }
}

/// A whole answer.
#[must_use]
pub fn answer(head: &super::Head, text: &str, finish: Finish, usage: Usage) -> impl Serialize {
    #[derive(Serialize)]
    struct Choice<'a> {
        index: u32,
        message: Answered<'a>,
        logprobs: (),
        finish_reason: Finish,
    }
    #[derive(Serialize)]
    struct Answered<'a> {
        role: Role,
        content: &'a str,
        refusal: (),
    }
    let message = Answered { role: Role::Assistant, content: text, refusal: () };
    let choice = Choice { index: 0, message, logprobs: (), finish_reason: finish };
    super::Body { head, object: "chat.completion", choices: [choice], usage: Some(usage.into()) }
}

/// A streamed answer.
#[derive(Debug)]
pub struct ChatChunks;

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    delta: Delta<'a>,
    logprobs: (),
    finish_reason: Option<Finish>,
}

#[derive(Default, Serialize)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
}

impl Choice<'_> {
    fn of(delta: Delta<'_>, finish_reason: Option<Finish>) -> Choice<'_> {
        Choice { index: 0, delta, logprobs: (), finish_reason }
    }
}

impl Chunks for ChatChunks {
    const OBJECT: &'static str = "chat.completion.chunk";

    fn first() -> Option<impl Serialize> {
        Some(Choice::of(Delta { role: Some(Role::Assistant), content: Some("") }, None))
    }

    fn piece(text: &str) -> impl Serialize {
        Choice::of(Delta { role: None, content: Some(text) }, None)
    }

    fn last(finish: Finish) -> impl Serialize {
        Choice::of(Delta::default(), Some(finish))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(body: &Value) -> Result<ChatRequest, ApiError> {
        ChatRequest::read(body.to_string().as_bytes())
    }

    fn param(field: &str, value: Value) -> Option<String> {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hello"}]});
        body[field] = value;
        read(&body).unwrap_err().detail.param
    }

    #[test]
    fn a_conversation_is_read_as_it_was_said() {
        let asked = read(&json!({
            "model": "m",
            "messages": [
                {"role": "developer", "content": "be short"},
                {"role": "user", "content": [{"type": "text", "text": "hel"}, {"type": "text", "text": "lo"}]},
                {"role": "assistant", "content": "hi", "refusal": null},
            ],
            "store": true, "n": 1, "tools": [], "response_format": {"type": "json_object"},
        }));
        let asked = asked.unwrap();
        let said: Vec<_> = asked.messages.iter().map(|m| (m.role, m.content.as_str())).collect();
        assert_eq!(said, [(Role::System, "be short"), (Role::User, "hello"), (Role::Assistant, "hi")]);
        assert_eq!(asked.format, Format::Object);
    }

    #[test]
    fn what_would_change_the_answer_and_cannot_be_done_is_refused_by_name() {
        for (field, value) in [
            ("n", json!(2)),
            ("tools", json!([{"type": "function", "function": {"name": "f"}}])),
            ("tool_choice", json!("auto")),
            ("logprobs", json!(true)),
            ("top_logprobs", json!(3)),
            ("logit_bias", json!({"5": 1})),
            ("presence_penalty", json!(0.5)),
            ("modalities", json!(["audio"])),
            ("audio", json!({})),
            ("web_search_options", json!({})),
            ("temprature", json!(1)),
        ] {
            assert_eq!(param(field, value).as_deref(), Some(field));
        }
        assert_eq!(param("messages", json!([])).as_deref(), Some("messages"));
        let image = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]);
        assert!(param("messages", image).unwrap().starts_with("messages[0]"));
        let tool = json!([{"role": "tool", "content": "x", "tool_call_id": "1"}]);
        assert!(param("messages", tool).unwrap().starts_with("messages[0]"));
    }

    proptest! {
        #[test]
        fn a_foreign_body_is_read_or_refused(text in "[\\[\\]{}\":,a-z0-9 ]{0,80}", role in "[a-z]{0,9}") {
            let _ = ChatRequest::read(text.as_bytes());
            let _ = read(&json!({"model": text, "messages": [{"role": role, "content": text}]}));
        }
    }
}
