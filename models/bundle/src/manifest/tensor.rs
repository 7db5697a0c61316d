//! What goes into a model and what comes out.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::BundleError;
use crate::manifest::MANIFEST;

/// A tensor that goes into or comes out of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tensor {
    /// Its name in the model file.
    pub name: String,
    /// Type of its elements.
    #[serde(rename = "type")]
    pub element: Element,
    /// Its dimensions, outermost first.
    pub shape: Vec<Dimension>,
}

/// Type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Element {
    /// 32-bit IEEE 754.
    F32,
}

/// One dimension of a tensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Dimension {
    /// Always this many.
    Fixed(u32),
    /// As many as the device has of what the name says, such as `channels`.
    Named(String),
}

impl Tensor {
    pub(super) fn check(&self, key: &str) -> Result<(), BundleError> {
        let invalid =
            |part: &str, problem: &str| Err(BundleError::invalid(MANIFEST, format!("{key}.{part}"), problem));
        if self.name.is_empty() {
            return invalid("name", "must not be empty: the tensor's name in the model file");
        }
        let impossible = |dimension: &Dimension| match dimension {
            Dimension::Fixed(size) => *size == 0,
            Dimension::Named(name) => name.is_empty(),
        };
        if self.shape.is_empty() || self.shape.iter().any(impossible) {
            return invalid("shape", "needs one or more dimensions, each a number from 1 or a name");
        }
        Ok(())
    }

    /// The innermost dimension, where it is fixed.
    #[must_use]
    pub fn width(&self) -> Option<usize> {
        match self.shape.last() {
            Some(Dimension::Fixed(width)) => usize::try_from(*width).ok(),
            _ => None,
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dimension::Fixed(size) => write!(f, "{size}"),
            Dimension::Named(name) => f.write_str(name),
        }
    }
}
