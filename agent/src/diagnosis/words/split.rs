//! Names and texts as words.

use super::fold;

/// Folded words, in order. `bearingTempDE`, `bearing_temp-de` and `bearing temp DE` are the same;
/// digits are words of their own.
#[must_use]
pub fn split(text: &str) -> Vec<String> {
    #[derive(Clone, Copy, PartialEq)]
    enum Class {
        Upper,
        Lower,
        Digit,
        Other,
    }
    let class = |letter: char| match letter {
        letter if letter.is_ascii_digit() => Class::Digit,
        letter if letter.is_uppercase() => Class::Upper,
        letter if letter.is_alphabetic() => Class::Lower,
        _ => Class::Other,
    };
    let letters: Vec<char> = text.chars().collect();
    // `FilterdP` is a pressure difference, not a pressure of `filterd`; `feedP`, `loadP` and `condP` are none.
    let difference = |place: usize| {
        let ends = letters.get(place + 2).is_none_or(|&next| class(next) != Class::Lower);
        let of_word = place.checked_sub(1).is_some_and(|before| "aeiouln".contains(letters[before]));
        letters[place] == 'd' && letters.get(place + 1) == Some(&'P') && ends && !of_word
    };
    let mut words = Vec::new();
    let mut word = String::new();
    for (place, &letter) in letters.iter().enumerate() {
        let here = class(letter);
        if let Some(before) = place.checked_sub(1).map(|place| class(letters[place])) {
            let next_is_lower = letters.get(place + 1).is_some_and(|&next| class(next) == Class::Lower);
            let begins = match (before, here) {
                (Class::Lower, Class::Upper) => !difference(place - 1),
                (Class::Lower | Class::Upper, Class::Lower) if difference(place) => true,
                // The last capital of `TICvalue` begins the next word.
                (Class::Upper, Class::Upper) => next_is_lower,
                (Class::Digit, Class::Upper | Class::Lower) | (Class::Upper | Class::Lower, Class::Digit) => {
                    true
                }
                _ => false,
            };
            if begins && !word.is_empty() {
                words.push(fold(&std::mem::take(&mut word)));
            }
        }
        if here == Class::Other {
            if !word.is_empty() {
                words.push(fold(&std::mem::take(&mut word)));
            }
        } else {
            word.push(letter);
        }
    }
    if !word.is_empty() {
        words.push(fold(&word));
    }
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_every_habit_are_the_same_words() {
        for name in ["bearingTempDE", "bearing_temp_DE", "Bearing-Temp DE", "BEARING.TEMP.DE"] {
            assert_eq!(split(name), ["bearing", "temp", "de"], "{name}");
        }
        assert_eq!(split("TIC_204"), ["tic", "204"]);
        assert_eq!(split("PT101a"), ["pt", "101", "a"]);
        assert_eq!(split("ÖLTemperatur"), ["oel", "temperatur"]);
        for name in ["FltrdP", "fltr_dP", "FltrDP", "fltr dp"] {
            assert_eq!(split(name), ["fltr", "dp"], "{name}");
        }
        assert_eq!(split("feedP"), ["feed", "p"]);
        assert_eq!(split("feedPump_dP2"), ["feed", "pump", "dp", "2"]);
        assert_eq!(split("__"), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn any_text_has_words_without_separators(text in ".{0,60}") {
            for word in split(&text) {
                prop_assert!(!word.is_empty());
                prop_assert!(word.chars().all(|letter| letter.is_alphanumeric() || !letter.is_ascii()), "{word:?}");
            }
        }
    }
}
