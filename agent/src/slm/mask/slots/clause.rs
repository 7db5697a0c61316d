//! A clause: what has been said in it, and of whom.

use super::class::{Class, Classes};
use super::kinds::Kinds;
use super::names::Names;

/// What came last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    /// A full stop, or nothing yet.
    Stop,
    /// A comma, semicolon or colon.
    Mark,
    /// A word that joins or parts clauses.
    Joint(Classes),
    /// Any other word.
    Word(Classes),
    /// A topic's name.
    Name,
    /// A machine's name.
    Machine,
    /// A length of time that `ago` must follow.
    Time,
    /// A text that the assessment gives.
    Text,
    /// Any other slot.
    Slot,
}

/// A clause up to here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Clause {
    pub(super) names: Names,
    /// It speaks of topics that are only counted.
    pub(super) others: bool,
    /// What it claims.
    pub(super) said: Kinds,
    pub(super) claims: u8,
    /// It says that something happened.
    pub(super) verb: bool,
    /// A word stands right behind a name.
    pub(super) begun: bool,
    /// A comma or word joins it to what was said before.
    pub(super) joined: bool,
    /// A word led to its first name: "look at flow".
    pub(super) led: bool,
    /// It gives a figure of its topic.
    pub(super) valued: bool,
    pub(super) length: u8,
    /// Where its topics must stand in the order of onset.
    pub(super) order: Option<Order>,
}

impl Clause {
    pub(super) fn has_said(&self) -> bool {
        self.verb || !self.said.common(Kinds::OF_WORDS).is_none()
    }
}

/// A place in the order of onset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    After(u32),
    Before(u32),
}

impl Order {
    pub(super) fn holds(self, order: Option<u32>) -> bool {
        match self {
            Order::After(than) => order.is_some_and(|order| order > than),
            Order::Before(than) => order.is_some_and(|order| order < than),
        }
    }
}

/// What the clause before leaves to the one behind a comma or link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Carry {
    pub(super) names: Names,
    pub(super) said: Kinds,
    /// It spoke of topics that were only counted, too: nothing more can be said of all of them.
    pub(super) others: bool,
}

/// Whether a word of a class came last.
pub(super) fn led(last: Last, class: Class) -> bool {
    matches!(last, Last::Word(classes) if classes.has(class))
}
