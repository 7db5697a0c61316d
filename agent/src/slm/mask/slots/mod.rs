//! Words of a list, and slots that exist: all that a model with slots can say.
//!
//! Promise 4: a summary states no number that is not in its evidence. What is written here cannot
//! be written at all: digits and number words are not in the [`lexicon`], a slot that has no text
//! in the [`facts`] is not let out, and what a word claims must be true of every channel that it can
//! be read to be about ([`grammar`]).
//!
//! ```text
//! mask: which token may follow       render: tokens → text
//!   grammar: which word, mark or slot may follow
//!     facts: what is true, and how it is written
//!     speech: words and slots as tokens ← lexicon, vocabulary
//! ```
//! `docs/reference/slots.md` says the same for whoever trains a model.

pub mod class;
mod clause;
pub mod facts;
#[cfg(test)]
pub(crate) mod fixtures;
mod grammar;
pub mod kinds;
mod known;
mod left_over;
pub mod lexicon;
pub mod marks;
pub mod mask;
mod names;
pub mod numbers;
mod plan;
pub mod render;
pub mod slot;
pub mod speech;
#[cfg(test)]
mod tests;
pub mod vocabulary;
pub(crate) mod wrong;

pub use facts::Facts;
pub use lexicon::{Lexicon, LexiconError};
pub use mask::{Limits, SlotMask};
pub use slot::{About, Slot};
pub use speech::Speech;
pub use vocabulary::Vocabulary;
