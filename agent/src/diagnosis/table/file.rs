//! The form of a file of signatures, as it is written.

use serde::Deserialize;
use toml::Spanned;

/// A file: the signatures of the bundle, its phrases, or what a site adds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub version: Spanned<u32>,
    #[serde(default)]
    pub quantity: Vec<Quantity>,
    #[serde(default)]
    pub place: Vec<Place>,
    #[serde(default)]
    pub machine: Vec<Machine>,
    #[serde(default)]
    pub mode: Vec<Mode>,
    #[serde(default)]
    pub phrases: Vec<Phrases>,
    /// Words of names that measure nothing, and are no misspelling of one that does.
    #[serde(default)]
    pub known: Vec<String>,
    /// Words of notes that tell no mode from another.
    #[serde(default)]
    pub filler: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantity {
    pub id: Spanned<String>,
    #[serde(default)]
    pub units: Vec<String>,
    /// Units that it may have, but that other quantities have as well: they do not decide.
    #[serde(default)]
    pub also: Vec<String>,
    #[serde(default)]
    pub words: Vec<String>,
    /// The letters that begin its ISA-5.1 tags.
    #[serde(default)]
    pub isa: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    pub id: Spanned<String>,
    #[serde(default)]
    pub words: Vec<String>,
    /// Gives way to a place that says more: `cooling water outlet` is of the coolant.
    #[serde(default)]
    pub general: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    pub id: Spanned<String>,
    #[serde(default)]
    pub words: Vec<String>,
    #[serde(default)]
    pub channels: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mode {
    pub id: Spanned<String>,
    pub machines: Vec<Spanned<String>>,
    #[serde(default)]
    pub scope: Option<Spanned<String>>,
    #[serde(default)]
    pub benign: bool,
    pub cause: Spanned<String>,
    pub check: Spanned<String>,
    #[serde(default, rename = "source")]
    pub _source: String,
    pub effects: Vec<Spanned<Effect>>,
    #[serde(default)]
    pub phrases: Vec<String>,
}

/// Channel, movement, size, order of onset, forms, how often it is seen.
#[derive(Debug, Deserialize)]
pub struct Effect(pub String, pub String, pub String, pub u32, pub String, pub f32);

/// What people write of a mode that another file defines.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phrases {
    pub mode: Spanned<String>,
    /// What is spoken of, each read with every state.
    #[serde(default)]
    pub parts: Vec<String>,
    #[serde(default)]
    pub states: Vec<String>,
    /// What stands alone.
    #[serde(default)]
    pub texts: Vec<String>,
}
