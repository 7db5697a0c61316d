//! Candidates of a word by itself, whatever stands beside it. Words are in lower case.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::file::WORD;
use super::spelling::{abbreviates, bones, digits, distance, number_of_digits, shape};
use super::{Candidates, Memory, Normaliser};

/// Letters of a word that is looked at more closely than by memory.
pub(super) const LONGEST: usize = 24;
/// Words that a word is taken to misspell, from how many letters on, and from how many with two slips.
const TYPOS: usize = 4;
const TYPO: usize = 4;
const TWO_SLIPS: usize = 7;
/// Words that a word is taken to abbreviate; they are longer by two letters.
const SHORTS: usize = 6;
const LEFT_OUT: usize = 2;

/// The names of a memory's features: that it knows the word, how often, and its share.
pub(super) struct Source {
    pub(super) known: &'static str,
    pub(super) count: &'static str,
    pub(super) share: &'static str,
}

const SEEN: Source = Source { known: "seen", count: "seen_count", share: "seen_share" };
const DIGITS: Source = Source { known: "digits", count: "digits_count", share: "digits_share" };
pub(super) const SHAPE: Source = Source { known: "shape", count: "shape_count", share: "shape_share" };

pub(super) fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}

/// Logarithm of a count.
pub(super) fn log(count: u32) -> f64 {
    f64::from(count).ln_1p()
}

fn part(of: usize, whole: usize) -> f64 {
    of as f64 / whole as f64
}

/// Adds what became of a word. That it went is said of no word by itself: only the one before it may
/// already say it.
pub(super) fn remember(found: &mut Candidates, source: &Source, memory: Option<&Memory>, may_go: bool) {
    let Some(memory) = memory else { return };
    let total: f64 = memory.values().map(|&count| f64::from(count)).sum();
    for (text, &count) in memory.iter().filter(|(text, _)| may_go || !text.is_empty()) {
        let features = found.entry(text.clone()).or_default();
        features.insert(source.known, 1.0);
        features.insert(source.count, log(count));
        features.insert(source.share, f64::from(count) / total);
    }
}

impl Normaliser {
    pub(super) fn count(&self, word: &str) -> u32 {
        self.words.get(word).copied().unwrap_or(0)
    }

    pub(super) fn pair(&self, one: &str, other: &str) -> f64 {
        log(self.pairs.get(&format!("{one} {other}")).copied().unwrap_or(0))
    }

    /// What a word may be by itself.
    pub(super) fn forms(&self, low: &str) -> Candidates {
        let mut found = Candidates::new();
        remember(&mut found, &SEEN, self.seen.get(low), false);
        let (numbered, length) = (digits(low), low.chars().count());
        if numbered != low {
            remember(&mut found, &DIGITS, self.seen.get(&numbered), false);
            remember(&mut found, &SHAPE, self.shapes.get(&shape(low)), false);
            let count = number_of_digits(low);
            for features in found.values_mut() {
                if let Some(share) = features.get(SHAPE.share).copied() {
                    features.insert("shape_digits", share * part(count.min(4), 4));
                    features.insert("shape_letters", share * part((length - count).min(4), 4));
                }
            }
        }
        let plain = low.replace(['/', '.', '\''], "");
        if !(2..=LONGEST).contains(&length)
            || plain.is_empty()
            || !plain.bytes().all(|b| b.is_ascii_alphabetic())
        {
            return found;
        }
        if !self.words.contains_key(low) && !self.general.contains(low) {
            self.misspelt(&mut found, &plain);
            self.glued(&mut found, &plain);
        }
        self.abbreviated(&mut found, &plain);
        if let &[first, second] = plain.as_bytes() {
            for (rank, pair) in self.initials.get(&[first, second]).into_iter().flatten().enumerate() {
                let features = found.entry(pair.clone()).or_default();
                features.insert("initials", 1.0);
                features.insert("initials_count", log(self.pairs.get(pair).copied().unwrap_or(0)));
                features.insert("initials_rank", rank as f64);
            }
        }
        found
    }

    fn misspelt(&self, found: &mut Candidates, plain: &str) {
        if plain.len() < TYPO {
            return;
        }
        let most = if plain.len() < TWO_SLIPS { 1 } else { 2 };
        let firsts: BTreeSet<u8> = plain.bytes().take(2).collect();
        let mut near: Vec<(usize, Reverse<u32>, &String)> = firsts
            .iter()
            .filter_map(|first| self.by_letter.get(first))
            .flatten()
            .filter(|word| *word != plain && word.len() >= TYPO)
            .filter_map(|word| Some((distance(plain, word, most)?, Reverse(self.count(word)), word)))
            .collect();
        near.sort();
        let letters = |word: &str| word.bytes().collect::<BTreeSet<u8>>();
        for (rank, (steps, _, word)) in near.into_iter().take(TYPOS).enumerate() {
            let features = found.entry(word.clone()).or_default();
            features.insert(if steps == 1 { "typo1" } else { "typo2" }, 1.0);
            features.insert("typo_length", plain.len() as f64 / 10.0);
            features.insert("typo_rank", rank as f64);
            features.insert("typo_letters", flag(letters(plain) == letters(word)));
            features.insert("typo_end", flag(plain.bytes().last() == word.bytes().last()));
            let plural = |one: &str, many: &str| many.strip_suffix('s') == Some(one);
            features.insert("typo_plural", flag(plural(plain, word) || plural(word, plain)));
        }
    }

    fn abbreviated(&self, found: &mut Candidates, plain: &str) {
        let words = self.by_letter.get(&plain.as_bytes()[0]).into_iter().flatten();
        let fits = |word: &&String| {
            word.len() >= plain.len() + LEFT_OUT && abbreviates(plain, word) && self.words.contains_key(*word)
        };
        let mut longer: Vec<(f64, &String)> = words
            .filter(fits)
            .map(|word| {
                let bones = bones(word);
                let skeleton = plain == bones || abbreviates(plain, &bones);
                (-log(self.count(word)) - 2.0 * flag(word.starts_with(plain)) - flag(skeleton), word)
            })
            .collect();
        longer.sort_by(|one, other| one.0.total_cmp(&other.0).then_with(|| one.1.cmp(other.1)));
        for (rank, (_, word)) in longer.into_iter().take(SHORTS).enumerate() {
            let features = found.entry(word.clone()).or_default();
            features.insert("short", 1.0);
            features.insert("short_prefix", flag(word.starts_with(plain)));
            features.insert("short_bones", flag(bones(plain) == plain));
            features.insert("short_all_bones", flag(plain == bones(word)));
            features.insert("short_end", flag(plain.bytes().last() == word.bytes().last()));
            features.insert("short_part", part(plain.len(), word.len()));
            features.insert("short_length", part(plain.len().min(6), 6));
            features.insert("short_rank", rank as f64);
        }
    }

    fn glued(&self, found: &mut Candidates, plain: &str) {
        for cut in WORD..(plain.len() + 1).saturating_sub(WORD) {
            let (first, second) = plain.split_at(cut);
            if self.words.contains_key(first) && self.words.contains_key(second) {
                let features = found.entry(format!("{first} {second}")).or_default();
                features.insert("glued", 1.0);
                features.insert("glued_pair", self.pair(first, second));
            }
        }
    }
}
