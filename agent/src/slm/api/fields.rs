//! Which fields of a request are taken, and what becomes of the others.
//!
//! OpenAI's clients send many fields that a small model on a gateway has no use for. One that would
//! change the answer is refused by its name: an answer that silently leaves it out would be wrong.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::error::ApiError;

/// What becomes of a field.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// It is read.
    Taken,
    /// It changes nothing in the answer: it is about accounts, storage or caches elsewhere.
    Harmless,
    /// Only the value that changes nothing is let in, and why.
    Neutral(fn(&Value) -> bool, &'static str),
}

/// The fields of an object by name.
pub type Rules = &'static [(&'static str, Rule)];

/// A number that is `value`.
pub fn is(value: &Value, number: f64) -> bool {
    value.as_f64() == Some(number)
}

/// A list or an object with nothing in it.
pub fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty)
}

/// The object that a body holds. `null` means the same as leaving a field out.
///
/// # Errors
/// When it is no JSON object, or has a field that is not taken.
pub fn read(body: &[u8], rules: &[Rules]) -> Result<Value, ApiError> {
    let value =
        serde_json::from_slice(body).map_err(|error| ApiError::malformed(format!("not JSON: {error}")))?;
    object(value, rules)
}

/// The same of JSON that has been read.
///
/// # Errors
/// As for [`read`].
pub fn object(value: Value, rules: &[Rules]) -> Result<Value, ApiError> {
    let Value::Object(mut object) = value else {
        return Err(ApiError::malformed("must be a JSON object"));
    };
    object.retain(|_, value| !value.is_null());
    for (name, value) in &object {
        match rules.iter().copied().flatten().find(|(known, _)| known == name) {
            None => return Err(ApiError::unsupported(name, format!("unknown field `{name}`"))),
            Some((_, Rule::Neutral(fits, why))) if !fits(value) => {
                return Err(ApiError::unsupported(name, format!("`{name}` is not supported: {why}")));
            }
            Some(_) => {}
        }
    }
    Ok(Value::Object(object))
}

/// Reads what one type wants of an object; other fields are left to other types.
///
/// # Errors
/// The field and what is wrong with it.
pub fn parse<T: DeserializeOwned>(value: &Value) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let message = error.inner().to_string();
        // A field that is missing has no place of its own: the message names it.
        let missing = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
        let param = match (path.as_str(), missing) {
            (".", Some(missing)) => missing.to_owned(),
            (path, Some(missing)) => format!("{path}.{missing}"),
            (path, None) => path.to_owned(),
        };
        ApiError::value(&param, format!("`{param}`: {message}"))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    const RULES: Rules = &[
        ("text", Rule::Taken),
        ("list", Rule::Taken),
        ("user", Rule::Harmless),
        ("n", Rule::Neutral(|value| is(value, 1.0), "one answer to a request")),
    ];

    #[derive(Debug, PartialEq, Deserialize)]
    struct Small {
        text: String,
        #[serde(default)]
        list: Vec<u32>,
    }

    fn small(body: &str) -> Result<Small, ApiError> {
        parse(&read(body.as_bytes(), &[RULES])?)
    }

    fn refused(body: &str) -> (Option<String>, &'static str) {
        let detail = small(body).unwrap_err().detail;
        (detail.param, detail.code)
    }

    #[test]
    fn a_field_that_is_not_supported_is_refused_by_name() {
        assert_eq!(refused(r#"{"text":"a","n":2}"#), (Some("n".into()), "unsupported_parameter"));
        assert_eq!(refused(r#"{"text":"a","tools":[]}"#), (Some("tools".into()), "unsupported_parameter"));
    }

    #[test]
    fn a_value_that_cannot_be_is_refused_with_its_path() {
        assert_eq!(refused(r#"{"text":7}"#), (Some("text".into()), "invalid_value"));
        assert_eq!(refused(r#"{"text":"a","list":[1,-1]}"#), (Some("list[1]".into()), "invalid_value"));
        assert_eq!(refused("{}"), (Some("text".into()), "invalid_value"));
        assert_eq!(refused("[]"), (None, "invalid_body"));
        assert_eq!(refused("{"), (None, "invalid_body"));
    }

    #[test]
    fn null_and_harmless_fields_are_left_out() {
        let taken = small(r#"{"text":"a","list":null,"user":"me","n":1,"tools":null}"#);
        assert_eq!(taken.unwrap(), Small { text: "a".into(), list: Vec::new() });
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = small(&String::from_utf8_lossy(&body));
        }
    }
}
