//! Words and characters that say a number.
//!
//! `one` counts even as a pronoun, `second` even as a unit, `half` and `both` even where no figure
//! was meant: a reader cannot tell, and there is always another word. So do words for how many
//! without a figure (`several`, `all`): the evidence would have to be counted to know whether they
//! are true. `a` and `an` do not count.

/// Cardinal numbers, and what is said for them.
const CARDINALS: &[&str] = &[
    "zero",
    "nought",
    "nil",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
    "thirty",
    "forty",
    "fourty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
    "hundred",
    "thousand",
    "million",
    "billion",
    "trillion",
    "dozen",
    "score",
    "couple",
    "pair",
    "trio",
    "both",
    "ones",
    "twos",
    "tens",
    "dozens",
    "hundreds",
    "thousands",
    "millions",
    "billions",
    "pairs",
    "couples",
];
/// Ordinal numbers.
const ORDINALS: &[&str] = &[
    "first",
    "firstly",
    "second",
    "secondly",
    "third",
    "thirdly",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
    "thirtieth",
    "fortieth",
    "fiftieth",
    "hundredth",
    "thousandth",
    "millionth",
];
/// Multiples and fractions.
const MULTIPLES: &[&str] = &[
    "half",
    "halved",
    "halves",
    "halving",
    "halve",
    "halfway",
    "quarter",
    "quarters",
    "thirds",
    "fourths",
    "fifths",
    "tenths",
    "hundredths",
    "once",
    "twice",
    "thrice",
    "double",
    "doubled",
    "doubles",
    "doubling",
    "triple",
    "tripled",
    "triples",
    "tripling",
    "treble",
    "quadruple",
    "quadrupled",
    "twofold",
    "threefold",
    "fourfold",
    "fivefold",
    "tenfold",
    "single",
    "percent",
    "percentage",
];
/// How many, without a figure.
const AMOUNTS: &[&str] = &[
    "all",
    "every",
    "each",
    "none",
    "several",
    "few",
    "fewer",
    "many",
    "most",
    "some",
    "numerous",
    "various",
    "majority",
    "minority",
    "multiple",
    "countless",
    "whole",
    "only",
    "sole",
];

/// Whether a character stands for a number in some script: Unicode's Nd, Nl and No.
#[must_use]
pub fn is_numeric(c: char) -> bool {
    // `char::is_numeric` is exactly these three categories. Ideographs that say numbers are letters
    // to Unicode.
    c.is_numeric() || "〇一二三四五六七八九十百千万億兆零壹貳參肆伍陸柒捌玖拾佰仟萬两兩".contains(c)
}

/// Whether a lower-case word says a number of its own: `twelve`, `twice`, `third`.
#[must_use]
pub fn is_number_word(word: &str) -> bool {
    [CARDINALS, ORDINALS, MULTIPLES].iter().any(|list| list.contains(&word))
}

/// Whether a lower-case word says how many without a figure.
#[must_use]
pub fn is_amount(word: &str) -> bool {
    AMOUNTS.contains(&word)
}

/// Whether a text says a number, in figures or in words.
#[must_use]
pub fn says_a_number(text: &str) -> bool {
    text.chars().any(is_numeric)
        || text.split(|c: char| !c.is_alphanumeric()).any(|word| is_number_word(&word.to_lowercase()))
}
