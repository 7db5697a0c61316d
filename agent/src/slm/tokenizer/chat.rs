//! Chat templates, as Hugging Face writes them: Jinja with Python's methods.

use std::collections::BTreeMap;

use minijinja::value::Kwargs;
use minijinja::{Environment, Error, ErrorKind, Value, context};
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use super::message::Message;
use crate::time::Timestamp;

/// Largest template: the longest ones known, with all their tools, have a third of it.
const MOST_BYTES: usize = 64 * 1024;
/// Steps of a template before it is given up: a thousand times what a long chat takes.
const FUEL: u64 = 5_000_000;
/// Deepest indentation of JSON; only for readability.
const MOST_INDENT: usize = 16;

/// Why a template cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChatError {
    /// The template is not one.
    #[error("chat template: {0}")]
    Template(String),
    /// The template does not take these messages.
    #[error("chat template refuses these messages: {0}")]
    Refused(String),
}

/// A template that makes one text of the messages of a chat.
#[derive(Clone, Debug)]
pub struct ChatTemplate {
    source: String,
    variables: BTreeMap<String, serde_json::Value>,
}

impl ChatTemplate {
    /// Reads a template: `chat_template` of `tokenizer_config.json`, or `chat_template.jinja`.
    ///
    /// # Errors
    /// When it is not one, or too large.
    pub fn new(template: &str) -> Result<Self, ChatError> {
        if template.len() > MOST_BYTES {
            return Err(ChatError::Template(format!("{} bytes; at most {MOST_BYTES}", template.len())));
        }
        let environment = environment(Timestamp::EPOCH);
        environment.template_from_str(template).map_err(|error| ChatError::Template(describe(&error)))?;
        Ok(ChatTemplate { source: template.to_owned(), variables: BTreeMap::new() })
    }

    /// Sets a variable that this template knows, such as Qwen's `enable_thinking`.
    #[must_use]
    pub fn with(mut self, name: &str, value: serde_json::Value) -> Self {
        self.variables.insert(name.to_owned(), value);
        self
    }

    /// The text of a chat. `begin` and `end` are the names of the model's tokens at the beginning
    /// and end of a text (`bos_token`, `eos_token`), empty where it has none. `today` is what a
    /// template that asks for the date is told, in UTC. `answer` adds what begins an assistant's
    /// answer.
    ///
    /// # Errors
    /// When the template refuses the messages, or does not come to an end.
    pub fn render(
        &self,
        messages: &[Message],
        begin: &str,
        end: &str,
        today: Timestamp,
        answer: bool,
    ) -> Result<String, ChatError> {
        let told = context! {
            messages,
            bos_token => begin,
            eos_token => end,
            add_generation_prompt => answer,
            tools => (),
            documents => (),
            ..Value::from_serialize(&self.variables)
        };
        let environment = environment(today);
        let template = environment.template_from_str(&self.source);
        let text = template.and_then(|template| template.render(told));
        text.map_err(|error| ChatError::Refused(describe(&error)))
    }
}

/// Jinja as `transformers` sets it up.
fn environment(today: Timestamp) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_fuel(Some(FUEL));
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_filter("tojson", to_json);
    environment.add_function("raise_exception", |message: String| -> Result<Value, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, message))
    });
    environment.add_function("strftime_now", move |format: String| {
        let moment = jiff::Timestamp::from_microsecond(today.as_micros()).map_err(refuse)?;
        let moment = moment.to_zoned(jiff::tz::TimeZone::UTC);
        jiff::fmt::strtime::format(&format, &moment).map_err(refuse)
    });
    environment
}

/// JSON as Python's `json.dumps` writes it; Jinja's own would escape `<` and `&`.
fn to_json(value: Value, options: Kwargs) -> Result<Value, Error> {
    let indent: Option<usize> = options.get("indent")?;
    options.assert_all_used()?;
    let text = match indent {
        None => written(&value, Spaced(CompactFormatter)),
        Some(indent) => {
            let indent = " ".repeat(indent.min(MOST_INDENT));
            written(&value, PrettyFormatter::with_indent(indent.as_bytes()))
        }
    };
    text.map(Value::from_safe_string)
}

fn written(value: &Value, formatter: impl Formatter) -> Result<String, Error> {
    let mut text = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut text, formatter)).map_err(refuse)?;
    String::from_utf8(text).map_err(refuse)
}

fn refuse(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidOperation, error.to_string())
}

/// An error without the place where it was raised, which for a template of one line says nothing.
fn describe(error: &Error) -> String {
    let problem = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    match error.line() {
        Some(line) => format!("line {line}: {problem}"),
        None => problem,
    }
}

/// A space after every comma and colon.
struct Spaced(CompactFormatter);

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + std::io::Write>(
        &mut self,
        to: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { to.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(
        &mut self,
        to: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { to.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, to: &mut W) -> std::io::Result<()> {
        to.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::Role;
    use super::*;

    #[derive(Deserialize)]
    struct Case {
        messages: Vec<Message>,
        answer: bool,
        variables: BTreeMap<String, serde_json::Value>,
        text: String,
    }

    const TEMPLATES: [(&str, &str); 6] = [
        ("alternating", include_str!("fixtures/chat/alternating.jinja")),
        ("llama3.2", include_str!("fixtures/chat/llama3.2.jinja")),
        ("plain", include_str!("fixtures/chat/plain.jinja")),
        ("qwen2.5", include_str!("fixtures/chat/qwen2.5.jinja")),
        ("qwen3", include_str!("fixtures/chat/qwen3.jinja")),
        ("smollm2", include_str!("fixtures/chat/smollm2.jinja")),
    ];

    /// 2026-11-21T14:05:00Z, when `fixtures/chat/expected.json` was written.
    const TODAY: Timestamp = Timestamp::from_millis(1_795_269_900_000);

    fn message(role: Role, content: &str) -> Message {
        Message { role, content: content.into() }
    }

    #[test]
    fn a_chat_becomes_the_text_that_transformers_makes_of_it() {
        let cases: BTreeMap<String, Vec<Case>> =
            serde_json::from_str(include_str!("fixtures/chat/expected.json")).unwrap();
        for (name, source) in TEMPLATES {
            for case in &cases[name] {
                let template = case
                    .variables
                    .iter()
                    .fold(ChatTemplate::new(source).unwrap(), |template, (name, value)| {
                        template.with(name, value.clone())
                    });
                let text = template.render(&case.messages, "<s>", "</s>", TODAY, case.answer).unwrap();
                assert_eq!(text, case.text, "{name}: {:?}", case.messages);
            }
        }
    }

    #[test]
    fn a_template_that_refuses_the_messages_says_why() {
        let template = ChatTemplate::new(TEMPLATES[0].1).unwrap();
        let refused = template.render(&[message(Role::Assistant, "x")], "", "", TODAY, true).unwrap_err();
        assert!(refused.to_string().contains("conversation roles must alternate"), "{refused}");
    }

    #[test]
    fn a_broken_template_is_refused_by_its_name_and_line() {
        let broken = ChatTemplate::new("a\n{% for x in %}").unwrap_err().to_string();
        assert!(broken.starts_with("chat template: line 2: "), "{broken}");
        let large = ChatTemplate::new(&" ".repeat(MOST_BYTES + 1)).unwrap_err().to_string();
        assert!(large.contains("at most 65536"), "{large}");
    }

    proptest::proptest! {
        /// Foreign bytes: whatever a template says, it makes a text or an error.
        #[test]
        fn a_foreign_template_never_panics(
            parts in proptest::collection::vec(
                proptest::sample::select(&[
                    "{{", "}}", "{%-", "%}", " for m in messages ", " endfor ", " if ", " endif ", " set x = ",
                    "messages[0]", ".content", "[::-1]", "|tojson(indent=4)", "|trim", "strftime_now('%Q %')",
                    ".split('x')", " ~ ", "-1", "'a'", " namespace(a=1)", "range(99999)", " loop.index0 ", "é",
                ][..]),
                0..14,
            ),
        ) {
            if let Ok(template) = ChatTemplate::new(&parts.concat()) {
                let _ = template.render(&[message(Role::User, "x")], "", "", TODAY, true);
            }
        }
    }

    #[test]
    fn a_template_that_does_not_end_is_given_up() {
        let source = "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}";
        let template = ChatTemplate::new(source).unwrap();
        assert!(matches!(template.render(&[], "", "", TODAY, false), Err(ChatError::Refused(_))));
    }
}
