//! Tokens with slots → text.

use super::facts::Facts;
use super::lexicon::Mark;
use super::names::Names;
use super::slot::{About, Slot};
use super::speech::Speech;
use crate::slm::model::Token;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A word of the lexicon.
    Word(&'a str),
    /// A mark.
    Mark(Mark),
    /// A slot.
    Slot(Slot),
}

impl Item<'_> {
    /// As it is written in prompts and test vectors: a slot by the name of its token.
    #[must_use]
    pub fn written(&self, about: About) -> String {
        match self {
            Item::Word(word) => (*word).to_owned(),
            Item::Mark(mark) => mark.text().to_owned(),
            Item::Slot(slot) => about.token(*slot),
        }
    }
}

impl Speech {
    /// What tokens say; `None` when they are not words of the lexicon, marks and slots.
    #[must_use]
    pub fn read(&self, facts: &Facts, tokens: &[Token]) -> Option<Vec<Item<'_>>> {
        let slots = self.slots.get(&facts.about)?;
        let mut items = Vec::new();
        let mut rest = tokens;
        while let Some(first) = rest.first() {
            let mark = self.marks.iter().find(|(_, token)| token == first).map(|(mark, _)| Item::Mark(*mark));
            let slot = slots.iter().find(|(_, token)| token == first).map(|(slot, _)| Item::Slot(*slot));
            let (item, length) = if let Some(item) = mark.or(slot) {
                (item, 1)
            } else {
                // No word goes on with what may follow another one: the longest is the one meant.
                let spelled = self.words.iter().filter(|word| rest.starts_with(&word.spelling));
                let word = spelled.max_by_key(|word| word.spelling.len())?;
                (Item::Word(&word.text), word.spelling.len())
            };
            items.push(item);
            rest = &rest[length..];
        }
        Some(items)
    }

    /// The text of tokens, slots filled in; `None` when they are not words of the lexicon, marks
    /// and slots that exist.
    #[must_use]
    pub fn render(&self, facts: &Facts, tokens: &[Token]) -> Option<String> {
        fill(facts, &self.read(facts, tokens)?)
    }
}

/// Writes items as a text.
fn fill(facts: &Facts, items: &[Item<'_>]) -> Option<String> {
    let named = items.iter().fold(Names::default(), |named, item| match item {
        Item::Slot(Slot::Name(topic)) => named.with(*topic),
        _ => named,
    });
    let mut text = String::new();
    let mut begins = true;
    for item in items {
        let piece = match item {
            Item::Mark(mark) => {
                text.push_str(mark.text());
                begins = *mark == Mark::Stop;
                continue;
            }
            Item::Word(word) => (*word).to_owned(),
            Item::Slot(slot) => facts.text(*slot, named.len())?,
        };
        if !text.is_empty() {
            text.push(' ');
        }
        let capital = begins && matches!(item, Item::Word(_) | Item::Slot(Slot::Name(_)));
        text.push_str(&if capital { capitalised(&piece) } else { piece });
        begins = false;
    }
    Some(text)
}

/// With a capital where that is an ordinary word's: `pH` and `x2` stay.
fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(first), second) if first.is_lowercase() && second.is_none_or(char::is_lowercase) => {
            first.to_uppercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.to_owned(),
    }
}
