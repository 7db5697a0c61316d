//! Compares the words of any model with the evidence.
//!
//! Every number in any script, every number word, every unit and every channel's name must be the
//! evidence's; a number belongs to the channel named last; a word of direction must be true of the
//! channels of its clause. What cannot be decided counts as wrong: the deterministic sentence is
//! always at hand.

mod claims;
mod pieces;
mod quantities;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;

use super::ground::Ground;
use claims::Reader;

/// Something that does not agree with the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What is wrong.
    pub what: What,
    /// Where, in bytes of the text.
    pub place: Range<usize>,
    /// What is said there.
    pub said: String,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// The number is not in the evidence.
    Number,
    /// A number word.
    NumberWord,
    /// The number is there with another unit.
    Unit,
    /// The number belongs to another channel.
    OtherChannel,
    /// The channel does not deviate.
    NotDeviating,
    /// There is no such channel.
    UnknownName,
    /// It is not true of the channel.
    Direction,
    /// It turns round what is said, or keeps someone from looking: it cannot be compared.
    Unverifiable,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = &self.said;
        match self.what {
            What::Number => write!(f, "the number {said:?} is not in the evidence"),
            What::NumberWord => write!(f, "{said:?} is a number in words"),
            What::Unit => write!(f, "{said:?} has another unit in the evidence"),
            What::OtherChannel => write!(f, "{said:?} belongs to another channel"),
            What::NotDeviating => write!(f, "the channel {said:?} does not deviate"),
            What::UnknownName => write!(f, "there is no channel {said:?}"),
            What::Direction => write!(f, "{said:?} is not true of its channel"),
            What::Unverifiable => write!(f, "{said:?} is not said in the evidence"),
        }
    }
}

/// Everything in a text that does not agree with the evidence, in the order of the text.
#[must_use]
pub fn check(text: &str, ground: &Ground) -> Vec<Violation> {
    let pieces = pieces::of(text, ground);
    Reader::new(text, ground).read(&pieces)
}
