//! Stop strings: the answer ends before the first of them, and no part of one is handed on.

/// An answer's text as it grows.
pub(super) struct Stops<'a> {
    stops: &'a [String],
    text: String,
    /// Bytes of the text that were handed on.
    told: usize,
}

impl<'a> Stops<'a> {
    pub(super) fn new(stops: &'a [String]) -> Self {
        Stops { stops, text: String::new(), told: 0 }
    }

    /// Adds to the text. Returns what can be handed on, and whether a stop string has come.
    pub(super) fn push(&mut self, more: &str) -> (&str, bool) {
        self.text.push_str(more);
        // A stop string that began in what was handed on would have been held back.
        let fresh = &self.text[self.told..];
        let first = self.stops.iter().filter_map(|stop| fresh.find(stop.as_str())).min();
        let until = first.unwrap_or_else(|| fresh.len() - self.held_back(fresh)) + self.told;
        if first.is_some() {
            self.text.truncate(until);
        }
        let from = std::mem::replace(&mut self.told, until);
        (&self.text[from..until], first.is_some())
    }

    /// Length of the longest end of `fresh` that may become a stop string.
    fn held_back(&self, fresh: &str) -> usize {
        let may_become = |end: &str| self.stops.iter().any(|stop| stop.starts_with(end));
        let longest = self.stops.iter().map(String::len).max().unwrap_or_default();
        let ends = fresh.char_indices().map(|(at, _)| &fresh[at..]);
        ends.filter(|end| end.len() < longest).find(|end| may_become(end)).map_or(0, str::len)
    }

    /// The rest, when nothing more comes.
    pub(super) fn rest(&mut self) -> &str {
        let from = std::mem::replace(&mut self.told, self.text.len());
        &self.text[from..]
    }

    /// The whole text.
    pub(super) fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is handed on, and whether it stopped.
    fn told(pieces: &[&str], stops: &[String]) -> (String, bool) {
        let mut text = Stops::new(stops);
        let mut told = String::new();
        for piece in pieces {
            let (more, stopped) = text.push(piece);
            told.push_str(more);
            if stopped {
                assert_eq!(told, text.into_text());
                return (told, true);
            }
        }
        told.push_str(text.rest());
        assert_eq!(told, text.into_text());
        (told, false)
    }

    #[test]
    fn a_stop_string_over_several_pieces_is_never_handed_on() {
        let stops = ["\n\n".to_owned(), "END".to_owned()];
        assert_eq!(told(&["a\n", "\nb"], &stops), ("a".into(), true));
        assert_eq!(told(&["xE", "N", "Dy"], &stops), ("x".into(), true));
        assert_eq!(told(&["xE", "N", "d"], &stops), ("xENd".into(), false));
        assert_eq!(told(&["xEN"], &stops), ("xEN".into(), false));
    }

    proptest! {
        #[test]
        fn the_answer_ends_before_the_first_stop_string(
            pieces in prop::collection::vec("[abé]{0,3}", 0..12),
            stops in prop::collection::vec("[abé]{1,4}", 0..3),
        ) {
            let whole = pieces.concat();
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let (text, stopped) = told(&pieces, &stops);
            prop_assert!(stops.iter().all(|stop| !text.contains(stop.as_str())));
            prop_assert!(whole.starts_with(&text));
            let rest = &whole[text.len()..];
            if stopped {
                prop_assert!(stops.iter().any(|stop| rest.starts_with(stop.as_str())));
            } else {
                prop_assert_eq!(rest, "");
            }
        }
    }
}
