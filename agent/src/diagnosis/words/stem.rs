//! Words without their endings, so that `leaking`, `leaks` and `leaked` are one.

/// Endings, the longest first; what is left must keep at least [`LEAST`] letters.
const ENDINGS: &[&str] = &[
    "ions", "ingly", "ments", "ness", "ment", "ings", "edly", "ing", "ies", "ion", "ers", "ed", "er", "es",
    "ly", "en", "e", "s", "y", "n",
];
const LEAST: usize = 3;

/// The stem of a folded word. It need not be a word; it is compared with other stems only.
#[must_use]
pub fn stem(word: &str) -> String {
    let mut stem = word;
    for ending in ENDINGS {
        if let Some(rest) = stem.strip_suffix(ending)
            && rest.chars().count() >= LEAST
        {
            stem = rest;
            break;
        }
    }
    // `slipped` and `slip`, `hunting` and `hunt`: a doubled consonant at the end is one.
    let mut letters = stem.chars().rev();
    match (letters.next(), letters.next()) {
        (Some(last), Some(before)) if last == before && !"aeiou".contains(last) && stem.len() > LEAST => {
            stem[..stem.len() - last.len_utf8()].to_owned()
        }
        _ => stem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms_of_one_word_have_one_stem() {
        for forms in [
            &["leak", "leaks", "leaking", "leaked"][..],
            &["slip", "slips", "slipped", "slipping"],
            &["clog", "clogged", "clogging"],
            &["valve", "valves"],
            &["oscillate", "oscillating", "oscillation"],
        ] {
            let stems: Vec<String> = forms.iter().map(|form| stem(form)).collect();
            assert!(stems.windows(2).all(|pair| pair[0] == pair[1]), "{stems:?}");
        }
    }

    proptest! {
        #[test]
        fn a_stem_is_a_beginning_and_never_empty(word in "\\PC{1,20}") {
            let stem = stem(&word);
            prop_assert!(!stem.is_empty() && word.starts_with(&stem));
        }
    }
}
