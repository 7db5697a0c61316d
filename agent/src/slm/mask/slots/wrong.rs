//! Words that a lexicon may not hold, or not where it holds them.

use super::class::Class;
use super::known::{CLAIMS, NEGATIONS, QUANTITIES, REASSURING, UNITS};
use super::numbers::{is_amount, is_number_word, is_numeric};

/// Why a word may not stand in a class, or `None` when it may.
#[must_use]
pub(super) fn wrong(word: &str, class: Class) -> Option<String> {
    let refused: &[(&str, &[&str])] = &[
        ("turns round what is said", NEGATIONS),
        ("would tell someone not to look", REASSURING),
        ("names what a channel measures; channels are named by slots", QUANTITIES),
        ("is a unit or a time; slots bring those", UNITS),
    ];
    if word.chars().any(is_numeric) || is_number_word(word) {
        return Some("says a number".to_owned());
    }
    if is_amount(word) {
        return Some("says how many, which the evidence would have to be counted for".to_owned());
    }
    if !is_plain(word) {
        return Some(
            "is no single English word in lower-case letters a to z, with `-` or `'` inside at most"
                .to_owned(),
        );
    }
    if let Some((why, _)) = refused.iter().find(|(_, list)| list.contains(&word)) {
        return Some((*why).to_owned());
    }
    // A part of a compound speaks as loudly as the whole.
    if let Some(part) =
        word.split(['-', '\'']).filter(|part| *part != word).find_map(|part| wrong(part, class))
    {
        return Some(format!("has a part that {part}"));
    }
    let (classes, _) = CLAIMS.iter().find(|(_, list)| list.contains(&word))?;
    if classes.contains(&class) || (!class.kinds().is_none() && joins(classes)) {
        return None;
    }
    let keys: Vec<&str> = classes.iter().map(|class| class.key()).collect();
    Some(format!("belongs to `{}`", keys.join("` or `")))
}

/// The classes of a known word, any of which may be meant.
#[must_use]
pub(crate) fn claims(word: &str) -> Option<&'static [Class]> {
    CLAIMS.iter().find(|(_, list)| list.contains(&word)).map(|(classes, _)| *classes)
}

/// Whether a word turns round what is said or keeps someone from looking.
#[must_use]
pub(crate) fn cannot_be_compared(word: &str) -> bool {
    NEGATIONS.contains(&word) || REASSURING.contains(&word)
}

/// Whether a word is one for what channels measure.
#[must_use]
pub(crate) fn is_quantity(word: &str) -> bool {
    QUANTITIES.contains(&word)
}

/// Whether words of these classes may make another claim besides.
fn joins(classes: &[Class]) -> bool {
    classes.iter().all(|class| !class.kinds().is_none())
}

/// Whether the classes that hold a word lack one that it belongs to.
#[must_use]
pub(super) fn lacks(word: &str, has: impl Fn(Class) -> bool) -> Option<&'static [Class]> {
    let (classes, _) = CLAIMS.iter().find(|(_, list)| list.contains(&word))?;
    (!classes.iter().any(|class| has(*class))).then_some(*classes)
}

fn is_plain(word: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c == '-' || c == '\'';
    word.chars().all(inner)
        && word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.ends_with(|c: char| c.is_ascii_lowercase())
}
