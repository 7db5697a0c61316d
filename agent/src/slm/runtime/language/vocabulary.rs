//! A tokenizer as the mask of slots sees it.

use crate::slm::mask::slots::Vocabulary;
use crate::slm::model::Token;
use crate::slm::tokenizer::Tokenizer;

/// A tokenizer and the tokens that end an answer.
pub(super) struct Spelt<'a> {
    tokenizer: &'a Tokenizer,
    ends: &'a [Token],
}

impl<'a> Spelt<'a> {
    pub fn of(tokenizer: &'a Tokenizer, ends: &'a [Token]) -> Self {
        Spelt { tokenizer, ends }
    }
}

impl Vocabulary for Spelt<'_> {
    fn size(&self) -> usize {
        self.tokenizer.vocabulary()
    }

    fn spell(&self, text: &str) -> Option<Vec<Token>> {
        let tokens = self.tokenizer.encode_bare(text).ok()?;
        let spelt: Vec<u8> =
            tokens.iter().flat_map(|&token| self.tokenizer.token_bytes(token)).copied().collect();
        (spelt == text.as_bytes()).then_some(tokens)
    }

    fn special(&self, name: &str) -> Option<Token> {
        self.tokenizer.id(name).filter(|&token| self.tokenizer.is_special(token))
    }

    fn ends(&self) -> &[Token] {
        self.ends
    }
}
