//! Words behind a number that are no unit.

/// Words that may follow a number whose unit is left out, as in "from 4.2 to 5.4 bar".
const BEHIND: &[&str] = &[
    "to", "and", "or", "from", "above", "below", "at", "after", "before", "ago", "within", "while", "since",
    "until", "for", "in", "on", "by", "which", "with", "over", "under", "than", "but", "as", "when", "then",
    "higher", "lower", "more", "is", "was", "now", "still", "open",
];

/// Whether a word behind a number is no unit of it.
pub(super) fn is_no_unit(word: &str) -> bool {
    BEHIND.contains(&word)
}
