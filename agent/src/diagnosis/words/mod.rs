//! Words as people on a plant write them: names of channels, units, notes.
//!
//! ```text
//! fold: letters alone          split: names and texts → words
//! stem: endings off            near: a typo, an abbreviation
//! lexicon: what a word may mean, the longest first
//! ```

mod fold;
mod lexicon;
mod near;
mod split;
mod stem;

pub use fold::{fold, fold_unit};
pub use lexicon::{Found, Lexicon};
pub use near::{abbreviates, within_one_edit};
pub use split::split;
pub use stem::stem;
