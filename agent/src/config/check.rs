//! Checks a configuration against its rules: unknown and missing keys, types, words, forms.

use std::net::SocketAddr;

use super::error::{ConfigError, Problem};
use super::schema::{Field, Form, Rule};
use super::suggest::nearest;
use super::tree::{Node, Place, Value, push_index, push_key};
use super::units::{ByteSize, SIZE_FORM, SPAN_FORM, Span};

/// Checks `root` against `rule` and gives values from the environment the type that their key
/// asks for. Returns every error, in no particular order.
pub(super) fn check(root: &mut Node, rule: &Rule) -> Vec<ConfigError> {
    let mut checker = Checker { errors: Vec::new() };
    checker.node(root, rule, "", false);
    checker.errors
}

/// What a rule allows, in words.
pub(super) fn expected(rule: &Rule) -> String {
    match rule {
        Rule::Table(_) | Rule::Tagged { .. } => "a table".to_owned(),
        Rule::List(_) => "a list".to_owned(),
        Rule::Text(Form::Free) => "a text".to_owned(),
        Rule::Text(Form::Character) => "a text of one character".to_owned(),
        Rule::Text(Form::Span) => SPAN_FORM.to_owned(),
        Rule::Text(Form::ByteSize) => SIZE_FORM.to_owned(),
        Rule::Text(Form::SocketAddress) => "an address and a port, such as \"127.0.0.1:9480\"".to_owned(),
        Rule::Word(words) => one_of(words.iter().map(String::as_str)),
        Rule::Integer { min, max } => match i64::try_from(*max) {
            Ok(i64::MAX) | Err(_) => format!("a whole number from {min}"),
            Ok(max) => format!("a whole number from {min} to {max}"),
        },
        Rule::Number => "a finite number".to_owned(),
        Rule::Boolean => "true or false".to_owned(),
    }
}

/// `one of "a", "b"`.
pub(super) fn one_of<'a>(words: impl Iterator<Item = &'a str>) -> String {
    format!("one of {}", words.map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", "))
}

struct Checker {
    errors: Vec<ConfigError>,
}

impl Checker {
    fn refuse(&mut self, place: &Place, key: &str, problem: Problem) {
        self.errors.push(ConfigError { place: place.clone(), key: key.to_owned(), problem });
    }

    fn node(&mut self, node: &mut Node, rule: &Rule, path: &str, secret: bool) {
        settle(node, rule);
        match (&mut node.value, rule) {
            (Value::Table(entries), Rule::Table(fields)) => {
                self.table(entries, fields, None, &node.place, path);
            }
            (Value::Table(_), Rule::Tagged { tag, variants }) => self.tagged(node, tag, variants, path),
            (Value::List(list), Rule::List(rule)) => {
                for index in 0..list.len() {
                    let mut inner = path.to_owned();
                    push_index(&mut inner, list, index);
                    self.node(&mut list[index], rule, &inner, false);
                }
            }
            (value, _) if fits(value, rule) => {}
            _ => {
                let suggestion = match (&node.value, rule) {
                    (Value::Text(text), Rule::Word(words)) => nearest(text, words.iter().map(String::as_str)),
                    _ => None,
                };
                let problem =
                    Problem::Value { found: node.found(secret), expected: expected(rule), suggestion };
                self.refuse(&node.place, path, problem);
            }
        }
    }

    fn tagged(&mut self, node: &mut Node, tag: &str, variants: &[(String, Vec<Field>)], path: &str) {
        let words = Rule::Word(variants.iter().map(|(name, _)| name.clone()).collect());
        let Value::Table(entries) = &mut node.value else { return };
        let Some((_, kind)) = entries.iter_mut().find(|(name, _)| name == tag) else {
            let key = join(path, tag);
            return self.refuse(&node.place, &key, Problem::Missing { expected: expected(&words) });
        };
        settle(kind, &words);
        let fields = match &kind.value {
            Value::Text(kind) => variants.iter().find(|(name, _)| name == kind).map(|(_, fields)| fields),
            _ => None,
        };
        match fields {
            Some(fields) => self.table(entries, fields, Some(tag), &node.place, path),
            None => self.node(kind, &words, &join(path, tag), false),
        }
    }

    fn table(
        &mut self,
        entries: &mut [(String, Node)],
        fields: &[Field],
        tag: Option<&str>,
        place: &Place,
        path: &str,
    ) {
        for field in fields.iter().filter(|field| field.required) {
            if !entries.iter().any(|(name, _)| *name == field.name) {
                let problem = Problem::Missing { expected: expected(&field.rule) };
                self.refuse(place, &join(path, &field.name), problem);
            }
        }
        for (name, node) in entries {
            let key = join(path, name);
            if tag == Some(name) {
                continue;
            }
            match fields.iter().find(|field| field.name == *name) {
                Some(field) => self.node(node, &field.rule, &key, field.secret),
                None => {
                    let allowed = || tag.into_iter().chain(fields.iter().map(|field| field.name.as_str()));
                    let problem = Problem::UnknownKey {
                        suggestion: nearest(name, allowed()),
                        allowed: allowed().map(str::to_owned).collect(),
                    };
                    self.refuse(&node.place, &key, problem);
                }
            }
        }
    }
}

fn join(path: &str, key: &str) -> String {
    let mut path = path.to_owned();
    push_key(&mut path, key);
    path
}

/// Gives a value from the environment the type that its rule asks for, where it can be read so.
fn settle(node: &mut Node, rule: &Rule) {
    let Value::Untyped(text) = &mut node.value else { return };
    let typed = match rule {
        Rule::Integer { .. } => text.parse().ok().map(Value::Integer),
        Rule::Number => text.parse().ok().map(Value::Number),
        Rule::Boolean => text.parse().ok().map(Value::Boolean),
        _ => None,
    };
    node.value = typed.unwrap_or_else(|| Value::Text(std::mem::take(text)));
}

fn fits(value: &Value, rule: &Rule) -> bool {
    match (value, rule) {
        (Value::Boolean(_), Rule::Boolean) | (Value::Integer(_), Rule::Number) => true,
        (Value::Number(number), Rule::Number) => number.is_finite(),
        (Value::Integer(number), Rule::Integer { min, max }) => (min..=max).contains(&number),
        (Value::Text(text), Rule::Word(words)) => words.contains(text),
        (Value::Text(text), Rule::Text(form)) => match form {
            Form::Free => true,
            Form::Character => text.chars().count() == 1,
            Form::Span => text.parse::<Span>().is_ok(),
            Form::ByteSize => text.parse::<ByteSize>().is_ok(),
            Form::SocketAddress => text.parse::<SocketAddr>().is_ok(),
        },
        _ => false,
    }
}
