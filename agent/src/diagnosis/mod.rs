//! Which fault an incident is, what it leaves unexplained, and what to check.
//!
//! ```text
//! table, phrases ─┐
//! channels → kind ┼→ features [modes + 1, FEATURES] → scorer → judge → judgement
//! evidence, notes ┘        fit ← likelihood, observed
//! ```
//! No part of it learns a mode by heart: `docs/understand/diagnosis.md` says how a class comes about.

mod features;
mod fit;
#[cfg(test)]
mod fixtures;
mod judge;
mod judgement;
mod kind;
mod library;
mod likelihood;
mod notes;
mod observed;
mod pair;
mod scorer;
mod settings;
mod table;
#[cfg(test)]
mod tests;
mod words;

pub use features::FEATURES;
pub use judge::Diagnosis;
pub use judgement::{Finding, Judgement, Reason, UNKNOWN};
pub use library::{Case, Library, Memory};
pub use scorer::Scorer;
pub use settings::Settings;

/// A file of signatures or phrases: its name, for messages, and its text.
#[derive(Clone, Copy, Debug)]
pub struct TableFile<'a> {
    /// What the file is called.
    pub name: &'a str,
    /// What stands in it.
    pub text: &'a str,
}

/// Why a diagnosis cannot be opened or made.
#[derive(Debug, thiserror::Error)]
pub enum DiagnosisError {
    /// A file of the table is not what it should be.
    #[error("{file}: {problem}")]
    Table {
        /// The file's name.
        file: String,
        /// Line, key and what is wrong.
        problem: String,
    },
    /// A figure of the settings cannot be.
    #[error("[diagnosis] {key}: found {value}, expected {expected}")]
    Setting {
        /// The figure's key.
        key: &'static str,
        /// What it is.
        value: f32,
        /// What it may be.
        expected: &'static str,
    },
    /// The scorer cannot be loaded or run.
    #[error("the scorer: {0}")]
    Scorer(String),
}
