//! Labels by what a decoder would say.

use super::{Assessment, ClassifyError, Policy};
use crate::slm::decode::{DecodeError, are_numbers, log_sum};
use crate::slm::model::{Conversation, Token};

/// The labels' probabilities after a prompt that the conversation has read. A label's score is the
/// probability of all its tokens, one after the other, and of an end token after them, so that a
/// label which begins another one is not counted with it; without `end` only its tokens count. The
/// probabilities are those among these labels: they sum to 1.
///
/// The conversation is not changed. What labels have in common is read once.
///
/// # Errors
/// As the error says; [`crate::slm::model::ModelError::Stopped`] where `go_on` says no.
pub fn with_decoder(
    conversation: &dyn Conversation,
    labels: &[(String, Vec<Token>)],
    end: &[Token],
    policy: &Policy,
    go_on: &dyn Fn() -> bool,
) -> Result<Assessment, ClassifyError> {
    policy.check()?;
    let refuse = |problem: String| Err(ClassifyError::Labels(problem));
    if labels.is_empty() {
        return refuse("there are none".into());
    }
    for (place, (label, tokens)) in labels.iter().enumerate() {
        if tokens.is_empty() {
            return refuse(format!("{label:?} has no tokens"));
        }
        if let Some((same, _)) = labels[..place].iter().find(|(_, others)| others == tokens) {
            return refuse(format!("{same:?} and {label:?} have the same tokens"));
        }
    }
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|&one, &other| labels[one].1.cmp(&labels[other].1));
    let mut scoring = Scoring { labels, end, go_on, scores: vec![0.0; labels.len()] };
    scoring.descend(conversation, &order, 0)?;
    let ends = usize::from(!end.is_empty());
    let scored = labels.iter().zip(scoring.scores).map(|((label, tokens), score)| {
        let steps = if policy.normalise_length { tokens.len() + ends } else { 1 };
        (label.clone(), score / steps as f64)
    });
    Ok(policy.assess(scored))
}

struct Scoring<'a> {
    labels: &'a [(String, Vec<Token>)],
    end: &'a [Token],
    go_on: &'a dyn Fn() -> bool,
    /// Natural logarithm of each label's probability as far as it was read.
    scores: Vec<f64>,
}

impl Scoring<'_> {
    /// Scores the next token of labels whose first `depth` tokens the conversation has read. They
    /// are sorted, so that those with the same next token are neighbours, and one that ends here is
    /// the first.
    fn descend(
        &mut self,
        conversation: &dyn Conversation,
        among: &[usize],
        depth: usize,
    ) -> Result<(), ClassifyError> {
        let next = |label: usize, labels: &[(String, Vec<Token>)]| labels[label].1.get(depth).copied();
        let logits = conversation.logits();
        if !are_numbers(logits) {
            return Err(DecodeError::NotANumber { after: conversation.len() }.into());
        }
        let total = log_sum(logits);
        let log_probability = |token: Token| match logits.get(token as usize) {
            Some(&logit) => Ok(f64::from(logit) - total),
            None => Err(ClassifyError::Labels(format!("token {token} is not in the model's vocabulary"))),
        };
        for group in among.chunk_by(|&one, &other| next(one, self.labels) == next(other, self.labels)) {
            let Some(token) = next(group[0], self.labels) else {
                let ends =
                    self.end.iter().map(|&token| log_probability(token)).collect::<Result<Vec<f64>, _>>()?;
                if !ends.is_empty() {
                    self.scores[group[0]] += ends.into_iter().map(f64::exp).sum::<f64>().ln();
                }
                continue;
            };
            let gained = log_probability(token)?;
            group.iter().for_each(|&label| self.scores[label] += gained);
            let all_end_here = group.iter().all(|&label| self.labels[label].1.len() == depth + 1);
            if all_end_here && self.end.is_empty() {
                continue;
            }
            let mut branch = conversation.fork()?;
            branch.feed(&[token], self.go_on)?;
            self.descend(&*branch, group, depth + 1)?;
        }
        Ok(())
    }
}
