//! How alike two spellings are. Words are in lower case.

/// Runs of digits as `9`.
pub(super) fn digits(word: &str) -> String {
    collapsed(word, |letter| letter.is_ascii_digit().then_some('9'))
}

/// Runs of digits as `9`, runs of letters as `a`.
pub(super) fn shape(word: &str) -> String {
    collapsed(word, |letter| match letter {
        '0'..='9' => Some('9'),
        'a'..='z' => Some('a'),
        _ => None,
    })
}

fn collapsed(word: &str, kind: impl Fn(char) -> Option<char>) -> String {
    let mut found = String::with_capacity(word.len());
    let mut last = None;
    for letter in word.chars() {
        let this = kind(letter);
        if this.is_none() || this != last {
            found.push(this.unwrap_or(letter));
        }
        last = this;
    }
    found
}

/// How many digits there are.
pub(super) fn number_of_digits(word: &str) -> usize {
    word.bytes().filter(u8::is_ascii_digit).count()
}

/// Where numbers meet letters, the word in two; `None` if they meet elsewhere too, or not at all.
pub(super) fn border(word: &str) -> Option<(&str, &str)> {
    let bytes = word.as_bytes();
    let mut borders = (1..bytes.len()).filter(|&at| {
        let (left, right) = (bytes[at - 1], bytes[at]);
        left.is_ascii_lowercase() && right.is_ascii_digit()
            || left.is_ascii_digit() && right.is_ascii_lowercase()
    });
    let at = borders.next()?;
    borders.next().is_none().then(|| word.split_at(at))
}

/// Whether the letters come in this order in the longer word, its first one first.
pub(super) fn abbreviates(short: &str, word: &str) -> bool {
    if word.len() <= short.len() || word.as_bytes()[0] != short.as_bytes()[0] {
        return false;
    }
    let mut letters = word.bytes();
    short.bytes().all(|letter| letters.any(|other| other == letter))
}

/// The first letter, and of the others those that are no vowels.
pub(super) fn bones(word: &str) -> String {
    let keep = |(place, letter): &(usize, char)| *place == 0 || !"aeiou".contains(*letter);
    word.chars().enumerate().filter(keep).map(|(_, letter)| letter).collect()
}

/// Insertions, deletions, replacements and swaps of neighbours that make `b` of `a`; `None` above `most`.
pub(super) fn distance(a: &str, b: &str, most: usize) -> Option<usize> {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut cost = (last[j + 1] + 1).min(row[j] + 1).min(last[j] + usize::from(x != y));
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        if row.iter().all(|&cost| cost > most) {
            return None;
        }
        before = std::mem::replace(&mut last, row);
    }
    Some(last[b.len()]).filter(|&steps| steps <= most)
}
