//! A set of tokens, one bit each.

use crate::slm::model::Token;

const BITS: usize = u64::BITS as usize;

/// A set of tokens of a vocabulary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSet {
    words: Vec<u64>,
    vocabulary: usize,
}

impl TokenSet {
    /// No token of a vocabulary of this size.
    #[must_use]
    pub fn empty(vocabulary: usize) -> Self {
        TokenSet { words: vec![0; vocabulary.div_ceil(BITS)], vocabulary }
    }

    /// Every token of a vocabulary of this size.
    #[must_use]
    pub fn full(vocabulary: usize) -> Self {
        let mut set = Self::empty(vocabulary);
        set.fill();
        set
    }

    /// Size of the vocabulary.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// Puts every token in.
    pub fn fill(&mut self) {
        self.words.fill(u64::MAX);
        let spare = self.words.len() * BITS - self.vocabulary;
        if let Some(last) = self.words.last_mut() {
            *last >>= spare;
        }
    }

    /// Takes every token out.
    pub fn clear(&mut self) {
        self.words.fill(0);
    }

    /// Puts a token in; one outside the vocabulary changes nothing.
    pub fn insert(&mut self, token: Token) {
        let at = token as usize;
        if at < self.vocabulary {
            self.words[at / BITS] |= 1 << (at % BITS);
        }
    }

    /// Takes a token out.
    pub fn remove(&mut self, token: Token) {
        let at = token as usize;
        if at < self.vocabulary {
            self.words[at / BITS] &= !(1 << (at % BITS));
        }
    }

    /// Whether a token is in.
    #[must_use]
    pub fn contains(&self, token: Token) -> bool {
        let at = token as usize;
        at < self.vocabulary && self.words[at / BITS] & (1 << (at % BITS)) != 0
    }

    /// Leaves what is in both.
    ///
    /// # Panics
    /// When the vocabularies differ.
    pub fn intersect(&mut self, other: &TokenSet) {
        assert_eq!(self.vocabulary, other.vocabulary, "sets of two vocabularies");
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
    }

    /// Leaves what is also in a set of 32-bit words, the lowest token in the lowest bit of the first.
    /// Tokens beyond its end are not in it.
    pub fn intersect_words(&mut self, words: &[u32]) {
        let word = |at: usize| words.get(at).copied().map_or(0, u64::from);
        for (at, ours) in self.words.iter_mut().enumerate() {
            *ours &= word(2 * at) | word(2 * at + 1) << u32::BITS;
        }
    }

    /// Adds what is in the other.
    ///
    /// # Panics
    /// When the vocabularies differ.
    pub fn unite(&mut self, other: &TokenSet) {
        assert_eq!(self.vocabulary, other.vocabulary, "sets of two vocabularies");
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    /// How many are in.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether none is in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// Those that are in, in rising order.
    pub fn iter(&self) -> impl Iterator<Item = Token> + '_ {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros();
                (rest != 0).then(|| {
                    rest &= rest - 1;
                    (at * BITS) as Token + bit
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_set_holds_the_vocabulary_and_nothing_beyond() {
        for vocabulary in [0, 1, 63, 64, 65, 1_100] {
            let set = TokenSet::full(vocabulary);
            assert_eq!(set.len(), vocabulary);
            assert!(set.iter().eq(0..vocabulary as Token));
            assert!(!set.contains(vocabulary as Token));
        }
    }

    #[test]
    fn a_set_meets_words_of_32_bits() {
        let mut set = TokenSet::full(100);
        set.intersect_words(&[1 << 3, 1 << 31, 1 << 7]);
        assert!(set.iter().eq([3, 63, 71]));
        set.intersect_words(&[u32::MAX]);
        assert!(set.iter().eq([3]));
    }

    #[test]
    fn sets_meet_and_join() {
        let mut even = TokenSet::empty(10);
        (0..10).step_by(2).for_each(|token| even.insert(token));
        let mut low = TokenSet::empty(10);
        (0..4).for_each(|token| low.insert(token));
        let mut both = even.clone();
        both.intersect(&low);
        assert!(both.iter().eq([0, 2]));
        low.unite(&even);
        assert!(low.iter().eq([0, 1, 2, 3, 4, 6, 8]));
        low.remove(8);
        assert!(!low.contains(8) && !low.is_empty());
        low.clear();
        assert!(low.is_empty());
    }
}
