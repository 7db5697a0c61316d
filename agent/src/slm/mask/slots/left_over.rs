//! What a text should have set apart and did not.

use super::facts::Facts;
use super::kinds::Kinds;
use super::lexicon::Mark;
use super::names::Names;
use super::render::Item;
use super::slot::{About, Slot};
use super::speech::Speech;
use crate::slm::model::Token;

impl Speech {
    /// The labels of the channels that the decision leaves unexplained and that no word of the text sets
    /// apart, in the order of their slots. Of a shift none: its text does not explain.
    #[must_use]
    pub fn not_set_apart<'a>(&self, facts: &'a Facts, tokens: &[Token]) -> Vec<&'a str> {
        if facts.about == About::Shift {
            return Vec::new();
        }
        let apart = |text: &str| {
            let word = self.words.iter().find(|word| word.text == text);
            word.is_some_and(|word| !word.classes.kinds().common(Kinds::APART).is_none())
        };
        let (mut told, mut named, mut says) = (Names::default(), Names::default(), false);
        for item in self.read(facts, tokens).unwrap_or_default() {
            match item {
                // What such a word says holds within its part of the sentence.
                Item::Mark(Mark::Stop | Mark::Semicolon) => (named, says) = (Names::default(), false),
                Item::Slot(Slot::Name(topic)) => named = named.with(topic),
                Item::Word(word) => says |= apart(word),
                Item::Mark(_) | Item::Slot(_) => {}
            }
            if says {
                told = named.iter().fold(told, Names::with);
            }
        }
        let left = (0_u8..).zip(&facts.topics).filter(|(topic, found)| {
            found.deviates && !found.fits.common(Kinds::APART).is_none() && !told.has(*topic)
        });
        left.map(|(_, topic)| topic.label.as_str()).collect()
    }
}
