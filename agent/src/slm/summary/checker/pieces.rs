//! A text cut into names, numbers, words and marks.

use std::ops::Range;

use super::super::ground::Ground;
use crate::slm::mask::slots::numbers::is_numeric;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) what: Is,
    pub(super) place: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Is {
    /// Channels of this name.
    Name(Vec<usize>),
    /// A machine, a class: words that the evidence gives.
    Given,
    /// A moment that is in the evidence.
    Moment,
    /// A number and the unit behind it, if any is written.
    Number {
        /// `None` when it is no number that can be read.
        value: Option<f64>,
        /// A unit of the evidence, or what stands where a unit might.
        unit: Option<String>,
    },
    /// A word in lower case.
    Word(String),
    /// A mark.
    Mark(char),
}

/// Units that a model may write though the evidence has none of them.
const UNITS: [&str; 26] = [
    "s", "min", "h", "days", "day", "ms", "%", "°C", "°F", "K", "bar", "mbar", "Pa", "kPa", "psi", "V", "A",
    "mA", "W", "kW", "Hz", "rpm", "mm", "l/min", "m3/h", "UTC",
];

pub(super) fn of(text: &str, ground: &Ground) -> Vec<Piece> {
    let known = known(ground);
    let mut pieces: Vec<Piece> = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let begins_word = at == 0 || !text[..at].ends_with(is_inner);
        let name =
            begins_word.then(|| known.iter().find(|(name, _)| starts_with(&text[at..], name))).flatten();
        let (length, what) = if let Some((name, what)) = name {
            (length_of(&text[at..], name), Some(what.clone()))
        } else if is_numeric(c) {
            let (length, what) = number(text, at, ground);
            (length, Some(what))
        } else if c.is_alphabetic() {
            let rest = &text[at..];
            let length = rest.find(|c: char| !is_inner(c) && c != '\'' && c != '’').unwrap_or(rest.len());
            (length, Some(Is::Word(rest[..length].replace('’', "'").to_lowercase())))
        } else if c.is_whitespace() {
            (c.len_utf8(), None)
        } else {
            (c.len_utf8(), Some(Is::Mark(c)))
        };
        pieces.extend(what.map(|what| Piece { what, place: at..at + length }));
        at += length;
    }
    pieces
}

/// What a word is made of.
fn is_inner(c: char) -> bool {
    (c.is_alphabetic() || c == '_') && !is_numeric(c)
}

/// Names, longest first: a channel `flow in` before a channel `flow`.
fn known(ground: &Ground) -> Vec<(String, Is)> {
    let mut known: Vec<(String, Is)> = Vec::new();
    for (index, channel) in ground.channels.iter().enumerate() {
        for name in &channel.names {
            let name = name.to_lowercase();
            match known.iter_mut().find(|(other, _)| *other == name) {
                Some((_, Is::Name(channels))) => channels.push(index),
                _ => known.push((name, Is::Name(vec![index]))),
            }
        }
    }
    known.extend(ground.words.iter().map(|word| (word.to_lowercase(), Is::Given)));
    known.extend(ground.moments.iter().map(|moment| (moment.to_lowercase(), Is::Moment)));
    known.retain(|(name, _)| !name.is_empty());
    known.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    known
}

/// Whether a text starts with a name, in any case, that ends there.
fn starts_with(text: &str, name: &str) -> bool {
    let mut rest = text.chars();
    for c in name.chars() {
        match rest.next() {
            Some(other) if other.to_lowercase().eq(c.to_lowercase()) => {}
            _ => return false,
        }
    }
    let ends_in_word = name.chars().next_back().is_some_and(char::is_alphanumeric);
    let word_goes_on = ends_in_word && rest.as_str().starts_with(|c: char| c.is_alphanumeric() || c == '_');
    !word_goes_on && !is_decimal(name, rest.as_str())
}

/// Whether a number goes on behind a name that ends in a digit: `pump 1` in `pump 1.5`.
fn is_decimal(name: &str, rest: &str) -> bool {
    let mut rest = rest.chars();
    name.ends_with(is_numeric)
        && matches!(rest.next(), Some('.' | ',' | ':'))
        && rest.next().is_some_and(is_numeric)
}

fn length_of(text: &str, name: &str) -> usize {
    text.chars().take(name.chars().count()).map(char::len_utf8).sum()
}

/// The number at a place, with the unit behind it.
fn number(text: &str, at: usize, ground: &Ground) -> (usize, Is) {
    let rest = &text[at..];
    let mut length = 0;
    let chars: Vec<char> = rest.chars().take(40).collect();
    for (index, &c) in chars.iter().enumerate() {
        let next = chars.get(index + 1).copied();
        let digit_next = next.is_some_and(is_numeric);
        let exponent = matches!(c, 'e' | 'E')
            && (digit_next
                || (matches!(next, Some('-' | '+'))
                    && chars.get(index + 2).copied().is_some_and(is_numeric)));
        let sign = matches!(c, '-' | '+') && index > 0 && matches!(chars[index - 1], 'e' | 'E') && digit_next;
        let point = matches!(c, '.' | ',' | ':' | '\'' | '/') && digit_next;
        if !(is_numeric(c) || exponent || sign || point) {
            break;
        }
        length += c.len_utf8();
    }
    let written = &rest[..length];
    let before = text[..at].trim_end_matches(['-', '\u{2212}', '\u{2013}']);
    let negative =
        before.len() < at && (before.is_empty() || before.ends_with(|c: char| c.is_whitespace() || c == '('));
    let value = parse(written).map(|value| if negative { -value } else { value });
    let behind = &rest[length..];
    let space = behind.len() - behind.trim_start_matches([' ', '\u{a0}', '\u{202f}']).len();
    let unit_at = &behind[space..];
    let units = ground.figures.iter().map(|figure| figure.unit.as_str()).chain(UNITS);
    let unit = units
        .filter(|unit| {
            !unit.is_empty() && unit_at.starts_with(unit) && ends_here(unit, &unit_at[unit.len()..])
        })
        .max_by_key(|unit| unit.len());
    match unit {
        Some(unit) => (length + space + unit.len(), Is::Number { value, unit: Some(unit.to_owned()) }),
        // Letters that touch a number are a unit, whichever.
        None if space == 0 && behind.starts_with(|c: char| c.is_alphabetic() || c == '%' || c == '°') => {
            let more = behind.find(char::is_whitespace).unwrap_or(behind.len());
            (length + more, Is::Number { value, unit: Some(behind[..more].to_owned()) })
        }
        None => (length, Is::Number { value, unit: None }),
    }
}

fn ends_here(unit: &str, rest: &str) -> bool {
    // Counts are said in the plural as well.
    let rest = if unit.len() > 3 { rest.strip_prefix('s').unwrap_or(rest) } else { rest };
    !(unit.ends_with(char::is_alphanumeric) && rest.starts_with(|c: char| c.is_alphanumeric() || c == '/'))
}

/// A number in plain digits; thousands may be parted by commas.
fn parse(written: &str) -> Option<f64> {
    if !written.is_ascii() {
        return None;
    }
    let mut groups = written.split(',');
    let first = groups.next()?;
    let (mut digits, mut grouped) = (first.to_owned(), false);
    for group in groups {
        let whole = group.split('.').next().unwrap_or(group);
        if whole.len() != 3 || first.len() > 3 || first.contains('.') {
            return None;
        }
        digits.push_str(group);
        grouped = true;
    }
    let plain = digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-' | '+'));
    (plain && !(grouped && digits.is_empty())).then(|| digits.parse().ok()).flatten()
}
