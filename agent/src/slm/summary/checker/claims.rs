//! Who a number or a direction is said of.

use std::ops::Range;

use super::super::ground::Ground;
use super::pieces::{Is, Piece};
use super::quantities::is_no_unit;
use super::{Violation, What};
use crate::slm::mask::slots::class::Class;
use crate::slm::mask::slots::numbers::is_number_word;
use crate::slm::mask::slots::wrong;

/// Claims whose words are compared: others (`steadily`, `then`) are too loose in free text.
const COMPARED: [Class; 8] = [
    Class::Rise,
    Class::Fall,
    Class::Stuck,
    Class::Dropout,
    Class::Swing,
    Class::Spike,
    Class::Back,
    Class::Apart,
];
/// Words that part clauses.
const JOINTS: &[&str] = &[
    "and", "or", "but", "yet", "while", "whereas", "as", "because", "when", "then", "after", "before",
    "although", "though", "since", "followed", "which", "whilst", "until", "so",
];

/// Reads a text clause by clause.
pub(super) struct Reader<'a> {
    text: &'a str,
    ground: &'a Ground,
    /// Channels named last, in any clause: any one of each group is meant.
    last: Vec<Vec<usize>>,
    /// Channels named in this clause, and what is claimed in it.
    named: Vec<Vec<usize>>,
    claims: Vec<(&'static [Class], Range<usize>)>,
    found: Vec<Violation>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, ground: &'a Ground) -> Self {
        Reader { text, ground, last: vec![], named: vec![], claims: vec![], found: vec![] }
    }

    pub(super) fn read(mut self, pieces: &[Piece]) -> Vec<Violation> {
        for (at, piece) in pieces.iter().enumerate() {
            let next = pieces.get(at + 1);
            match &piece.what {
                Is::Name(channels) => self.name(channels, &piece.place),
                Is::Number { value, unit } => self.number(*value, unit.as_deref(), next, pieces, at),
                Is::Word(word) => self.word(word, piece, next),
                Is::Mark(',' | '\u{2014}') => self.joint(),
                Is::Mark('.' | ';' | ':' | '!' | '?') => self.end_clause(),
                Is::Given | Is::Moment | Is::Mark(_) => {}
            }
        }
        self.end_clause();
        self.found.sort_by_key(|violation| violation.place.start);
        self.found
    }

    fn wrong(&mut self, what: What, place: &Range<usize>) {
        let said = self.text[place.clone()].to_owned();
        self.found.push(Violation { what, place: place.clone(), said });
    }

    fn name(&mut self, channels: &[usize], place: &Range<usize>) {
        let deviating: Vec<usize> =
            channels.iter().copied().filter(|channel| self.ground.channels[*channel].deviates).collect();
        if deviating.is_empty() {
            self.wrong(What::NotDeviating, place);
        } else {
            self.named.push(deviating);
        }
    }

    /// A clause that has claimed nothing yet only counts up names.
    fn joint(&mut self) {
        if !self.claims.is_empty() {
            self.end_clause();
        }
    }

    fn end_clause(&mut self) {
        let of = if self.named.is_empty() { self.last.clone() } else { std::mem::take(&mut self.named) };
        for (classes, place) in std::mem::take(&mut self.claims) {
            let fits = |channel: &usize| {
                let fits = self.ground.channels[*channel].fits;
                classes.iter().any(|class| fits.holds(class.kinds()))
            };
            if of.is_empty() || !of.iter().all(|any| any.iter().any(fits)) {
                self.wrong(What::Direction, &place);
            }
        }
        self.last = of;
    }

    fn number(
        &mut self,
        value: Option<f64>,
        unit: Option<&str>,
        next: Option<&Piece>,
        pieces: &[Piece],
        at: usize,
    ) {
        let place = pieces[at].place.clone();
        let figures = &self.ground.figures;
        let equal = |figure: &&super::super::ground::Figure| Some(figure.value) == value;
        let same: Vec<_> = figures.iter().filter(equal).collect();
        if same.is_empty() {
            return self.wrong(What::Number, &place);
        }
        let of_unit: Vec<_> = match (unit, next.map(|piece| &piece.what)) {
            (Some(unit), _) => same.into_iter().filter(|figure| figure.unit == unit).collect(),
            (None, Some(Is::Word(word))) if !is_no_unit(word) => {
                same.into_iter().filter(|figure| figure.unit.is_empty()).collect()
            }
            (None, _) => same,
        };
        if of_unit.is_empty() {
            return self.wrong(What::Unit, &place);
        }
        let spoken_of = self.named.last().or(self.last.last());
        // Before any name of its sentence a number belongs to the next one.
        let later = || {
            pieces[at..].iter().find_map(|piece| match &piece.what {
                Is::Name(channels) => Some(channels),
                _ => None,
            })
        };
        let owner = spoken_of.or_else(later);
        let owned = |channel: usize| owner.is_some_and(|owner| owner.contains(&channel));
        if !of_unit.iter().any(|figure| figure.channel.is_none_or(owned)) {
            self.wrong(What::OtherChannel, &place);
        }
    }

    fn word(&mut self, word: &str, piece: &Piece, next: Option<&Piece>) {
        let place = &piece.place;
        if is_number_word(word) {
            return self.wrong(What::NumberWord, place);
        }
        if JOINTS.contains(&word) {
            self.joint();
        }
        if wrong::cannot_be_compared(word) {
            return self.wrong(What::Unverifiable, place);
        }
        if word.contains('_') {
            return self.wrong(What::UnknownName, place);
        }
        if wrong::is_quantity(word) {
            return self.quantity(word, place);
        }
        let ends = ["ended", "cleared", "resolved", "finished"].contains(&word);
        if ends && !self.ground.closed {
            return self.wrong(What::Direction, place);
        }
        // "Over 40 s", "up to": no direction.
        let before_number = matches!(next.map(|next| &next.what), Some(Is::Number { .. } | Is::Moment));
        let classes = wrong::claims(word)
            .filter(|classes| classes.iter().all(|class| COMPARED.contains(class)))
            .filter(|_| !(["up", "under"].contains(&word) && before_number));
        self.claims.extend(classes.map(|classes| (classes, place.clone())));
    }

    /// A word for what channels measure means those whose names have it in them.
    fn quantity(&mut self, word: &str, place: &Range<usize>) {
        let has = |name: &String| {
            name.to_lowercase().split(|c: char| !c.is_alphanumeric()).any(|part| part == word)
        };
        let meant: Vec<usize> = (self.ground.channels.iter().enumerate())
            .filter(|(_, channel)| channel.names.iter().any(has))
            .map(|(index, _)| index)
            .collect();
        match &meant[..] {
            [] => self.wrong(What::UnknownName, place),
            meant => self.name(meant, place),
        }
    }
}
