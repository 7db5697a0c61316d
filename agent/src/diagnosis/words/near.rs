//! Words that are not quite spelt: a typo, an abbreviation.

/// Whether one letter added, left out, changed, or swapped with its neighbour makes one word of the
/// other.
#[must_use]
pub fn within_one_edit(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let (short, long) = if one.len() <= other.len() { (&one, &other) } else { (&other, &one) };
    if long.len() - short.len() > 1 {
        return false;
    }
    let same = short.iter().zip(long.iter()).take_while(|(a, b)| a == b).count();
    let (short, long) = (&short[same..], &long[same..]);
    if short.len() < long.len() {
        return short == &long[1..];
    }
    match (short, long) {
        ([], []) => true,
        ([_, rest @ ..], [_, other @ ..]) if rest == other => true,
        ([a, b, rest @ ..], [c, d, other @ ..]) => a == d && b == c && rest == other,
        _ => false,
    }
}

/// Whether `short` is a word with letters left out, as `brg` is of `bearing` and `dschrg` of
/// `discharge`: at least three letters in the word's order, the first among them, without a vowel
/// behind the first.
#[must_use]
pub fn abbreviates(short: &str, word: &str) -> bool {
    let vowel = |letter: char| matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u');
    let count = short.chars().count();
    if count < 3 || count >= word.chars().count() || short.chars().skip(1).any(vowel) {
        return false;
    }
    let mut letters = word.chars();
    short.chars().next() == word.chars().next() && short.chars().all(|letter| letters.any(|l| l == letter))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_slip_of_the_finger_is_near_and_two_are_not() {
        for near in ["pressure", "presure", "presssure", "pressyre", "rpessure", "pressur", "pressuer"] {
            assert!(within_one_edit("pressure", near), "{near}");
        }
        for far in ["presue", "measure", "prssre"] {
            assert!(!within_one_edit("pressure", far), "{far}");
        }
    }

    #[test]
    fn abbreviations_keep_the_first_letter_and_the_order() {
        assert!(
            abbreviates("brg", "bearing")
                && abbreviates("dschrg", "discharge")
                && abbreviates("lkg", "leakage")
        );
        assert!(
            !abbreviates("grb", "bearing") && !abbreviates("br", "bearing") && !abbreviates("bri", "bearing")
        );
    }

    proptest! {
        #[test]
        fn nearness_is_mutual_and_holds_for_what_was_dropped(word in "[a-z]{1,10}", at in 0_usize..10) {
            let at = at % word.len();
            let shorter: String = word.chars().enumerate().filter(|(i, _)| *i != at).map(|(_, l)| l).collect();
            prop_assert!(within_one_edit(&word, &shorter));
            prop_assert!(within_one_edit(&shorter, &word));
            prop_assert!(within_one_edit(&word, &word));
        }
    }
}
