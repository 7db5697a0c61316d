//! How an answer is to be written: what chat and plain completions have in common.

use serde::Deserialize;
use serde_json::Value;

use crate::slm::api::error::ApiError;
use crate::slm::api::fields::{self, Rule, Rules, is, is_empty};
use crate::slm::runtime::Sampling;

/// Most stop strings of a request, as OpenAI has it.
const STOPS: usize = 4;
/// OpenAI's range of temperatures.
const TEMPERATURE_MAX: f32 = 2.0;

/// The fields of chat and plain completions alike, with what becomes of them.
pub(super) const RULES: Rules = &[
    ("model", Rule::Taken),
    ("temperature", Rule::Taken),
    ("top_p", Rule::Taken),
    ("top_k", Rule::Taken),
    ("repetition_penalty", Rule::Taken),
    ("seed", Rule::Taken),
    ("stop", Rule::Taken),
    ("max_tokens", Rule::Taken),
    ("stream", Rule::Taken),
    ("stream_options", Rule::Taken),
    ("user", Rule::Harmless),
    ("n", Rule::Neutral(|value| is(value, 1.0), "a request has one answer; send several requests")),
    ("presence_penalty", Rule::Neutral(|value| is(value, 0.0), "use `repetition_penalty`")),
    ("frequency_penalty", Rule::Neutral(|value| is(value, 0.0), "use `repetition_penalty`")),
    ("logit_bias", Rule::Neutral(is_empty, "tokens are masked by `response_format` alone")),
];

/// How an answer is to be written.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Asked {
    /// 0 always takes the likeliest token.
    temperature: Option<f32>,
    top_p: Option<f32>,
    top_k: Option<u32>,
    repetition_penalty: Option<f32>,
    seed: Option<i64>,
    stop: Option<Stop>,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    #[serde(default)]
    stream: bool,
    stream_options: Option<StreamOptions>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "a text or a list of texts")]
enum Stop {
    One(String),
    Several(Vec<String>),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
    /// Padding against eavesdropping on a network that this API does not cross.
    #[serde(default, rename = "include_obfuscation")]
    _include_obfuscation: bool,
}

/// How the answer comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// As a whole.
    Whole,
    /// Token by token.
    Stream {
        /// Whether what it cost follows in a chunk of its own.
        usage: bool,
    },
}

/// What the answer must look like.
#[derive(Clone, Debug, PartialEq)]
pub enum Format {
    /// Any text.
    Text,
    /// A JSON object.
    Object,
    /// JSON that fits this schema.
    Schema(Value),
}

impl Asked {
    /// Reads and checks the fields of a request.
    ///
    /// # Errors
    /// The field and what is wrong with it.
    pub fn read(object: &Value) -> Result<Self, ApiError> {
        let asked: Asked = fields::parse(object)?;
        asked.check()?;
        Ok(asked)
    }

    fn check(&self) -> Result<(), ApiError> {
        let within = |name: &str, value: Option<f32>, fits: fn(f32) -> bool, range: &str| match value {
            Some(value) if !fits(value) => {
                Err(ApiError::value(name, format!("`{name}` is {value}; it must be {range}")))
            }
            _ => Ok(()),
        };
        let (temperature, top_p) = (self.temperature, self.top_p);
        within("temperature", temperature, |t| (0.0..=TEMPERATURE_MAX).contains(&t), "0 to 2")?;
        within("top_p", top_p, |p| p > 0.0 && p <= 1.0, "above 0 and at most 1")?;
        within("repetition_penalty", self.repetition_penalty, |p| (1.0..=10.0).contains(&p), "1 to 10")?;
        for (name, value) in
            [("max_tokens", self.max_tokens), ("max_completion_tokens", self.max_completion_tokens)]
        {
            if value == Some(0) {
                return Err(ApiError::value(name, format!("`{name}` must be 1 or more")));
            }
        }
        if self.max_tokens.is_some() && self.max_completion_tokens.is_some() {
            let message = "`max_completion_tokens` is the new name of `max_tokens`: set one of them";
            return Err(ApiError::value("max_completion_tokens", message));
        }
        if self.stream_options.is_some() && !self.stream {
            return Err(ApiError::value("stream_options", "`stream_options` goes with `stream: true`"));
        }
        let stops = self.stops();
        if stops.len() > STOPS || stops.iter().any(String::is_empty) {
            return Err(ApiError::value(
                "stop",
                format!("`stop` takes up to {STOPS} texts that are not empty"),
            ));
        }
        Ok(())
    }

    /// The texts at which the answer ends, before them.
    #[must_use]
    pub fn stops(&self) -> &[String] {
        match &self.stop {
            None => &[],
            Some(Stop::One(text)) => std::slice::from_ref(text),
            Some(Stop::Several(texts)) => texts,
        }
    }

    /// Most tokens of the answer, where a limit was asked for.
    #[must_use]
    pub fn max_tokens(&self) -> Option<u32> {
        self.max_completion_tokens.or(self.max_tokens)
    }

    /// How the next token is to be chosen. What was not asked for is left to the configuration.
    #[must_use]
    pub fn sampling(&self) -> Sampling {
        Sampling {
            max_tokens: self.max_tokens(),
            temperature: self.temperature,
            top_k: self.top_k,
            top_p: self.top_p,
            repetition_penalty: self.repetition_penalty,
            // Only whether two seeds are the same matters.
            seed: self.seed.map(i64::cast_unsigned),
            stop: self.stops().to_vec(),
        }
    }

    /// How the answer comes back.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        match self.stream {
            false => Delivery::Whole,
            true => Delivery::Stream { usage: self.stream_options.is_some_and(|o| o.include_usage) },
        }
    }
}

/// Reads `response_format`.
///
/// # Errors
/// What is wrong with it.
pub fn format(value: Option<&Value>) -> Result<Format, ApiError> {
    #[derive(Deserialize)]
    #[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
    enum Kind {
        Text,
        JsonObject,
        JsonSchema { json_schema: Named },
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Named {
        #[serde(rename = "name")]
        _name: String,
        #[serde(default, rename = "description")]
        _description: Option<String>,
        schema: Value,
        /// A schema is always kept to here.
        #[serde(default, rename = "strict")]
        _strict: Option<bool>,
    }
    let Some(value) = value else { return Ok(Format::Text) };
    let asked = fields::parse(value).map_err(|error| {
        let inner = error.detail.param.clone().filter(|path| path != ".");
        let param = inner.map_or("response_format".to_owned(), |path| format!("response_format.{path}"));
        error.about(param)
    })?;
    Ok(match asked {
        Kind::Text => Format::Text,
        Kind::JsonObject => Format::Object,
        Kind::JsonSchema { json_schema: Named { schema, .. } } => Format::Schema(schema),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn param(object: Value) -> Option<String> {
        Asked::read(&object).unwrap_err().detail.param
    }

    #[test]
    fn a_value_out_of_range_is_refused_by_name() {
        for (name, value) in [
            ("temperature", json!(2.1)),
            ("temperature", json!(-0.1)),
            ("top_p", json!(0)),
            ("repetition_penalty", json!(0.5)),
            ("max_tokens", json!(0)),
            ("max_completion_tokens", json!(0)),
            ("stop", json!(["a", "b", "c", "d", "e"])),
            ("stop", json!("")),
            ("stop", json!(7)),
            ("seed", json!(0.5)),
            ("stream", json!("yes")),
        ] {
            assert_eq!(param(json!({name: value})).as_deref(), Some(name), "{name} {value}");
        }
        assert_eq!(
            param(json!({"max_tokens": 1, "max_completion_tokens": 1})).unwrap(),
            "max_completion_tokens"
        );
        assert_eq!(param(json!({"stream_options": {"include_usage": true}})).unwrap(), "stream_options");
    }

    #[test]
    fn what_is_asked_for_is_what_is_read() {
        let asked = json!({"stop": "\n", "max_completion_tokens": 5, "stream": true,
                           "stream_options": {"include_usage": true}});
        let read = Asked::read(&asked).unwrap();
        assert_eq!(read.stops(), ["\n"]);
        assert_eq!(read.max_tokens(), Some(5));
        assert_eq!(read.delivery(), Delivery::Stream { usage: true });
        assert_eq!(Asked::read(&json!({})).unwrap().delivery(), Delivery::Whole);
    }

    #[test]
    fn the_form_of_an_answer_is_text_an_object_or_a_schema() {
        let schema = json!({"type": "object"});
        let named =
            json!({"type": "json_schema", "json_schema": {"name": "a", "strict": true, "schema": schema}});
        assert_eq!(format(None).unwrap(), Format::Text);
        assert_eq!(format(Some(&json!({"type": "json_object"}))).unwrap(), Format::Object);
        assert_eq!(format(Some(&named)).unwrap(), Format::Schema(schema));
        let refused = format(Some(&json!({"type": "yaml"}))).unwrap_err();
        assert!(refused.detail.param.unwrap().starts_with("response_format"));
    }
}
