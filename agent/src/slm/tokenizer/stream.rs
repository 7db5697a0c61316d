//! A text that grows token by token.

use super::Tokenizer;
use crate::slm::model::Token;

/// The text of a growing answer. A character that is split over tokens is held back until it is
/// whole, and never comes where it does not become so.
pub struct Stream<'a> {
    tokenizer: &'a Tokenizer,
    begun: bool,
    /// Leading characters that are still to be dropped.
    strip: usize,
    pending: Vec<u8>,
    text: String,
}

impl<'a> Stream<'a> {
    pub(super) fn new(tokenizer: &'a Tokenizer) -> Self {
        let strip = tokenizer.spelling.strip().map_or(0, |(_, times)| times);
        Stream { tokenizer, begun: false, strip, pending: Vec::new(), text: String::new() }
    }

    /// Takes the next token; returns what it adds to the text, which may be nothing yet. Bytes that
    /// are no text become U+FFFD.
    pub fn push(&mut self, token: Token) -> &str {
        self.text.clear();
        if self.tokenizer.is_special(token) {
            return &self.text;
        }
        if std::mem::replace(&mut self.begun, true) {
            self.pending.extend_from_slice(self.tokenizer.token_bytes(token));
        } else {
            self.pending.extend_from_slice(&self.tokenizer.first_bytes(token));
        }
        self.take_whole();
        self.drop_leading();
        &self.text
    }

    /// Moves whole characters from the bytes to the text.
    fn take_whole(&mut self) {
        let mut taken = 0;
        for chunk in self.pending.utf8_chunks() {
            self.text.push_str(chunk.valid());
            taken += chunk.valid().len();
            let broken = chunk.invalid();
            let at_end = taken + broken.len() == self.pending.len();
            let may_go_on = std::str::from_utf8(broken).is_err_and(|error| error.error_len().is_none());
            if broken.is_empty() || at_end && may_go_on {
                break;
            }
            self.text.push(char::REPLACEMENT_CHARACTER);
            taken += broken.len();
        }
        self.pending.drain(..taken);
    }

    fn drop_leading(&mut self) {
        let Some((character, _)) = self.tokenizer.spelling.strip() else { return };
        while self.strip > 0 && !self.text.is_empty() {
            if self.text.starts_with(character) {
                self.text.remove(0);
                self.strip -= 1;
            } else {
                self.strip = 0;
            }
        }
    }
}
