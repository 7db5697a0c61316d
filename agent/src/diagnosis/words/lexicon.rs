//! What words may mean: the longest known words of a name, with typos, abbreviations and compounds.

use std::collections::BTreeMap;

use super::{abbreviates, split, within_one_edit};

/// A word spelt as it is known, or part of a compound of known words.
const EXACT: f32 = 1.0;
/// A known word at the end or the beginning of a longer one: `Umwälzpumpe`.
const PART: f32 = 0.9;
/// The beginning of a known word: `disch`.
const BEGINNING: f32 = 0.85;
/// A known word with one slip.
const TYPO: f32 = 0.8;
/// A known word without its vowels: `prssr`.
const ABBREVIATION: f32 = 0.75;
/// Shorter words have too many neighbours to forgive a slip.
const TYPO_LETTERS: usize = 5;
/// Shorter beginnings and parts mean too much.
const BEGINNING_LETTERS: usize = 3;
const PART_LETTERS: usize = 4;
/// Letters that join German compounds.
const JOINTS: &[&str] = &["", "s", "n", "en"];

/// Words and what they may mean. A word may be several, such as `cooling water`.
#[derive(Clone, Debug)]
pub struct Lexicon<M> {
    /// By the first of its words: all of them, and what they mean.
    entries: BTreeMap<String, Vec<(Vec<String>, M)>>,
    /// Every word of every entry.
    known: BTreeMap<String, ()>,
}

/// A meaning that was found in a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<M> {
    /// What it means.
    pub meaning: M,
    /// Letters of the known words: the longer, the more is said.
    pub letters: usize,
    /// The place behind its last word.
    pub end: usize,
    /// How surely the words are these, 0 to 1.
    pub certainty: f32,
}

impl<M> Default for Lexicon<M> {
    fn default() -> Self {
        Lexicon { entries: BTreeMap::new(), known: BTreeMap::new() }
    }
}

impl<M: Clone + PartialEq> Lexicon<M> {
    /// Adds words with a meaning.
    pub fn add(&mut self, words: &str, meaning: M) {
        let words = split(words);
        let Some(first) = words.first() else { return };
        for word in &words {
            self.know(word);
        }
        let entries = self.entries.entry(first.clone()).or_default();
        if !entries.iter().any(|(known, meant)| *known == words && *meant == meaning) {
            entries.push((words, meaning));
        }
    }

    /// Adds a word that means nothing here, but is no misspelling of another one.
    pub fn know(&mut self, word: &str) {
        self.known.insert(word.to_owned(), ());
    }

    /// What the words of a name mean. Words inside longer known words do not count: `feed water` is
    /// not `water`.
    #[must_use]
    pub fn read(&self, words: &[String]) -> Vec<Found<M>> {
        let spelt: Vec<(String, f32)> = words.iter().flat_map(|word| self.spell(word)).collect();
        let mut found: Vec<(usize, Found<M>)> = Vec::new();
        for start in 0..spelt.len() {
            for (entry, meaning) in self.entries.get(&spelt[start].0).into_iter().flatten() {
                let end = start + entry.len();
                let fits =
                    spelt.get(start..end).is_some_and(|here| here.iter().map(|(word, _)| word).eq(entry));
                if fits {
                    let certainty =
                        spelt[start..end].iter().map(|(_, certainty)| *certainty).fold(1.0, f32::min);
                    let letters = entry.iter().map(|word| word.chars().count()).sum();
                    found.push((start, Found { meaning: meaning.clone(), letters, end, certainty }));
                }
            }
        }
        let inside = |(start, one): &(usize, Found<M>)| {
            found.iter().any(|(other, longer)| {
                longer.end - other > one.end - start && other <= start && one.end <= longer.end
            })
        };
        found.iter().filter(|one| !inside(one)).map(|(_, one)| one.clone()).collect()
    }

    /// A word as the known words it stands for.
    fn spell(&self, word: &str) -> Vec<(String, f32)> {
        if self.known.contains_key(word) {
            return vec![(word.to_owned(), EXACT)];
        }
        if let Some(parts) = self.compound(word) {
            return parts.into_iter().map(|part| (part, EXACT)).collect();
        }
        let letters = word.chars().count();
        let longest = |fits: &dyn Fn(&str) -> bool| {
            let known = self.known.keys().filter(|known| fits(known));
            known.max_by_key(|known| known.len()).cloned()
        };
        let is_part = |known: &str| {
            known.chars().count() >= PART_LETTERS && (word.ends_with(known) || word.starts_with(known))
        };
        if letters > PART_LETTERS
            && let Some(part) = longest(&is_part)
        {
            return vec![(part, PART)];
        }
        if letters >= BEGINNING_LETTERS
            && let Some(known) = self.only(|known| known.starts_with(word))
        {
            return vec![(known, BEGINNING)];
        }
        if letters >= TYPO_LETTERS
            && let Some(known) =
                self.only(|known| known.chars().count() + 1 >= TYPO_LETTERS && within_one_edit(word, known))
        {
            return vec![(known, TYPO)];
        }
        if let Some(known) = self.only(|known| abbreviates(word, known)) {
            return vec![(known, ABBREVIATION)];
        }
        vec![(word.to_owned(), EXACT)]
    }

    /// The known word that fits, if all that fit mean the same: the shortest of them.
    fn only(&self, fits: impl Fn(&str) -> bool) -> Option<String> {
        let mut candidates: Vec<&String> = self.known.keys().filter(|known| fits(known)).collect();
        candidates.sort_by_key(|known| known.len());
        let meanings = |word: &String| -> Vec<&M> {
            let alone = |(words, meaning)| if <[String]>::len(words) == 1 { Some(meaning) } else { None };
            let entries = self.entries.get(word).into_iter().flatten();
            entries.filter_map(|(words, meaning)| alone((words.as_slice(), meaning))).collect()
        };
        let (first, others) = candidates.split_first()?;
        let meant = meanings(first);
        (!meant.is_empty() && others.iter().all(|other| meanings(other) == meant)).then(|| (*first).clone())
    }

    /// The known words that a word is made of, if it is made of nothing else: `lagertemperatur`.
    fn compound(&self, word: &str) -> Option<Vec<String>> {
        let cuts = word.char_indices().map(|(at, _)| at).filter(|&at| at >= 2);
        for at in cuts.rev() {
            let (head, tail) = word.split_at(at);
            let head = JOINTS.iter().find_map(|joint| {
                head.strip_suffix(joint).filter(|head| head.len() > 2 && self.known.contains_key(*head))
            });
            let Some(head) = head else { continue };
            let rest = match self.known.contains_key(tail) {
                true if tail.len() > 2 => Some(vec![tail.to_owned()]),
                _ => self.compound(tail),
            };
            if let Some(rest) = rest {
                return Some(std::iter::once(head.to_owned()).chain(rest).collect());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lexicon() -> Lexicon<u8> {
        let mut lexicon = Lexicon::default();
        let entries =
            [("pressure", 0), ("temperature", 1), ("temp", 1), ("temperatur", 1), ("feed water", 2)];
        for (words, meaning) in entries.into_iter().chain([("water", 3), ("lager", 4), ("discharge", 5)]) {
            lexicon.add(words, meaning);
        }
        lexicon
    }

    fn meanings(name: &str) -> Vec<u8> {
        lexicon().read(&split(name)).into_iter().map(|found| found.meaning).collect()
    }

    #[test]
    fn longer_words_win_over_those_inside_them() {
        assert_eq!(meanings("feed water temp"), [2, 1]);
        assert_eq!(meanings("water temp"), [3, 1]);
    }

    #[test]
    fn compounds_typos_beginnings_and_abbreviations_are_read() {
        assert_eq!(meanings("Lagertemperatur"), [4, 1]);
        assert_eq!(meanings("disch_presure"), [5, 0]);
        assert_eq!(meanings("dschrg prssr"), [5, 0]);
        assert_eq!(meanings("xyz"), [0_u8; 0]);
    }

    #[test]
    fn a_misspelling_is_less_certain() {
        let certainty = |name: &str| lexicon().read(&split(name))[0].certainty;
        assert!(certainty("pressure") > certainty("presure"));
    }
}
