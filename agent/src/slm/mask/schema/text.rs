//! Strings with a greatest length.

use serde_json::{Map, Value, json};

use super::{Finite, Part, at, count, refuse};

/// Longest string where the schema sets no bound, in characters: a sentence.
const DEFAULT_LENGTH: u64 = 128;
/// Longest string that is taken from a schema.
const MOST_LENGTH: u64 = 4_096;
/// Bytes of the longest character.
const CHARACTER: usize = 4;

/// What the formats look like here: each a part of what its standard allows.
const FORMATS: [(&str, &str); 5] = [
    ("date", DATE),
    (
        "date-time",
        "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$",
    ),
    ("time", "^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$"),
    ("uuid", "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"),
    (
        "ipv4",
        "^((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\\.){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])$",
    ),
];
/// Every month has its day 31, 30 or 28 here; a 29th of February would need the year.
const DATE: &str = "^[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))$";

pub(super) fn string(node: &Map<String, Value>, path: &str) -> Part {
    let least = count(node, "minLength", path)?.unwrap_or(0);
    if least > MOST_LENGTH {
        return Err(refuse(&at(path, "minLength"), format!("supported up to {MOST_LENGTH}")));
    }
    let most = count(node, "maxLength", path)?.unwrap_or(DEFAULT_LENGTH.max(least)).min(MOST_LENGTH);
    if least > most {
        return Ok(None);
    }
    let mut schema = json!({"type": "string", "minLength": least, "maxLength": most});
    let pattern = match (node.get("pattern"), node.get("format")) {
        (Some(_), Some(_)) => return Err(refuse(&at(path, "format"), "not supported beside pattern")),
        (Some(Value::String(pattern)), None) => Some(pattern.as_str()),
        (Some(_), None) => return Err(refuse(&at(path, "pattern"), "a pattern is a string")),
        (None, Some(format)) => match FORMATS.iter().find(|(name, _)| format == name) {
            Some((_, pattern)) => Some(*pattern),
            None => return Err(refuse(&at(path, "format"), format!("{format} is not supported"))),
        },
        (None, None) => None,
    };
    if let Some(pattern) = pattern {
        schema["pattern"] = pattern.into();
    }
    let longest = 2 + most as usize * CHARACTER;
    Ok(Some(Finite { schema, longest }))
}
