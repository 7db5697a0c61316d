//! A JSON Schema made finite: what is left is a part of what the schema allows, and short.
//!
//! A model that wants anything could fill an unbounded string or list until its tokens are used up.
//! So strings, lists, numbers and recursion get bounds where the schema sets none, properties that
//! are not named are left out, and references are replaced by what they name. Every answer that
//! keeps the result keeps the schema.

mod choice;
mod container;
mod number;
mod text;

use serde_json::{Map, Value, json};

use super::grammar::GrammarError;
use container::{DEFAULT_ITEMS, map_of};

/// How often a schema may come within itself.
const RECURSION: usize = 3;
/// Most parts of a schema after its references were replaced; more would take seconds to compile.
const MOST_PARTS: usize = 5_000;

/// Says nothing about what is valid.
const ANNOTATIONS: [&str; 14] = [
    "$schema",
    "$id",
    "$comment",
    "$defs",
    "$anchor",
    "definitions",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "uniqueItems",
];
const TYPED: [&str; 19] = [
    "type",
    "properties",
    "required",
    "additionalProperties",
    "minProperties",
    "maxProperties",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
];

/// A schema with bounds.
#[derive(Debug)]
pub(super) struct Finite {
    pub(super) schema: Value,
    /// Most bytes of a document that keeps it.
    pub(super) longest: usize,
}

/// Makes a schema finite.
///
/// # Errors
/// Names the part that is not supported.
pub(super) fn finite(schema: &Value) -> Result<Finite, GrammarError> {
    let mut reader = Reader { root: schema, parts: 0, references: Vec::new() };
    let never = || refuse("", "no document keeps it");
    reader.read(schema, "")?.ok_or_else(never)
}

fn refuse(path: &str, problem: impl Into<String>) -> GrammarError {
    GrammarError::Schema { path: path.to_owned(), problem: problem.into() }
}

/// A part that nothing keeps is `None`.
type Part = Result<Option<Finite>, GrammarError>;

struct Reader<'a> {
    root: &'a Value,
    parts: usize,
    /// References that are being replaced.
    references: Vec<String>,
}

impl Reader<'_> {
    fn read(&mut self, schema: &Value, path: &str) -> Part {
        self.parts += 1;
        if self.parts > MOST_PARTS {
            return Err(refuse(
                path,
                format!("more than {MOST_PARTS} parts with all references; make it smaller"),
            ));
        }
        let node = match schema {
            Value::Bool(true) => return self.anything(path, RECURSION - 1),
            Value::Bool(false) => return Ok(None),
            Value::Object(node) => node,
            _ => return Err(refuse(path, "a schema is an object, true or false")),
        };
        if node.get("uniqueItems") == Some(&Value::Bool(true)) {
            return Err(refuse(&at(path, "uniqueItems"), "not supported"));
        }
        for form in ["$ref", "const", "enum", "anyOf", "oneOf", "allOf"] {
            let Some(value) = node.get(form) else { continue };
            let also = |key: &&String| {
                !is_annotation(key) && *key != form && !(*key == "type" && matches!(form, "const" | "enum"))
            };
            if let Some(also) = node.keys().find(also) {
                return Err(refuse(&at(path, also), format!("not supported beside {form}")));
            }
            let path = &at(path, form);
            return match form {
                "$ref" => self.reference(value, path),
                "const" => Ok(choice::of_values(std::slice::from_ref(value), node.get("type"))),
                "enum" => Ok(choice::of_values(list(value, path)?, node.get("type"))),
                "allOf" => match list(value, path)? {
                    [one] => self.read(one, &at(path, "0")),
                    _ => Err(refuse(path, "only one schema is supported here; put the others into it")),
                },
                _ => self.options(list(value, path)?, path, form == "oneOf"),
            };
        }
        if let Some(unknown) = node.keys().find(|key| !is_annotation(key) && !TYPED.contains(&key.as_str())) {
            return Err(refuse(&at(path, unknown), "not supported"));
        }
        self.typed(node, path)
    }

    fn typed(&mut self, node: &Map<String, Value>, path: &str) -> Part {
        match node.get("type") {
            Some(Value::String(kind)) => self.of_type(kind, node, path),
            Some(Value::Array(kinds)) => {
                let mut options = Vec::new();
                for kind in kinds {
                    let kind =
                        kind.as_str().ok_or_else(|| refuse(&at(path, "type"), "a type is a string"))?;
                    // Every integer is a number: one of the two would be ambiguous.
                    if !(kind == "integer" && kinds.contains(&json!("number"))) {
                        options.extend(self.of_type(kind, node, path)?);
                    }
                }
                Ok(choice::of(options))
            }
            Some(_) => Err(refuse(&at(path, "type"), "a type is a string or a list of strings")),
            None => match implied_type(node) {
                Some(kind) => self.of_type(kind, node, path),
                None => self.anything(path, RECURSION - 1),
            },
        }
    }

    fn of_type(&mut self, kind: &str, node: &Map<String, Value>, path: &str) -> Part {
        match kind {
            "null" => Ok(Some(Finite { schema: json!({"type": "null"}), longest: 4 })),
            "boolean" => Ok(Some(Finite { schema: json!({"type": "boolean"}), longest: 5 })),
            "integer" => number::integer(node, path),
            "number" => number::number(node, path),
            "string" => text::string(node, path),
            "array" => self.array(node, path),
            "object" => self.object(node, path),
            other => Err(refuse(&at(path, "type"), format!("there is no type {other:?}"))),
        }
    }

    fn reference(&mut self, value: &Value, path: &str) -> Part {
        let name = value.as_str().ok_or_else(|| refuse(path, "a reference is a string"))?;
        let within = name.strip_prefix('#').filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let within = within
            .ok_or_else(|| refuse(path, format!("{name:?}: only references within the schema, #/…")))?;
        let root = self.root;
        let target =
            root.pointer(within).ok_or_else(|| refuse(path, format!("{name:?} is not in the schema")))?;
        if self.references.iter().filter(|other| *other == name).count() >= RECURSION {
            return Ok(None);
        }
        self.references.push(name.to_owned());
        let part = self.read(target, within);
        self.references.pop();
        part
    }

    fn options(&mut self, options: &[Value], path: &str, exclusive: bool) -> Part {
        let mut parts = Vec::new();
        for (place, option) in options.iter().enumerate() {
            parts.extend(self.read(option, &at(path, &place.to_string()))?);
        }
        if exclusive && !choice::are_disjoint(&parts) {
            return Err(refuse(
                path,
                "the options overlap; use anyOf, or a required constant that tells them apart",
            ));
        }
        Ok(choice::of(parts))
    }

    /// Any JSON that is no deeper than this.
    fn anything(&mut self, path: &str, depth: usize) -> Part {
        let empty = Map::new();
        let mut options = Vec::new();
        for kind in ["null", "boolean", "number", "string"] {
            options.extend(self.of_type(kind, &empty, path)?);
        }
        if depth > 0
            && let Some(inner) = self.anything(path, depth - 1)?
        {
            let longest = 2 + DEFAULT_ITEMS as usize * (inner.longest + 1);
            let schema = json!({"type": "array", "items": inner.schema, "maxItems": DEFAULT_ITEMS});
            options.push(Finite { schema, longest });
            options.push(map_of(inner, 0, DEFAULT_ITEMS));
        }
        Ok(choice::of(options))
    }
}

/// The type that a schema means which names none: all its other words are about it.
fn implied_type(node: &Map<String, Value>) -> Option<&'static str> {
    const WORDS: [(&str, &[&str]); 4] = [
        ("object", &["properties", "required", "additionalProperties", "minProperties", "maxProperties"]),
        ("array", &["items", "prefixItems", "minItems", "maxItems"]),
        ("string", &["minLength", "maxLength", "pattern", "format"]),
        ("number", &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]),
    ];
    WORDS.iter().find(|(_, words)| words.iter().any(|word| node.contains_key(*word))).map(|(kind, _)| *kind)
}

fn is_annotation(key: &str) -> bool {
    ANNOTATIONS.contains(&key) || key.starts_with("x-")
}

/// A path with one more step.
fn at(path: &str, step: &str) -> String {
    format!("{path}/{}", escaped(step))
}

/// A step as a JSON pointer writes it.
fn escaped(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}

fn list<'a>(value: &'a Value, path: &str) -> Result<&'a [Value], GrammarError> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| refuse(path, "a list is needed here"))
}

fn count(node: &Map<String, Value>, key: &str, path: &str) -> Result<Option<u64>, GrammarError> {
    let Some(value) = node.get(key) else { return Ok(None) };
    match value.as_u64() {
        Some(count) => Ok(Some(count)),
        None => Err(refuse(&at(path, key), "a number from 0 is needed here")),
    }
}
