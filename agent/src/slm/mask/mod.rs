//! What may be said: a grammar, one of a set of labels, or slots and the evidence behind them.

pub mod grammar;
mod json;
pub mod labels;
mod schema;
pub mod slots;
#[cfg(test)]
mod tests;

pub use grammar::{GrammarError, GrammarMask, Grammars};
pub use labels::{LabelMask, LabelsError};
