//! One of several: values, or schemas.

use serde_json::{Value, json};

use super::Finite;

/// One of some values, those of a type where it is given.
pub(super) fn of_values(values: &[Value], kind: Option<&Value>) -> Option<Finite> {
    let kinds = match kind {
        None => None,
        Some(Value::Array(kinds)) => Some(kinds.as_slice()),
        Some(one) => Some(std::slice::from_ref(one)),
    };
    let fits = |value: &&Value| kinds.is_none_or(|kinds| kinds.iter().any(|kind| is_of(value, kind)));
    let values: Vec<&Value> = values.iter().filter(fits).collect();
    let longest = values.iter().map(|value| value.to_string().len()).max()?;
    Some(Finite { schema: json!({"enum": values}), longest })
}

fn is_of(value: &Value, kind: &Value) -> bool {
    match kind.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        Some("number") => value.is_number(),
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => false,
    }
}

/// One of some schemas.
pub(super) fn of(mut options: Vec<Finite>) -> Option<Finite> {
    if options.len() == 1 {
        return options.pop();
    }
    let longest = options.iter().map(|option| option.longest).max()?;
    let options: Vec<Value> = options.into_iter().map(|option| option.schema).collect();
    Some(Finite { schema: json!({"anyOf": options}), longest })
}

/// Whether no document can keep two of these.
pub(super) fn are_disjoint(options: &[Finite]) -> bool {
    let mut rest = options.iter();
    std::iter::from_fn(|| rest.next().map(|one| (one, rest.clone())))
        .all(|(one, mut others)| others.all(|other| differ(&one.schema, &other.schema)))
}

fn differ(one: &Value, other: &Value) -> bool {
    if let Some(options) = one["anyOf"].as_array() {
        return options.iter().all(|option| differ(option, other));
    }
    if let Some(values) = one["enum"].as_array() {
        return values.iter().all(|value| match other["enum"].as_array() {
            Some(others) => !others.contains(value),
            None if other["anyOf"].is_array() => differ(other, &json!({"enum": [value]})),
            None => !is_of(value, &other["type"]),
        });
    }
    if other["anyOf"].is_array() || other["enum"].is_array() {
        return differ(other, one);
    }
    match (one["type"].as_str(), other["type"].as_str()) {
        (Some("integer" | "number"), Some("integer" | "number")) => false,
        (Some("object"), Some("object")) => one["required"].as_array().is_some_and(|required| {
            let both =
                |name: &&Value| other["required"].as_array().is_some_and(|others| others.contains(name));
            required
                .iter()
                .filter(both)
                .filter_map(Value::as_str)
                .any(|name| differ(&one["properties"][name], &other["properties"][name]))
        }),
        (Some(one), Some(other)) => one != other,
        _ => false,
    }
}
