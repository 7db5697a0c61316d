//! Alarm and work-order lines as a colleague would have written them out: `REPL hyd cyl 1234` becomes
//! `replace hydraulic cylinder <num>`.
//!
//! The words of a line are taken one after the other. Each has candidates: itself, what other lines made of
//! it, words that it abbreviates or misspells, its parts. Each candidate has a few features, a linear model
//! weighs them, and what it is sure enough of is written; otherwise the word stays as it is. All of it is data
//! of the bundle, so what a word becomes can be looked up and does not depend on chance.
//!
//! `models/training` makes the file and has the same steps in `text/normalise.py`. Golden lines in the file
//! hold the agent to what was measured there: one that it writes otherwise, and the file is refused.

mod candidates;
mod file;
mod forms;
mod spelling;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};

pub use file::NormaliserError;

/// Words of a line that are looked at; whoever writes more writes no line, and is left as written.
const MOST_WORDS: usize = 256;

/// Features by their names, of which the file's weights know some.
type Features = BTreeMap<&'static str, f64>;
/// Ways to write a word.
type Candidates = BTreeMap<String, Features>;
/// What became of a word, and how often.
type Memory = BTreeMap<String, u32>;

/// Writes lines out.
#[derive(Debug)]
pub struct Normaliser {
    /// How often a word stands in normalised lines.
    words: HashMap<String, u32>,
    /// How often two words stand side by side: `a b`.
    pairs: HashMap<String, u32>,
    /// Words of everyday language: not misspelt.
    general: HashSet<String>,
    /// What other lines made of a word, of `word +next` and of `-before word`.
    seen: HashMap<String, Memory>,
    /// The same of words with digits, by their shape.
    shapes: HashMap<String, Memory>,
    weights: HashMap<String, f64>,
    /// Below this probability a word is left as it is.
    least: f64,
    /// Words of letters alone, in order, by the first one.
    by_letter: HashMap<u8, Vec<String>>,
    /// The most frequent pairs by their first letters.
    initials: HashMap<[u8; 2], Vec<String>>,
}

impl Normaliser {
    /// The line, written out; a line of nothing but white space becomes empty.
    #[must_use]
    pub fn normalise(&self, line: &str) -> String {
        let line: Vec<&str> = line.split_whitespace().collect();
        if line.len() > MOST_WORDS {
            return line.join(" ");
        }
        let (mut before, mut merged) = (String::new(), false);
        let mut written = Vec::with_capacity(line.len());
        for (place, &raw) in line.iter().enumerate() {
            let (best, probability) = self.best(&line, place, &before, merged);
            let text = if probability < self.least { raw.to_owned() } else { best };
            merged = text.to_lowercase() != raw.to_lowercase();
            if let Some(last) = text.split_whitespace().last() {
                before = last.to_lowercase();
                written.push(text);
            }
        }
        written.join(" ")
    }

    /// The best candidate with its probability; of two alike the first in the alphabet.
    fn best(&self, line: &[&str], place: usize, before: &str, merged: bool) -> (String, f64) {
        let weigh = |(text, features): (String, Features)| {
            let weight = |name: &str| self.weights.get(name).copied().unwrap_or(0.0);
            (features.iter().map(|(name, value)| weight(name) * value).sum::<f64>(), text)
        };
        let scored: Vec<(f64, String)> =
            self.candidates(line, place, before, merged).into_iter().map(weigh).collect();
        let top = scored.iter().map(|(score, _)| *score).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = scored.iter().map(|(score, _)| (score - top).exp()).sum();
        let best = scored.into_iter().find(|(score, _)| *score >= top).map(|(_, text)| text);
        (best.unwrap_or_default(), 1.0 / sum)
    }
}
