//! The way out: a short end of the text that is always at hand.
//!
//! A piece is let out only if such an end exists behind it and fits in the tokens left, so a text
//! never runs into a dead end and never over its limit.

use super::class::{Class, Classes};
use super::grammar::{Need, Piece, State};
use super::lexicon::Mark;
use super::slot::Slot;

/// Pieces of the longest way out: `ago`, a machine, a topic, a claim, the full stop, the end.
const LONGEST: usize = 6;

/// The pieces that ways out are made of.
#[derive(Clone, Debug)]
pub(super) struct Menu {
    /// Classes of words that claim something, or say that something happened.
    pub(super) claims: Vec<Classes>,
    /// Classes of words that follow a length of time.
    pub(super) ago: Vec<Classes>,
    /// Names of topics.
    pub(super) names: Vec<Slot>,
    /// Names of machines.
    pub(super) machines: Vec<Slot>,
}

impl Menu {
    pub(super) fn new(classes: impl Iterator<Item = Classes>, slots: impl Iterator<Item = Slot>) -> Self {
        let mut menu = Menu { claims: Vec::new(), ago: Vec::new(), names: Vec::new(), machines: Vec::new() };
        for classes in classes {
            if !classes.kinds().is_none() || classes.has(Class::Verb) {
                menu.claims.push(classes);
            }
            if classes.has(Class::Ago) {
                menu.ago.push(classes);
            }
        }
        for slot in slots {
            match slot {
                Slot::Name(_) => menu.names.push(slot),
                Slot::Machine(_) => menu.machines.push(slot),
                _ => {}
            }
        }
        menu
    }

    /// The way out of a text, the next piece first; `None` when there is none.
    pub(super) fn way_out(&self, state: &State<'_>) -> Option<Vec<Piece>> {
        let mut way = self.search(state, LONGEST)?;
        way.reverse();
        Some(way)
    }

    fn search(&self, state: &State<'_>, longest: usize) -> Option<Vec<Piece>> {
        if state.ended() {
            return Some(Vec::new());
        }
        let longest = longest.checked_sub(1)?;
        self.candidates(state).find_map(|piece| {
            let mut way = self.search(&state.after(piece)?, longest)?;
            way.push(piece);
            Some(way)
        })
    }

    /// What helps to come to an end here, the shortest way first.
    fn candidates<'a>(&'a self, state: &State<'_>) -> impl Iterator<Item = Piece> + use<'a> {
        let words = |wanted: bool, words: &'a [Classes]| {
            words.iter().copied().map(Piece::Word).take(if wanted { usize::MAX } else { 0 })
        };
        let slots = |wanted: bool, slots: &'a [Slot]| {
            slots.iter().copied().map(Piece::Slot).take(if wanted { usize::MAX } else { 0 })
        };
        [Piece::End, Piece::Mark(Mark::Stop)]
            .into_iter()
            .chain(words(state.owes_ago(), &self.ago))
            .chain(slots(state.wants_name(), &self.names))
            .chain(words(state.wants_claim(), &self.claims))
            .chain(slots(state.wants_machine(), &self.machines))
    }

    /// The most that the first sentence can be asked for, here; `None` when nothing can be said.
    pub(super) fn need<'a>(&self, begin: impl Fn(Need) -> State<'a>) -> Option<State<'a>> {
        [Need::Statement, Need::Name].into_iter().map(begin).find(|state| self.way_out(state).is_some())
    }
}
