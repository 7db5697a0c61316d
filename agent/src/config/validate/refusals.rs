//! Collects errors with the place and the path of their key.

use std::fmt::Display;

use super::topic;
use crate::config::error::{ConfigError, Problem};
use crate::config::tree::{Node, Step, found_text};

/// The errors found so far.
pub(super) struct Refusals<'a> {
    root: &'a Node,
    errors: Vec<ConfigError>,
}

impl<'a> Refusals<'a> {
    pub(super) fn new(root: &'a Node) -> Self {
        Refusals { root, errors: Vec::new() }
    }

    pub(super) fn into_errors(self) -> Vec<ConfigError> {
        self.errors
    }

    fn push(&mut self, path: &[Step<'_>], problem: Problem) {
        let (place, key) = (self.root.place_of(path).clone(), self.root.describe(path));
        self.errors.push(ConfigError { place, key, problem });
    }

    pub(super) fn value(&mut self, path: &[Step<'_>], found: impl Into<String>, expected: impl Into<String>) {
        self.suggest(path, found, expected, None);
    }

    pub(super) fn suggest(
        &mut self,
        path: &[Step<'_>],
        found: impl Into<String>,
        expected: impl Into<String>,
        suggestion: Option<String>,
    ) {
        self.push(path, Problem::Value { found: found.into(), expected: expected.into(), suggestion });
    }

    pub(super) fn missing(&mut self, path: &[Step<'_>], expected: impl Into<String>) {
        self.push(path, Problem::Missing { expected: expected.into() });
    }

    pub(super) fn range<T: PartialOrd + Display>(&mut self, path: &[Step<'_>], value: T, min: T, max: T) {
        if !(value >= min && value <= max) {
            self.value(path, value.to_string(), format!("{min} to {max}"));
        }
    }

    pub(super) fn topic_level(&mut self, path: &[Step<'_>], text: &str) {
        if !topic::is_level(text) {
            self.value(path, found_text(text), topic::LEVEL_FORM);
        }
    }

    pub(super) fn topic_filter(&mut self, path: &[Step<'_>], text: Option<&str>) {
        if let Some(text) = text.filter(|text| !topic::is_filter(text)) {
            self.value(path, found_text(text), topic::FILTER_FORM);
        }
    }
}
