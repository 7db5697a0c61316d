//! Answers that are one of a set of labels.

use crate::slm::decode::{Mask, MaskError, TokenSet};
use crate::slm::model::Token;

/// Why there is no mask for labels.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelsError {
    /// There is nothing to choose from.
    #[error("no labels to choose from: give at least one")]
    None,
    /// A label without tokens.
    #[error("label {0} has no tokens: it may not be empty")]
    Empty(usize),
    /// Two labels that are told apart by nothing.
    #[error("labels {0} and {1} have the same tokens: leave one of them out")]
    Same(usize, usize),
    /// Nothing ends an answer.
    #[error("no token ends an answer: name the model's end tokens")]
    NoEnd,
}

/// An answer that is one of a set of labels, then an end token.
#[derive(Clone, Debug)]
pub struct LabelMask {
    /// Sorted, each with its place in the set that was given: labels with a common beginning are
    /// neighbours.
    labels: Vec<(Vec<Token>, usize)>,
    end: Vec<Token>,
    /// The labels that can still be meant.
    open: std::ops::Range<usize>,
    /// Tokens said.
    said: usize,
    ended: bool,
}

impl LabelMask {
    /// `labels` are token sequences, `end` the tokens that end an answer.
    ///
    /// # Errors
    /// As the error says.
    pub fn new(labels: &[Vec<Token>], end: &[Token]) -> Result<Self, LabelsError> {
        if labels.is_empty() {
            return Err(LabelsError::None);
        }
        if end.is_empty() {
            return Err(LabelsError::NoEnd);
        }
        if let Some(empty) = labels.iter().position(Vec::is_empty) {
            return Err(LabelsError::Empty(empty));
        }
        let mut labels: Vec<(Vec<Token>, usize)> = labels.iter().cloned().zip(0..).collect();
        labels.sort_unstable();
        if let Some(same) = labels.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(LabelsError::Same(same[0].1, same[1].1));
        }
        let open = 0..labels.len();
        Ok(LabelMask { labels, end: end.to_vec(), open, said: 0, ended: false })
    }

    /// Which label was said, once it was said as a whole.
    #[must_use]
    pub fn chosen(&self) -> Option<usize> {
        // The shortest of those with a common beginning is the first.
        let (label, place) = self.labels.get(self.open.start)?;
        (label.len() == self.said).then_some(*place)
    }

    /// The tokens that go on with a label that can still be meant.
    fn next(&self) -> impl Iterator<Item = Token> + '_ {
        self.labels[self.open.clone()].iter().filter_map(|(label, _)| label.get(self.said).copied())
    }
}

impl Mask for LabelMask {
    fn narrow(&mut self, allowed: &mut TokenSet) -> Result<(), MaskError> {
        let mut following = if self.ended { Vec::new() } else { self.next().collect() };
        if self.chosen().is_some() {
            following.extend_from_slice(&self.end);
        }
        following.retain(|&token| allowed.contains(token));
        allowed.clear();
        following.into_iter().for_each(|token| allowed.insert(token));
        if allowed.is_empty() {
            return Err(MaskError("the labels' tokens are not in the model's vocabulary".into()));
        }
        Ok(())
    }

    fn accept(&mut self, token: Token) -> Result<(), MaskError> {
        let refuse = || MaskError(format!("token {token} goes on with no label"));
        if self.ended {
            return Err(refuse());
        }
        if self.chosen().is_some() && self.end.contains(&token) {
            self.ended = true;
            return Ok(());
        }
        let open = &self.labels[self.open.clone()];
        let goes_on = |(label, _): &(Vec<Token>, usize)| label.get(self.said) == Some(&token);
        let first = open.iter().position(goes_on).ok_or_else(refuse)?;
        let count = open[first..].iter().take_while(|label| goes_on(label)).count();
        let start = self.open.start + first;
        self.open = start..start + count;
        self.said += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const END: Token = 9;

    fn follows(mask: &mut LabelMask) -> Vec<Token> {
        let mut allowed = TokenSet::full(10);
        mask.narrow(&mut allowed).unwrap();
        allowed.iter().collect()
    }

    #[test]
    fn a_label_that_begins_another_can_end_or_go_on() {
        let mut mask = LabelMask::new(&[vec![1, 2, 3], vec![1, 2], vec![4]], &[END]).unwrap();
        assert_eq!((follows(&mut mask), mask.chosen()), (vec![1, 4], None));
        mask.accept(1).unwrap();
        assert_eq!((follows(&mut mask), mask.chosen()), (vec![2], None));
        mask.accept(2).unwrap();
        assert_eq!((follows(&mut mask), mask.chosen()), (vec![3, END], Some(1)));
        assert!(mask.clone().accept(4).is_err());
        mask.accept(3).unwrap();
        assert_eq!((follows(&mut mask), mask.chosen()), (vec![END], Some(0)));
        mask.accept(END).unwrap();
        assert!(mask.accept(END).is_err());
    }

    #[test]
    fn labels_that_cannot_be_told_apart_are_refused() {
        let new = |labels: &[Vec<Token>], end: &[Token]| LabelMask::new(labels, end).unwrap_err();
        assert_eq!(new(&[], &[END]), LabelsError::None);
        assert_eq!(new(&[vec![1], vec![]], &[END]), LabelsError::Empty(1));
        assert_eq!(new(&[vec![1], vec![2], vec![1]], &[END]), LabelsError::Same(0, 2));
        assert_eq!(new(&[vec![1]], &[]), LabelsError::NoEnd);
    }

    proptest! {
        #[test]
        fn whatever_is_chosen_is_a_label(
            labels in prop::collection::btree_set(prop::collection::vec(0_u32..4, 1..5), 1..12),
            choices: [u8; 6],
        ) {
            let labels: Vec<Vec<Token>> = labels.into_iter().collect();
            let mut mask = LabelMask::new(&labels, &[END]).unwrap();
            let mut said = Vec::new();
            for choice in choices {
                let follows = follows(&mut mask);
                let token = follows[usize::from(choice) % follows.len()];
                mask.accept(token).unwrap();
                if token == END {
                    break;
                }
                said.push(token);
            }
            prop_assert_eq!(mask.chosen().map(|at| &labels[at]), Some(&said));
        }
    }
}
