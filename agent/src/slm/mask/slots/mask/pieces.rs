//! The mask piece by piece: for texts that are at hand whole, where nobody has to know what else
//! might have followed.

use std::collections::{BTreeSet, HashMap};

use super::{How, SlotMask, Step, repeats};
use crate::slm::mask::slots::class::Class;
use crate::slm::mask::slots::grammar::Piece;
use crate::slm::mask::slots::slot::About;
use crate::slm::mask::slots::speech::Speech;

/// How the end of a text is written.
pub(crate) const END: &str = "<end>";

/// Words, marks and slots as they are written, and the end.
#[derive(Clone, Debug)]
pub struct Pieces {
    steps: HashMap<String, Step>,
}

impl Pieces {
    /// The pieces of texts about this.
    #[must_use]
    pub fn of(speech: &Speech, about: About) -> Self {
        let mut steps = HashMap::from([(END.to_owned(), Step { piece: Piece::End, how: How::End })]);
        for (at, word) in speech.words.iter().enumerate() {
            steps.insert(word.text.clone(), Step { piece: Piece::Word(word.classes), how: How::Word(at) });
        }
        for (mark, token) in &speech.marks {
            steps.insert(mark.text().to_owned(), Step { piece: Piece::Mark(*mark), how: How::Token(*token) });
        }
        for (slot, token) in speech.slots.get(&about).into_iter().flatten() {
            steps.insert(about.token(*slot), Step { piece: Piece::Slot(*slot), how: How::Token(*token) });
        }
        Pieces { steps }
    }
}

impl SlotMask<'_> {
    /// Goes on with a whole piece; `false`, and nothing has changed, where it may not follow. The
    /// same as accepting its tokens, without looking up everything else that may.
    pub fn say(&mut self, piece: &str, pieces: &Pieces) -> bool {
        let Some(step) = pieces.steps.get(piece).copied().filter(|step| self.lets_out(*step)) else {
            return false;
        };
        let length = self.length(&[step]);
        let (Some(ready), Some(left)) = (self.behind(step), self.left.checked_sub(length)) else {
            return false;
        };
        self.take(ready);
        self.left = left;
        self.offer = None;
        true
    }

    fn lets_out(&self, step: Step) -> bool {
        if let How::Word(word) = step.how
            && self.words.binary_search(&word).is_err()
        {
            return false;
        }
        if self.way_out.first() == Some(&step) {
            return true;
        }
        let again = match (step.how, step.piece) {
            (How::Word(word), Piece::Word(classes)) => {
                repeats(&self.said, word, classes) || self.ends_a_name(word, &self.state, &self.said)
            }
            _ => false,
        };
        let rest = || self.rest(&self.state, step.piece);
        !again && rest().is_some_and(|rest| self.length(&[step]) + rest <= self.left)
    }

    /// What may follow: classes of words by their keys, marks and slots as they are written.
    #[must_use]
    pub fn may_follow(&self, about: About) -> BTreeSet<String> {
        let options = self.options(&self.state, self.left, &self.said, &self.way_out);
        let written = |step: Step| match step.piece {
            Piece::Word(classes) => classes.iter().map(Class::key).map(ToOwned::to_owned).collect(),
            Piece::Mark(mark) => vec![mark.text().to_owned()],
            Piece::Slot(slot) => vec![about.token(slot)],
            Piece::End => vec![END.to_owned()],
        };
        options.into_iter().flat_map(written).collect()
    }
}
