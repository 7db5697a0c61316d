//! Which token may follow.

mod pieces;

pub(crate) use pieces::END;
pub use pieces::Pieces;

use std::collections::{BTreeMap, BTreeSet};

use super::class::{Class, Classes};
use super::facts::{self, Facts};
use super::grammar::{Piece, State};
use super::lexicon::Mark;
use super::plan::Menu;
use super::slot::Slot;
use super::speech::Speech;
use crate::slm::decode::{Mask, MaskError, TokenSet};
use crate::slm::model::Token;

/// The same word may not come again within so many pieces …
const APART: usize = 2;
/// … nor more often in one sentence.
const MOST_IN_SENTENCE: usize = 4;

/// How long a text may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most tokens, with the one that ends it.
    pub tokens: usize,
    /// Most sentences.
    pub sentences: u8,
}

/// Lets out words of the lexicon and slots that exist, as the grammar has them.
#[derive(Clone)]
pub struct SlotMask<'a> {
    speech: &'a Speech,
    menu: Menu,
    /// The words that this text may use, by their place in the lexicon, sorted by spelling.
    words: Vec<usize>,
    /// Words that end a name, each with those that stand before it there.
    endings: BTreeMap<usize, BTreeSet<String>>,
    /// The shortest word of each combination of classes that ends no name.
    shortest: BTreeMap<Classes, usize>,
    slots: Vec<(Slot, Token)>,
    state: State<'a>,
    /// Tokens left, with the one that ends the text.
    left: usize,
    /// A way out, always.
    way_out: Vec<Step>,
    /// The pieces of this sentence: words, and `None` for the others.
    said: Vec<Option<usize>>,
    /// The word that is being spelled.
    spelled: Option<Spelled>,
    /// What may begin now, as it was last looked up.
    offer: Option<Offer<'a>>,
}

/// What may begin behind a whole piece.
#[derive(Clone)]
struct Offer<'a> {
    ready: Ready<'a>,
    options: Vec<Step>,
}

/// A word that is being spelled.
#[derive(Clone)]
struct Spelled {
    tokens: Vec<Token>,
    /// The words that it can become.
    words: Vec<usize>,
}

/// A piece and how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    piece: Piece,
    how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Word(usize),
    Token(Token),
    End,
}

impl<'a> SlotMask<'a> {
    /// What may be said of `facts` in `speech`.
    ///
    /// # Errors
    /// When not even the shortest text fits, or there is nothing to say.
    pub fn new(speech: &'a Speech, facts: &'a Facts, limits: Limits) -> Result<Self, MaskError> {
        let ending = |word: usize| facts.last_words.get(&speech.words[word].text);
        let words: Vec<usize> = (0..speech.words.len())
            .filter(|&word| ending(word).is_none_or(|before| !before.contains(&None)))
            .collect();
        let endings: BTreeMap<usize, BTreeSet<String>> = words
            .iter()
            .filter_map(|&word| Some((word, ending(word)?.iter().flatten().cloned().collect())))
            .collect();
        let mut shortest: BTreeMap<Classes, usize> = BTreeMap::new();
        for &word in words.iter().filter(|word| !endings.contains_key(word)) {
            let length = |word: usize| speech.words[word].spelling.len();
            let least = shortest.entry(speech.words[word].classes).or_insert(word);
            if length(word) < length(*least) {
                *least = word;
            }
        }
        let slots: Vec<(Slot, Token)> = speech.slots.get(&facts.about).cloned().unwrap_or_default();
        let slots: Vec<(Slot, Token)> =
            slots.into_iter().filter(|(slot, _)| facts.may_exist(*slot)).collect();
        let menu = Menu::new(shortest.keys().copied(), slots.iter().map(|(slot, _)| *slot));
        let state = menu
            .need(|need| State::new(facts, need, limits.sentences))
            .ok_or_else(|| MaskError("nothing deviates that could be named".to_owned()))?;
        let mut mask = SlotMask {
            speech,
            menu,
            words,
            endings,
            shortest,
            slots,
            state,
            left: limits.tokens,
            way_out: Vec::new(),
            said: Vec::new(),
            spelled: None,
            offer: None,
        };
        let way_out = mask.way_out_of(&mask.state).unwrap_or_default();
        let shortest = mask.length(&way_out);
        if shortest > limits.tokens {
            let problem = format!("the shortest text takes {shortest} tokens, {} are allowed", limits.tokens);
            return Err(MaskError(problem));
        }
        mask.way_out = way_out;
        Ok(mask)
    }

    fn way_out_of(&self, state: &State<'_>) -> Option<Vec<Step>> {
        let pieces = self.menu.way_out(state)?;
        pieces.into_iter().map(|piece| Some(Step { piece, how: self.how(piece)? })).collect()
    }

    /// The shortest way to write a piece.
    fn how(&self, piece: Piece) -> Option<How> {
        match piece {
            Piece::Word(classes) => self.shortest.get(&classes).copied().map(How::Word),
            Piece::Mark(mark) => {
                let (_, token) = self.speech.marks.iter().find(|(known, _)| *known == mark)?;
                Some(How::Token(*token))
            }
            Piece::Slot(slot) => {
                let (_, token) = self.slots.iter().find(|(known, _)| *known == slot)?;
                Some(How::Token(*token))
            }
            Piece::End => Some(How::End),
        }
    }

    fn length(&self, steps: &[Step]) -> usize {
        let length = |step: &Step| match step.how {
            How::Word(word) => self.speech.words[word].spelling.len(),
            How::Token(_) | How::End => 1,
        };
        steps.iter().map(length).sum()
    }

    /// Tokens that a text needs to end behind one piece more; `None` where the piece may not follow.
    fn rest(&self, state: &State<'_>, piece: Piece) -> Option<usize> {
        let next = state.after(piece)?;
        self.way_out_of(&next).map(|way| self.length(&way))
    }

    /// Everything that may follow in a state with so many tokens left.
    fn options(&self, state: &State<'_>, left: usize, said: &[Option<usize>], way_out: &[Step]) -> Vec<Step> {
        let mut options: Vec<Step> = Vec::new();
        let fits = |length: usize, rest: Option<usize>| rest.is_some_and(|rest| length + rest <= left);
        let rests: BTreeMap<Classes, usize> = self
            .shortest
            .keys()
            .filter_map(|classes| Some((*classes, self.rest(state, Piece::Word(*classes))?)))
            .collect();
        for &word in &self.words {
            let Word { classes, length } = self.word(word);
            let again = repeats(said, word, classes) || self.ends_a_name(word, state, said);
            if fits(length, rests.get(&classes).copied()) && !again {
                options.push(Step { piece: Piece::Word(classes), how: How::Word(word) });
            }
        }
        let marks = self.speech.marks.iter().map(|(mark, token)| (Piece::Mark(*mark), How::Token(*token)));
        let slots = self.slots.iter().map(|(slot, token)| (Piece::Slot(*slot), How::Token(*token)));
        for (piece, how) in marks.chain(slots).chain([(Piece::End, How::End)]) {
            if fits(1, self.rest(state, piece)) {
                options.push(Step { piece, how });
            }
        }
        // A way out may say a word again that was just said.
        options.extend(way_out.first().copied().filter(|step| !options.contains(step)));
        options
    }

    /// Whether a word would end a name that what came right before it has begun.
    fn ends_a_name(&self, word: usize, state: &State<'_>, said: &[Option<usize>]) -> bool {
        let Some(before) = self.endings.get(&word) else { return false };
        match said.last() {
            Some(Some(last)) => before.contains(&self.speech.words[*last].text),
            _ => {
                let last = state.last_text().and_then(|text| facts::words(&text).pop());
                last.is_some_and(|last| before.contains(&last))
            }
        }
    }

    fn word(&self, word: usize) -> Word {
        let word = &self.speech.words[word];
        Word { classes: word.classes, length: word.spelling.len() }
    }

    fn begins(&self, how: How, allowed: &mut TokenSet) {
        match how {
            How::Word(word) => allowed.insert(self.speech.words[word].spelling[0]),
            How::Token(token) => allowed.insert(token),
            How::End => self.speech.ends.iter().for_each(|end| allowed.insert(*end)),
        }
    }

    /// What may begin here: in a word that is complete but might go on, behind that word.
    fn ready(&self) -> Option<Ready<'a>> {
        let Some(spelled) = &self.spelled else {
            return Some(Ready {
                state: self.state.clone(),
                said: self.said.clone(),
                way_out: self.way_out.clone(),
            });
        };
        let complete = |word: &&usize| self.speech.words[**word].spelling.len() == spelled.tokens.len();
        let word = *spelled.words.iter().find(complete)?;
        self.behind(Step { piece: Piece::Word(self.speech.words[word].classes), how: How::Word(word) })
    }

    fn offer(&self) -> Option<Offer<'a>> {
        let ready = self.ready()?;
        let options = self.options(&ready.state, self.left, &ready.said, &ready.way_out);
        Some(Offer { ready, options })
    }

    /// The text with one piece more.
    fn behind(&self, step: Step) -> Option<Ready<'a>> {
        let state = self.state.after(step.piece)?;
        let mut said = self.said.clone();
        match step.how {
            How::Word(word) => said.push(Some(word)),
            How::Token(_) if step.piece == Piece::Mark(Mark::Stop) => said.clear(),
            How::Token(_) | How::End => said.push(None),
        }
        let tail = self.way_out.strip_prefix(&[step]).map(<[Step]>::to_vec);
        let way_out = self.way_out_of(&state).into_iter().chain(tail).min_by_key(|way| self.length(way))?;
        Some(Ready { state, said, way_out })
    }

    fn take(&mut self, ready: Ready<'a>) {
        self.state = ready.state;
        self.said = ready.said;
        self.way_out = ready.way_out;
        self.spelled = None;
    }

    /// Goes on with the word that is being spelled; `false` when the token does not.
    fn go_on(&mut self, token: Token) -> bool {
        let Some(spelled) = &mut self.spelled else { return false };
        let at = spelled.tokens.len();
        let goes_on = |word: &usize| self.speech.words[*word].spelling.get(at) == Some(&token);
        if !spelled.words.iter().any(goes_on) {
            return false;
        }
        spelled.words.retain(goes_on);
        spelled.tokens.push(token);
        true
    }

    /// Whether what was said so far ends with a whole piece.
    #[cfg(test)]
    pub(super) fn is_whole(&self) -> bool {
        self.ready().is_some()
    }

    /// Takes a word that can become no other one.
    fn settle(&mut self) {
        if matches!(&self.spelled, Some(spelled) if spelled.words.len() == 1)
            && let Some(ready) = self.ready()
        {
            self.take(ready);
        }
    }
}

/// A word of the lexicon.
struct Word {
    classes: Classes,
    length: usize,
}

/// A text at the end of a piece.
#[derive(Clone)]
struct Ready<'a> {
    state: State<'a>,
    said: Vec<Option<usize>>,
    way_out: Vec<Step>,
}

/// Whether a word was said just now, or too often in this sentence.
fn repeats(said: &[Option<usize>], word: usize, classes: Classes) -> bool {
    let recent = said.iter().rev().take(APART).any(|before| *before == Some(word));
    // Two values of a sentence are led by the same words, two clauses joined by the same.
    let often = said.iter().filter(|before| **before == Some(word)).count() >= MOST_IN_SENTENCE;
    recent || (often && classes.has(Class::Neutral))
}

impl Mask for SlotMask<'_> {
    fn narrow(&mut self, allowed: &mut TokenSet) -> Result<(), MaskError> {
        let mut may = TokenSet::empty(allowed.vocabulary());
        if let Some(spelled) = &self.spelled {
            let at = spelled.tokens.len();
            let goes_on = |word: &usize| self.speech.words[*word].spelling.get(at).copied();
            spelled.words.iter().filter_map(goes_on).for_each(|token| may.insert(token));
        }
        self.offer = self.offer();
        for option in self.offer.iter().flat_map(|offer| &offer.options) {
            self.begins(option.how, &mut may);
        }
        allowed.intersect(&may);
        if allowed.is_empty() { Err(MaskError("the text is complete".to_owned())) } else { Ok(()) }
    }

    fn accept(&mut self, token: Token) -> Result<(), MaskError> {
        let refused = || MaskError(format!("token {token} may not follow"));
        let offer = self.offer.take();
        if self.go_on(token) {
            self.left = self.left.checked_sub(1).ok_or_else(refused)?;
            self.settle();
            return Ok(());
        }
        let Offer { ready, options } = offer.or_else(|| self.offer()).ok_or_else(refused)?;
        let begins = |step: &Step| match step.how {
            How::Word(word) => self.speech.words[word].spelling[0] == token,
            How::Token(own) => own == token,
            How::End => self.speech.ends.contains(&token),
        };
        let options: Vec<Step> = options.into_iter().filter(begins).collect();
        let first = *options.first().ok_or_else(refused)?;
        self.take(ready);
        let words = options.iter().filter_map(|step| match step.how {
            How::Word(word) => Some(word),
            How::Token(_) | How::End => None,
        });
        let words: Vec<usize> = words.collect();
        if words.is_empty() {
            let ready = self.behind(first).ok_or_else(refused)?;
            self.take(ready);
        } else {
            self.spelled = Some(Spelled { tokens: vec![token], words });
            self.settle();
        }
        self.left = self.left.checked_sub(1).ok_or_else(refused)?;
        Ok(())
    }
}
