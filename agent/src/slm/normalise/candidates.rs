//! Candidates of a word in its line, with all their features.

use super::forms::{LONGEST, SHAPE, Source, flag, log, remember};
use super::spelling::{border, digits, number_of_digits};
use super::{Candidates, Features, Normaliser};

/// What joins the parts of a word.
const MARKS: &str = "-/&+,:;=()#";
const NEXT: Source = Source { known: "next", count: "next_count", share: "next_share" };
const BEFORE: Source = Source { known: "before", count: "before_count", share: "before_share" };

/// What a mark is read as.
fn spoken(mark: char) -> String {
    match mark {
        '&' | '+' => "and".into(),
        '#' => "number".into(),
        ',' | ':' => String::new(),
        mark => mark.into(),
    }
}

impl Normaliser {
    /// All candidates; `before` is the normalised word before this one, and `merged` says that it was written
    /// otherwise than it stood there, so that it may hold this one as well.
    pub(super) fn candidates(&self, line: &[&str], place: usize, before: &str, merged: bool) -> Candidates {
        let raw = line[place];
        let low = raw.to_lowercase();
        let following = line.get(place + 1).map(|word| word.to_lowercase());
        let previous = place.checked_sub(1).map(|place| line[place].to_lowercase());
        let mut found = self.forms(&low);
        if let Some(following) = &following {
            let memory = self.seen.get(&format!("{low} +{}", digits(following)));
            remember(&mut found, &NEXT, memory, false);
        }
        if let Some(previous) = &previous {
            let memory = self.seen.get(&format!("-{} {low}", digits(previous)));
            remember(&mut found, &BEFORE, memory, merged);
        }
        self.in_parts(&mut found, &low);
        self.same(&mut found, line, raw, &low);
        for (text, features) in &mut found {
            self.around(text, features, before, following.as_deref().unwrap_or_default());
            if place == 0
                && let Some(share) = features.get(SHAPE.share).copied()
            {
                features.insert("shape_first", share);
            }
        }
        found
    }

    /// The word as it stands, and in lower case.
    fn same(&self, found: &mut Candidates, line: &[&str], raw: &str, low: &str) {
        let (known, general) = (self.words.contains_key(low), self.general.contains(low));
        let neither = !known && !general;
        let capital = |word: &str| word == word.to_uppercase();
        let shouted = line.iter().all(|word| capital(word));
        for text in [raw, low] {
            let features = found.entry(text.to_owned()).or_default();
            features.insert("same", 1.0);
            features.insert("same_known", flag(known));
            features.insert("same_count", log(self.count(low)));
            features.insert("same_general", flag(general));
            features.insert("same_neither", flag(neither));
            features.insert("same_short", flag(low.chars().count() <= 3));
            features.insert("same_digits", flag(number_of_digits(low) > 0));
            if text != low {
                let capitals = capital(raw) && low.bytes().any(|letter| letter.is_ascii_lowercase());
                features.insert("capitals", flag(capitals && !shouted));
                features.insert("capitals_unknown", flag(capitals && !shouted && neither));
                features.insert("capitals_short", flag(capitals && !shouted && raw.chars().count() <= 4));
                features.insert("shouted", flag(shouted));
                features.insert("shouted_unknown", flag(shouted && neither));
                features.insert("cased", flag(!capitals));
            }
        }
    }

    /// How well a candidate goes with the words around it.
    fn around(&self, text: &str, features: &mut Features, before: &str, following: &str) {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (Some(first), Some(last)) = (words.first(), words.last()) else {
            features.insert("empty", 1.0);
            return;
        };
        if !features.contains_key("marked") {
            features.insert("words", (words.len() - 1) as f64);
        }
        let rarest = words.iter().filter(|word| !word.starts_with('<')).map(|word| self.count(word)).min();
        features.insert("count", rarest.map_or(0.0, log));
        features.insert("tag", flag(rarest.is_none()));
        features.insert("pair_before", self.pair(before, first));
        features.insert("pair_next", self.pair(last, following));
        let inner = words.windows(2).map(|pair| self.pair(pair[0], pair[1]));
        features.insert("pair_inner", inner.reduce(f64::min).unwrap_or(0.0));
    }

    /// A word's parts, each by itself, with what joins them between: at the first mark, or where numbers meet
    /// letters. A part is shorter than the word, so this ends.
    fn in_parts(&self, found: &mut Candidates, low: &str) {
        if low.chars().count() > LONGEST {
            return;
        }
        let mark = low.chars().find(|&letter| MARKS.contains(letter));
        let (parts, names) = match mark.and_then(|mark| Some((mark, low.split_once(mark)?))) {
            Some((mark, (first, rest))) if low.len() > mark.len_utf8() => {
                let parts = vec![self.part(first), (spoken(mark), 1.0), self.part(rest)];
                (parts, ["marked", "marked_sure", "marked_digits"])
            }
            Some(_) => return,
            None => match border(low) {
                Some((first, rest)) => {
                    (vec![self.part(first), self.part(rest)], ["border", "border_sure", "border_digits"])
                }
                None => return,
            },
        };
        let words: Vec<&str> =
            parts.iter().map(|(text, _)| text.as_str()).filter(|text| !text.is_empty()).collect();
        let text = words.join(" ");
        if text == low {
            return;
        }
        let least = parts.iter().map(|(_, probability)| *probability).fold(1.0, f64::min);
        let features = found.entry(text).or_default();
        features.insert(names[0], 1.0);
        features.insert(names[1], least.ln());
        features.insert(names[2], number_of_digits(low).min(4) as f64 / 4.0);
    }

    fn part(&self, part: &str) -> (String, f64) {
        if part.is_empty() { (String::new(), 1.0) } else { self.best(&[part], 0, "", false) }
    }
}
