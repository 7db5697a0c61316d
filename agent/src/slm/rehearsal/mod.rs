//! Prompts, slots and masks without a model: texts that one is trained on are checked by what it will
//! speak under.
//!
//! Reads a JSON object a line and writes one a line:
//! ```text
//! {"case": …} or {"shift": …}                      → {"prompt": "…", "slots": {"<c0.name>": "flow", …}}
//! the same with "pieces": [["<c0.name>", …], …]    → and "texts": [{"refused_at": null, "text": "…"}, …]
//!      and "sentences": 4
//! ```
//! `case` and `shift` have the form of `vectors.json` ([`told`]). Pieces are words, marks, slots and
//! `<end>`; a text has an end of its own only if that is its last piece.

#[cfg(test)]
mod tests;
mod told;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Write};

use serde::{Deserialize, Serialize};

pub use told::{ToldCase, ToldShift};
pub use words::Words;

use crate::slm::case::Case;
use crate::slm::mask::slots::mask::{END, Pieces};
use crate::slm::mask::slots::{About, Facts, Limits, Slot, SlotMask, Speech};
use crate::slm::summary::prompt;

/// Out of reach: texts are as long as their sentences allow.
const TOKENS: usize = 100_000;

/// A line that is read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    case: Option<ToldCase>,
    shift: Option<ToldShift>,
    #[serde(default)]
    pieces: Vec<Vec<String>>,
    sentences: Option<u8>,
}

/// A line that is written.
#[derive(Debug, Serialize)]
struct Answer {
    prompt: String,
    slots: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    texts: Vec<Text>,
}

/// What the mask says of a text.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Text {
    /// The first piece that may not follow; `None` when all may.
    pub refused_at: Option<usize>,
    /// The text as it is read, slots filled in, if it has ended.
    pub text: Option<String>,
    /// What may have followed where a piece was refused: classes of words, marks and slots.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub allowed: BTreeSet<String>,
}

/// Words and slots to check texts with.
#[derive(Debug)]
pub struct Rehearsal {
    speech: Speech,
    words: Words,
    incident: Pieces,
    shift: Pieces,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// A line is none.
    #[error("line {line}: {problem}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Rehearsal {
    /// Texts of the words of a lexicon file.
    ///
    /// # Errors
    /// With the word that may not be there.
    pub fn of(lexicon: &str) -> Result<Self, crate::slm::mask::slots::LexiconError> {
        let words = Words::of(lexicon)?;
        let speech = Speech::new(lexicon, &words)?;
        let (incident, shift) = (Pieces::of(&speech, About::Incident), Pieces::of(&speech, About::Shift));
        Ok(Rehearsal { speech, words, incident, shift })
    }

    /// What the mask says of texts about the same.
    #[must_use]
    pub fn texts(&self, facts: &Facts, texts: &[Vec<String>], sentences: u8) -> Vec<Text> {
        let pieces = match facts.about {
            About::Incident => &self.incident,
            About::Shift => &self.shift,
        };
        let mask = SlotMask::new(&self.speech, facts, Limits { tokens: TOKENS, sentences });
        let text = |said: &Vec<String>| match &mask {
            Ok(mask) => self.text(facts, mask.clone(), pieces, said),
            // Nothing can be said at all.
            Err(_) => Text { refused_at: Some(0), text: None, allowed: BTreeSet::new() },
        };
        texts.iter().map(text).collect()
    }

    fn text(&self, facts: &Facts, mut mask: SlotMask<'_>, pieces: &Pieces, said: &[String]) -> Text {
        let refused_at = said.iter().position(|piece| !mask.say(piece, pieces));
        let allowed = refused_at.map(|_| mask.may_follow(facts.about)).unwrap_or_default();
        let whole = said.split_last().filter(|(last, _)| refused_at.is_none() && *last == END);
        let text = whole.and_then(|(_, said)| {
            let tokens: Option<Vec<_>> = said.iter().map(|piece| self.words.token(piece)).collect();
            self.speech.render(facts, &tokens?)
        });
        Text { refused_at, text, allowed }
    }
}

/// The slots that have a text, by the names of their tokens. `<n.more>` counts those that a text
/// with one name leaves.
fn slots(facts: &Facts) -> BTreeMap<String, String> {
    let named = |slot| usize::from(slot == Slot::More);
    let slots = facts.about.slots();
    slots.filter_map(|slot| Some((facts.about.token(slot), facts.text(slot, named(slot))?))).collect()
}

fn answer(line: &str, rehearsal: Option<&Rehearsal>) -> Result<Answer, String> {
    let Line { case, shift, pieces, sentences } =
        serde_json::from_str(line).map_err(|error| error.to_string())?;
    let (facts, prompt) = match (case, shift) {
        (Some(told), None) => {
            let case = told.case();
            let facts = Facts::of_incident(&case);
            let prompt = prompt::of_incident(&case, &facts);
            (facts, prompt)
        }
        (None, Some(told)) => {
            let cases: Vec<Case> = told.cases.iter().map(ToldCase::case).collect();
            let facts = Facts::of_shift(&cases, told.to);
            let prompt = prompt::of_shift(&cases, &facts);
            (facts, prompt)
        }
        _ => return Err("takes a `case` or a `shift`".to_owned()),
    };
    let texts = match (rehearsal, sentences) {
        _ if pieces.is_empty() => Vec::new(),
        (None, _) => return Err("`pieces` need a lexicon: --lexicon FILE".to_owned()),
        (_, None) => return Err("`pieces` need `sentences`: how many there may be".to_owned()),
        (Some(rehearsal), Some(sentences)) => rehearsal.texts(&facts, &pieces, sentences),
    };
    Ok(Answer { prompt, slots: slots(&facts), texts })
}

/// Answers every line.
///
/// # Errors
/// The first line that is wrong, or when reading or writing fails.
pub fn run(
    rehearsal: Option<&Rehearsal>,
    input: impl BufRead,
    mut output: impl Write,
) -> Result<(), RehearsalError> {
    for (at, line) in input.lines().enumerate() {
        let line = line?;
        let wrong = |problem: String| RehearsalError::Line { line: at + 1, problem };
        let answer = answer(&line, rehearsal).map_err(wrong)?;
        serde_json::to_writer(&mut output, &answer).map_err(std::io::Error::from)?;
        output.write_all(b"\n")?;
    }
    Ok(output.flush()?)
}
