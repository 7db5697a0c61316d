//! Environment variables that override single keys.
//!
//! `LINESIDE__MQTT__HOST=broker` sets `mqtt.host`; `LINESIDE__DEVICE__0__PERIOD=1s` sets the
//! period of the first device. Two underscores separate keys, because keys hold single ones.

use super::error::{ConfigError, Problem};
use super::tree::{Node, Place, Value};

/// What the variables begin with.
pub const PREFIX: &str = "LINESIDE__";
const SEPARATOR: &str = "__";

/// Puts the variables among `env` that begin with [`PREFIX`] into the tree, in the order of
/// their names. Whether the keys exist and the values fit is checked with the rest of the tree.
pub(super) fn apply(root: &mut Node, env: impl Iterator<Item = (String, String)>) -> Vec<ConfigError> {
    let mut variables: Vec<(String, String)> = env.filter(|(name, _)| name.starts_with(PREFIX)).collect();
    variables.sort();
    variables.into_iter().filter_map(|(name, value)| set(root, &name, value).err()).collect()
}

fn set(root: &mut Node, variable: &str, text: String) -> Result<(), ConfigError> {
    let keys: Vec<String> = variable[PREFIX.len()..].split(SEPARATOR).map(str::to_ascii_lowercase).collect();
    let place = Place::Variable(variable.to_owned());
    let refuse = |depth: usize, found: String, expected: String| ConfigError {
        place: place.clone(),
        key: keys[..depth].join("."),
        problem: Problem::Value { found, expected, suggestion: None },
    };
    let mut node = root;
    for (depth, key) in keys.iter().enumerate() {
        if key.is_empty() {
            let expected = "keys separated by two underscores, such as LINESIDE__MQTT__HOST";
            return Err(refuse(depth, "an empty key".to_owned(), expected.to_owned()));
        }
        let found = node.found(true);
        node = match &mut node.value {
            Value::Table(entries) => {
                let at = entries.iter().position(|(name, _)| name == key).unwrap_or_else(|| {
                    let value = Value::Table(Vec::new());
                    entries.push((key.clone(), Node { place: place.clone(), value }));
                    entries.len() - 1
                });
                &mut entries[at].1
            }
            Value::List(list) => {
                let count = list.len();
                match key.parse::<usize>().ok().and_then(|index| list.get_mut(index)) {
                    Some(entry) => entry,
                    None => {
                        let expected = format!("the number of an entry, 0 to {}", count.saturating_sub(1));
                        return Err(refuse(depth, format!("`{key}`"), expected));
                    }
                }
            }
            _ => return Err(refuse(depth, found, format!("a table that holds `{key}`"))),
        };
    }
    let replaces_many = match &node.value {
        Value::Table(entries) => !entries.is_empty(),
        Value::List(_) => true,
        _ => false,
    };
    if replaces_many {
        let found = node.found(true);
        return Err(refuse(keys.len(), found, "a single key: name one inside it".to_owned()));
    }
    *node = Node { place, value: Value::Untyped(text) };
    Ok(())
}
