//! A vocabulary of a token a word: where no tokenizer is at hand yet.

use std::collections::HashMap;

use crate::slm::mask::slots::lexicon::Mark;
use crate::slm::mask::slots::{About, Lexicon, LexiconError, Vocabulary, marks};
use crate::slm::model::Token;

/// A token for each word of a lexicon, each mark and each slot.
#[derive(Clone, Debug)]
pub struct Words {
    tokens: HashMap<String, Token>,
    ends: [Token; 1],
}

impl Words {
    /// The tokens of a lexicon.
    ///
    /// # Errors
    /// As [`Lexicon::parse`].
    pub fn of(lexicon: &str) -> Result<Self, LexiconError> {
        const END: Token = 0;
        let lexicon = Lexicon::parse(lexicon)?;
        let spoken = lexicon.words.keys().map(|word| format!(" {word}"));
        let marks = Mark::ALL.iter().map(|mark| mark.text().to_owned());
        let special = [About::Incident, About::Shift]
            .into_iter()
            .flat_map(|about| about.slots().map(move |slot| about.token(slot)).chain(marks::all(about)));
        let mut tokens = HashMap::new();
        for text in spoken.chain(marks).chain(special) {
            let next = tokens.len() as Token + END + 1;
            tokens.entry(text).or_insert(next);
        }
        Ok(Words { tokens, ends: [END] })
    }

    /// The token of a word, mark or slot as it is written in a text.
    pub(super) fn token(&self, piece: &str) -> Option<Token> {
        self.tokens.get(&format!(" {piece}")).or_else(|| self.tokens.get(piece)).copied()
    }
}

impl Vocabulary for Words {
    fn size(&self) -> usize {
        self.tokens.len() + self.ends.len()
    }

    fn spell(&self, text: &str) -> Option<Vec<Token>> {
        Some(vec![*self.tokens.get(text)?])
    }

    fn special(&self, name: &str) -> Option<Token> {
        self.tokens.get(name).copied()
    }

    fn ends(&self) -> &[Token] {
        &self.ends
    }
}
