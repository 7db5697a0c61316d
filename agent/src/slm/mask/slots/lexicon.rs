//! The bundle's list of words: a positive list in classes. `docs/reference/slots.md` is its format.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::class::{Class, Classes};
use super::kinds::Kinds;
use super::wrong;

/// The version of the format.
const VERSION: u32 = 1;
/// More words than a mask should look through for every token.
const MOST_WORDS: usize = 4_096;
/// Longer words are slips of the pen.
const LONGEST: usize = 32;

/// Punctuation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mark {
    /// `.`
    Stop,
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// `:`
    Colon,
}

impl Mark {
    /// Every mark.
    pub const ALL: [Mark; 4] = [Mark::Stop, Mark::Comma, Mark::Semicolon, Mark::Colon];

    /// As it is written.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Mark::Stop => ".",
            Mark::Comma => ",",
            Mark::Semicolon => ";",
            Mark::Colon => ":",
        }
    }
}

/// What is wrong with a lexicon.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("lexicon: {place}: {problem}")]
pub struct LexiconError {
    /// The key, or the class and the word.
    pub place: String,
    /// What is wrong and what to do.
    pub problem: String,
}

impl LexiconError {
    pub(super) fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        LexiconError { place: place.into(), problem: problem.into() }
    }
}

/// Words in classes, and marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lexicon {
    /// Each word with its classes.
    pub words: BTreeMap<String, Classes>,
    /// The marks that may be used; the full stop always.
    pub marks: Vec<Mark>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    language: String,
    #[serde(default)]
    marks: Vec<String>,
    words: BTreeMap<String, Vec<String>>,
}

impl Lexicon {
    /// Reads a lexicon file.
    ///
    /// # Errors
    /// With the class and the word that may not be there.
    pub fn parse(text: &str) -> Result<Self, LexiconError> {
        let file: File = toml::from_str(text).map_err(|e| LexiconError::new("file", e.to_string()))?;
        if file.version != VERSION {
            let problem = format!("is {}, this agent reads {VERSION}; update the agent", file.version);
            return Err(LexiconError::new("version", problem));
        }
        if file.language != "en" {
            let problem = "must be `en`: the words that are refused are known in English only";
            return Err(LexiconError::new("language", problem));
        }
        let words = classed(&file.words)?;
        for class in Class::ALL.into_iter().filter(|class| !class.kinds().common(Kinds::OF_WORDS).is_none()) {
            if !words.values().any(|classes| *classes == Classes::default().with(class)) {
                let problem =
                    "needs a word that is in no other class, or such channels could not be spoken of";
                return Err(LexiconError::new(format!("words.{}", class.key()), problem));
            }
        }
        Ok(Lexicon { words, marks: marks(&file.marks)? })
    }
}

fn classed(lists: &BTreeMap<String, Vec<String>>) -> Result<BTreeMap<String, Classes>, LexiconError> {
    let mut words: BTreeMap<String, Classes> = BTreeMap::new();
    for (key, list) in lists {
        let class = Class::ALL.into_iter().find(|class| class.key() == key).ok_or_else(|| {
            let known: Vec<_> = Class::ALL.iter().map(|class| class.key()).collect();
            LexiconError::new(
                format!("words.{key}"),
                format!("is no class; classes are {}", known.join(", ")),
            )
        })?;
        for word in list {
            let place = || format!("words.{key}: {word:?}");
            if word.is_empty() || word.len() > LONGEST {
                return Err(LexiconError::new(place(), format!("must have 1 to {LONGEST} letters")));
            }
            if let Some(problem) = wrong::wrong(word, class) {
                return Err(LexiconError::new(place(), format!("{problem}; take it out")));
            }
            let classes = words.entry(word.clone()).or_default();
            if classes.has(class) {
                return Err(LexiconError::new(place(), "is there twice"));
            }
            *classes = classes.with(class);
        }
    }
    if words.len() > MOST_WORDS {
        let problem = format!("are {}, more than {MOST_WORDS}", words.len());
        return Err(LexiconError::new("words", problem));
    }
    for (word, classes) in &words {
        let keys: Vec<_> = classes.iter().map(Class::key).collect();
        if !classes.go_together() {
            let problem = format!("is in {}, which exclude each other", keys.join(" and "));
            return Err(LexiconError::new(format!("{word:?}"), problem));
        }
        if let Some(missing) = wrong::lacks(word, |class| classes.has(class)) {
            let missing: Vec<_> = missing.iter().map(|class| class.key()).collect();
            let problem = format!("must also be in `{}`", missing.join("` or `"));
            return Err(LexiconError::new(format!("words.{}: {word:?}", keys.join("+")), problem));
        }
    }
    Ok(words)
}

fn marks(texts: &[String]) -> Result<Vec<Mark>, LexiconError> {
    let mut marks = vec![Mark::Stop];
    for text in texts {
        let mark = Mark::ALL.into_iter().find(|mark| mark.text() == text).ok_or_else(|| {
            LexiconError::new(format!("marks: {text:?}"), "is none of `.`, `,`, `;` and `:`")
        })?;
        if !marks.contains(&mark) {
            marks.push(mark);
        }
    }
    Ok(marks)
}
