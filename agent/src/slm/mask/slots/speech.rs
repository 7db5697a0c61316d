//! The words of a lexicon and the slots, spelled by one tokenizer.

use std::collections::{HashMap, HashSet};

use super::class::Classes;
use super::lexicon::{Lexicon, LexiconError, Mark};
use super::slot::{About, Slot};
use super::vocabulary::Vocabulary;
use crate::slm::model::Token;

/// What a bundle's model can say: made once when the bundle is loaded, shared by its answers.
#[derive(Clone, Debug)]
pub struct Speech {
    pub(super) size: usize,
    pub(super) ends: Vec<Token>,
    /// Sorted by spelling: those that begin alike stand together.
    pub(super) words: Vec<Word>,
    pub(super) marks: Vec<(Mark, Token)>,
    pub(super) slots: HashMap<About, Vec<(Slot, Token)>>,
}

/// A word and its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// As it is written.
    pub text: String,
    /// Its classes.
    pub classes: Classes,
    /// Its tokens with the space before it, at least one.
    pub(super) spelling: Vec<Token>,
}

impl Speech {
    /// Spells `lexicon`, the text of the bundle's lexicon file, with the tokens of `vocabulary`.
    ///
    /// # Errors
    /// With the word that the list may not hold or that the tokenizer cannot spell.
    pub fn new(lexicon: &str, vocabulary: &dyn Vocabulary) -> Result<Self, LexiconError> {
        let lexicon = Lexicon::parse(lexicon)?;
        let mut words = Vec::with_capacity(lexicon.words.len());
        for (text, classes) in lexicon.words {
            let spelling = vocabulary.spell(&format!(" {text}")).filter(|tokens| !tokens.is_empty());
            let spelling = spelling.ok_or_else(|| {
                LexiconError::new(
                    format!("{text:?}"),
                    "cannot be spelled by the bundle's tokenizer; take it out",
                )
            })?;
            words.push(Word { text, classes, spelling });
        }
        words.sort_by(|a, b| a.spelling.cmp(&b.spelling));
        let marks = lexicon.marks.iter().map(|mark| spell_mark(*mark, vocabulary));
        let marks = marks.collect::<Result<Vec<_>, _>>()?;
        let slots = [About::Incident, About::Shift]
            .into_iter()
            .map(|about| {
                let tokens =
                    about.slots().filter_map(|slot| Some((slot, vocabulary.special(&about.token(slot))?)));
                (about, tokens.collect::<Vec<_>>())
            })
            .collect();
        let ends = vocabulary.ends().to_vec();
        for about in [About::Incident, About::Shift] {
            let has = |name: &str| vocabulary.special(name).is_some();
            let missing =
                super::marks::all(about).find(|mark| has(&about.token(Slot::Name(0))) && !has(mark));
            if let Some(mark) = missing {
                return Err(LexiconError::new(
                    mark,
                    "is no token of the bundle's tokenizer; add it as a special one",
                ));
            }
        }
        let speech = Speech { size: vocabulary.size(), ends, words, marks, slots };
        speech.can_be_told_apart()?;
        Ok(speech)
    }

    /// Whether it has the slots for texts about this: at least a topic's name.
    #[must_use]
    pub fn speaks(&self, about: About) -> bool {
        self.slots.get(&about).is_some_and(|slots| slots.iter().any(|(slot, _)| *slot == Slot::Name(0)))
    }

    /// A token either begins a word, a mark, a slot or the end, or goes on with a word; and no two
    /// of those begin and end alike. So a sequence of tokens is read in one way only.
    fn can_be_told_apart(&self) -> Result<(), LexiconError> {
        let mut begins: HashSet<Token> = self.words.iter().map(|word| word.spelling[0]).collect();
        let single = self.marks.iter().map(|(mark, token)| (mark.text().to_owned(), *token));
        let slots = self
            .slots
            .iter()
            .flat_map(|(about, slots)| slots.iter().map(|(slot, token)| (about.token(*slot), *token)));
        let ends = self.ends.iter().map(|token| ("the end of an answer".to_owned(), *token));
        let mut named: HashMap<Token, String> = HashMap::new();
        for (name, token) in single.chain(slots).chain(ends) {
            let taken = named.insert(token, name.clone()).filter(|other| *other != name);
            if taken.is_some() || begins.contains(&token) || token as usize >= self.size {
                return Err(LexiconError::new(name, "has no token of its own; the tokenizer does not fit"));
            }
        }
        begins.extend(named.keys());
        for (at, word) in self.words.iter().enumerate() {
            if word.spelling[1..].iter().any(|token| begins.contains(token)) {
                let problem = "has a token in its middle that also begins something; take it out";
                return Err(LexiconError::new(format!("{:?}", word.text), problem));
            }
            if self.words[..at].last().is_some_and(|before| before.spelling == word.spelling) {
                let problem = "is spelled like another word; take it out";
                return Err(LexiconError::new(format!("{:?}", word.text), problem));
            }
            if word.spelling.iter().any(|token| *token as usize >= self.size) {
                return Err(LexiconError::new(
                    format!("{:?}", word.text),
                    "has a token beyond the vocabulary",
                ));
            }
        }
        Ok(())
    }
}

fn spell_mark(mark: Mark, vocabulary: &dyn Vocabulary) -> Result<(Mark, Token), LexiconError> {
    match vocabulary.spell(mark.text()).as_deref() {
        Some([token]) => Ok((mark, *token)),
        _ => Err(LexiconError::new(
            format!("{:?}", mark.text()),
            "must be one token of the bundle's tokenizer",
        )),
    }
}
