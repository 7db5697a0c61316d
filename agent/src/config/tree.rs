//! The configuration as it was written: every value with the place it comes from.
//!
//! Errors are found on this tree, before it becomes a [`Config`](super::Config), so that each
//! one can name its line or its variable.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::{DeArray, DeTable, DeValue};

use super::error::{ConfigError, Problem};

/// The longest piece of a value that an error repeats, in characters.
const SHOWN_CHARS: usize = 60;

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line of the file, counted from 1.
    Line {
        /// The file.
        file: Arc<PathBuf>,
        /// The line.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Line { file, line } => write!(f, "{}:{line}", file.display()),
            Place::Variable(name) => f.write_str(name),
        }
    }
}

/// A value and where it was written: a key's own line where there is a key.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub place: Place,
    pub value: Value,
}

/// A value as TOML knows it.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Integer(i128),
    Number(f64),
    Boolean(bool),
    Date,
    List(Vec<Node>),
    Table(Vec<(String, Node)>),
    /// From an environment variable: it takes the type its key asks for.
    Untyped(String),
}

/// One step from a value to a value inside it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> From<&'a str> for Step<'a> {
    fn from(key: &'a str) -> Self {
        Step::Key(key)
    }
}

impl From<usize> for Step<'_> {
    fn from(index: usize) -> Self {
        Step::Index(index)
    }
}

impl Node {
    /// Reads a TOML document.
    pub(super) fn parse(file: &Path, text: &str) -> Result<Node, Vec<ConfigError>> {
        let file = Arc::new(file.to_owned());
        let (table, errors) = DeTable::parse_recoverable(text);
        let reader = Reader { file: &file, text };
        if errors.is_empty() {
            return Ok(Node { place: reader.place(0), value: reader.table(table.get_ref()) });
        }
        Err(errors
            .iter()
            .map(|error| ConfigError {
                place: reader.place(error.span().map_or(text.len(), |span| span.start)),
                key: String::new(),
                problem: Problem::Syntax(error.message().to_owned()),
            })
            .collect())
    }

    /// The value of a key, if this is a table that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Table(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The place of the value at `path`, or of the innermost table that would hold it.
    pub(super) fn place_of(&self, path: &[Step<'_>]) -> &Place {
        let mut node = self;
        for step in path {
            let next = match (step, &node.value) {
                (Step::Key(key), _) => node.get(key),
                (Step::Index(index), Value::List(list)) => list.get(*index),
                _ => None,
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        &node.place
    }

    /// The path as people read it: `device.pump-1.channel.flow.unit`.
    pub(super) fn describe(&self, path: &[Step<'_>]) -> String {
        let mut text = String::new();
        let mut node = Some(self);
        for step in path {
            match step {
                Step::Key(key) => {
                    push_key(&mut text, key);
                    node = node.and_then(|node| node.get(key));
                }
                Step::Index(index) => {
                    let list = match node.map(|node| &node.value) {
                        Some(Value::List(list)) => list.as_slice(),
                        _ => &[],
                    };
                    push_index(&mut text, list, *index);
                    node = list.get(*index);
                }
            }
        }
        text
    }

    /// What an error says was found. A secret's value is never repeated.
    pub(super) fn found(&self, secret: bool) -> String {
        match &self.value {
            Value::Text(_) | Value::Untyped(_) if secret => "a text".to_owned(),
            Value::Integer(_) | Value::Number(_) if secret => "a number".to_owned(),
            Value::Text(text) | Value::Untyped(text) => found_text(text),
            Value::Integer(number) => format!("the number {number}"),
            Value::Number(number) => format!("the number {number:?}"),
            Value::Boolean(value) => value.to_string(),
            Value::Date => "a date".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Table(_) => "a table".to_owned(),
        }
    }

    /// The value as JSON, for the conversion into a [`Config`](super::Config).
    pub(super) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Text(text) | Value::Untyped(text) => Json::from(text.as_str()),
            Value::Integer(number) => serde_json::Number::from_i128(*number).map_or(Json::Null, Json::Number),
            Value::Number(number) => Json::from(*number),
            Value::Boolean(value) => Json::from(*value),
            Value::Date => Json::Null,
            Value::List(list) => list.iter().map(Node::to_json).collect(),
            Value::Table(entries) => {
                Json::Object(entries.iter().map(|(key, node)| (key.clone(), node.to_json())).collect())
            }
        }
    }
}

/// What an error says about a text.
pub(super) fn found_text(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("the text {shown:?}")
}

/// Appends `.key`, quoted where TOML would quote it.
pub(super) fn push_key(path: &mut String, key: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    path.push_str(&if bare { key.to_owned() } else { format!("{key:?}") });
}

/// Appends an entry of a list: by its `id` or `name` where that is clear, else by its number.
pub(super) fn push_index(path: &mut String, list: &[Node], index: usize) {
    let name = |node: &Node| match node.get("id").or_else(|| node.get("name")).map(|node| &node.value) {
        Some(Value::Text(text) | Value::Untyped(text)) if !text.is_empty() => Some(text.clone()),
        _ => None,
    };
    let own = list.get(index).and_then(name);
    match own {
        Some(own) if list.iter().filter_map(name).filter(|other| *other == own).count() == 1 => {
            push_key(path, &own);
        }
        _ => path.push_str(&format!("[{index}]")),
    }
}

/// Turns parsed TOML into nodes.
struct Reader<'a> {
    file: &'a Arc<PathBuf>,
    text: &'a str,
}

impl Reader<'_> {
    fn place(&self, offset: usize) -> Place {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Place::Line { file: Arc::clone(self.file), line }
    }

    fn node(&self, span: &Range<usize>, value: &DeValue<'_>) -> Node {
        let value = match value {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => match i128::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Value::Integer(number),
                Err(_) => Value::Text(number.to_string()),
            },
            DeValue::Float(number) => Value::Number(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(value) => Value::Boolean(*value),
            DeValue::Datetime(_) => Value::Date,
            DeValue::Array(list) => self.list(list),
            DeValue::Table(table) => self.table(table),
        };
        Node { place: self.place(span.start), value }
    }

    fn list(&self, list: &DeArray<'_>) -> Value {
        Value::List(list.iter().map(|entry| self.node(&entry.span(), entry.get_ref())).collect())
    }

    fn table(&self, table: &DeTable<'_>) -> Value {
        Value::Table(
            table
                .iter()
                .map(|(key, value)| (key.get_ref().to_string(), self.node(&key.span(), value.get_ref())))
                .collect(),
        )
    }
}
