//! Lists and objects: with a greatest length, and without properties that are not named.

use serde_json::{Map, Value, json};

use super::{Finite, Part, Reader, at, count, escaped, list, refuse};

/// Longest list where the schema sets no bound: enough for channels or causes of an incident.
pub(super) const DEFAULT_ITEMS: u64 = 16;
/// Longest list that is taken from a schema.
const MOST_ITEMS: u64 = 256;
/// Names that a schema leaves open.
const OPEN_NAME: &str = "^[A-Za-z][A-Za-z0-9_]{0,31}$";

impl Reader<'_> {
    pub(super) fn array(&mut self, node: &Map<String, Value>, path: &str) -> Part {
        let least = count(node, "minItems", path)?.unwrap_or(0);
        let most = count(node, "maxItems", path)?.unwrap_or(DEFAULT_ITEMS.max(least)).min(MOST_ITEMS);
        let mut first = Vec::new();
        let mut longest = 2;
        let mut most = usize::try_from(most).unwrap_or(usize::MAX);
        let no_items = Vec::new();
        let prefix = node
            .get("prefixItems")
            .map_or(Ok(&no_items[..]), |items| list(items, &at(path, "prefixItems")))?;
        for (place, item) in prefix.iter().enumerate().take(most) {
            match self.read(item, &format!("{path}/prefixItems/{place}"))? {
                Some(item) => {
                    longest += item.longest + 1;
                    first.push(item.schema);
                }
                None => {
                    most = place;
                    break;
                }
            }
        }
        let mut items = Value::Bool(false);
        if first.len() < most {
            match self.read(node.get("items").unwrap_or(&Value::Bool(true)), &at(path, "items"))? {
                Some(item) => {
                    longest += (most - first.len()) * (item.longest + 1);
                    items = item.schema;
                }
                None => most = first.len(),
            }
        }
        if least > most as u64 {
            let within = self.references.is_empty();
            return if within {
                Err(refuse(&at(path, "minItems"), format!("at most {most} items can be here")))
            } else {
                Ok(None)
            };
        }
        let schema = json!({"type": "array", "prefixItems": first, "items": items, "minItems": least, "maxItems": most});
        Ok(Some(Finite { schema, longest }))
    }

    pub(super) fn object(&mut self, node: &Map<String, Value>, path: &str) -> Part {
        let none = Map::new();
        let properties = match node.get("properties") {
            None => &none,
            Some(Value::Object(properties)) => properties,
            Some(_) => return Err(refuse(&at(path, "properties"), "properties are an object")),
        };
        let required = match node.get("required") {
            None => &[],
            Some(required) => list(required, &at(path, "required"))?,
        };
        if properties.is_empty() && required.is_empty() {
            return self.map(node, path);
        }
        let name_of = |name: &Value| {
            name.as_str()
                .map(str::to_owned)
                .ok_or_else(|| refuse(&at(path, "required"), "a name is a string"))
        };
        let required: Vec<String> = required.iter().map(name_of).collect::<Result<_, _>>()?;
        let unnamed = required.iter().filter(|name| !properties.contains_key(*name));
        let open = node.get("additionalProperties").cloned().unwrap_or(Value::Bool(true));
        let mut read = Map::new();
        let mut longest = 2;
        let parts = properties
            .iter()
            .map(|(name, schema)| (name, schema, format!("{path}/properties/{}", escaped(name))))
            .chain(unnamed.map(|name| (name, &open, at(path, "additionalProperties"))));
        for (name, schema, path) in parts {
            match self.read(schema, &path)? {
                Some(part) => {
                    longest += Value::from(name.as_str()).to_string().len() + part.longest + 2;
                    read.insert(name.clone(), part.schema);
                }
                None if required.contains(name) => return Ok(None),
                None => {}
            }
        }
        let least = count(node, "minProperties", path)?.unwrap_or(0);
        if least > required.len() as u64 {
            return Err(refuse(&at(path, "minProperties"), "not supported beyond the required properties"));
        }
        if count(node, "maxProperties", path)?.is_some_and(|most| most < read.len() as u64) {
            return Err(refuse(&at(path, "maxProperties"), "not supported below the number of properties"));
        }
        let schema = json!({"type": "object", "properties": read, "required": required, "additionalProperties": false});
        Ok(Some(Finite { schema, longest }))
    }

    /// An object whose names are open.
    fn map(&mut self, node: &Map<String, Value>, path: &str) -> Part {
        let least = count(node, "minProperties", path)?.unwrap_or(0);
        if least > 1 {
            // The same name could come twice.
            return Err(refuse(
                &at(path, "minProperties"),
                "at most 1 where names are open; name the properties",
            ));
        }
        let most = count(node, "maxProperties", path)?.unwrap_or(DEFAULT_ITEMS).min(MOST_ITEMS);
        let values = node.get("additionalProperties").unwrap_or(&Value::Bool(true));
        let part = match most {
            0 => None,
            _ => self.read(values, &at(path, "additionalProperties"))?,
        };
        Ok(match part {
            Some(part) => Some(map_of(part, least, most)),
            None if least == 0 => {
                Some(Finite { schema: json!({"type": "object", "additionalProperties": false}), longest: 2 })
            }
            None => None,
        })
    }
}

pub(super) fn map_of(part: Finite, least: u64, most: u64) -> Finite {
    const LONGEST_NAME: usize = 32 + r#""":,"#.len();
    let longest = 2 + usize::try_from(most).unwrap_or(usize::MAX).saturating_mul(part.longest + LONGEST_NAME);
    let schema = json!({
        "type": "object",
        "patternProperties": {OPEN_NAME: part.schema},
        "additionalProperties": false,
        "minProperties": least,
        "maxProperties": most,
    });
    Finite { schema, longest }
}
