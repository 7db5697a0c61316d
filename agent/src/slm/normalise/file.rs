//! A normaliser's file.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Deserialize;

use super::{Memory, Normaliser};

/// What this agent reads.
const SCHEMA: u32 = 1;
/// Letters that a word must have before others count as misspellings or abbreviations of it.
pub(super) const WORD: usize = 3;
/// Pairs that two letters may stand for, and how often such a pair must have been seen.
const INITIALS: usize = 4;
const INITIALS_SEEN: u32 = 2;

/// Why a normaliser cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum NormaliserError {
    /// It is no such file.
    #[error("language.normaliser: {0}")]
    File(#[from] serde_json::Error),
    /// It is one of another kind.
    #[error("language.normaliser: schema {0} is unknown; this agent reads {SCHEMA}")]
    Schema(u32),
    /// It would not write what was measured.
    #[error("language.normaliser: {line:?} becomes {written:?}, not {promised:?}: made for another agent")]
    Golden {
        /// The line.
        line: String,
        /// What it should become.
        promised: String,
        /// What it becomes.
        written: String,
    },
    /// A number is none that can be calculated with.
    #[error("language.normaliser: `{0}` must be a probability from 0 to 1")]
    Least(f64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: u32,
    least: f64,
    weights: HashMap<String, f64>,
    words: HashMap<String, u32>,
    pairs: HashMap<String, u32>,
    general: HashSet<String>,
    seen: HashMap<String, Memory>,
    shapes: HashMap<String, Memory>,
    golden: BTreeMap<String, String>,
}

impl Normaliser {
    /// Reads a bundle's file.
    ///
    /// # Errors
    /// As the error says.
    pub fn new(json: &str) -> Result<Self, NormaliserError> {
        let file: File = serde_json::from_str(json)?;
        let File { schema, least, weights, words, pairs, general, seen, shapes, golden } = file;
        if schema != SCHEMA {
            return Err(NormaliserError::Schema(schema));
        }
        if !(0.0..=1.0).contains(&least) {
            return Err(NormaliserError::Least(least));
        }
        let by_letter = by_letter(words.keys().chain(&general));
        let initials = initials(&pairs);
        let made = Normaliser { words, pairs, general, seen, shapes, weights, least, by_letter, initials };
        for (line, promised) in golden {
            let written = made.normalise(&line);
            if written != promised {
                return Err(NormaliserError::Golden { line, promised, written });
            }
        }
        Ok(made)
    }
}

fn letters(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|letter| letter.is_ascii_alphabetic())
}

fn by_letter<'a>(words: impl Iterator<Item = &'a String>) -> HashMap<u8, Vec<String>> {
    let words: BTreeSet<&String> = words.filter(|word| word.len() >= WORD && letters(word)).collect();
    let mut found: HashMap<u8, Vec<String>> = HashMap::new();
    for word in words {
        found.entry(word.as_bytes()[0]).or_default().push(word.clone());
    }
    found
}

fn initials(pairs: &HashMap<String, u32>) -> HashMap<[u8; 2], Vec<String>> {
    let mut order: Vec<(&String, u32)> = pairs
        .iter()
        .map(|(pair, &count)| (pair, count))
        .filter(|(_, count)| *count >= INITIALS_SEEN)
        .collect();
    order.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
    let mut found: HashMap<[u8; 2], Vec<String>> = HashMap::new();
    for (pair, _) in order {
        let Some((first, second)) = pair.split_once(' ') else { continue };
        if [first, second].iter().all(|word| word.len() >= WORD && letters(word)) {
            let pairs = found.entry([first.as_bytes()[0], second.as_bytes()[0]]).or_default();
            if pairs.len() < INITIALS {
                pairs.push(pair.clone());
            }
        }
    }
    found
}
