use proptest::prelude::*;

use super::*;
use crate::slm::decode::dice::Dice;
use crate::slm::model::{Conversation, Encoder, Token};
use crate::slm::tokenizer::Tokenizer;

const END: &[Token] = &[9, 8];

fn asked(seed: u64) -> Dice {
    let mut dice = Dice::new(seed, 10, 100);
    dice.feed(&[1, 2], &|| true).unwrap();
    dice
}

fn labels(tokens: &[&[Token]]) -> Vec<(String, Vec<Token>)> {
    tokens.iter().enumerate().map(|(place, tokens)| (place.to_string(), tokens.to_vec())).collect()
}

/// The probability of a label, by reading it alone from the beginning.
fn alone(seed: u64, tokens: &[Token]) -> f64 {
    let mut dice = asked(seed);
    let mut probability = 1.0;
    let share = |dice: &Dice, tokens: &[Token]| {
        let weights: Vec<f64> = dice.logits().iter().map(|&logit| f64::from(logit).exp()).collect();
        tokens.iter().map(|&token| weights[token as usize]).sum::<f64>() / weights.iter().sum::<f64>()
    };
    for &token in tokens {
        probability *= share(&dice, &[token]);
        dice.feed(&[token], &|| true).unwrap();
    }
    probability * share(&dice, END)
}

proptest! {
    #[test]
    fn probabilities_are_those_of_whole_labels_and_sum_to_1(
        tokens in prop::collection::btree_set(prop::collection::vec(0_u32..4, 1..4), 1..8),
        seed: u64,
    ) {
        let tokens: Vec<Vec<Token>> = tokens.into_iter().rev().collect();
        let slices: Vec<&[Token]> = tokens.iter().map(Vec::as_slice).collect();
        let assessment = with_decoder(&asked(seed), &labels(&slices), END, &Policy::default(), &|| true).unwrap();
        let wanted: Vec<f64> = tokens.iter().map(|tokens| alone(seed, tokens)).collect();
        let total: f64 = wanted.iter().sum();
        for (label, probability) in &assessment.scores {
            let wanted = wanted[label.parse::<usize>().unwrap()] / total;
            prop_assert!((f64::from(*probability) - wanted).abs() < 1e-5, "{label}: {probability} {wanted}");
        }
        let sum: f32 = assessment.scores.iter().map(|(_, probability)| probability).sum();
        prop_assert!((sum - 1.0).abs() < 1e-5);
        prop_assert_eq!(assessment.confidence, assessment.scores[0].1);
    }
}

#[test]
fn what_is_not_sure_enough_is_not_said() {
    let labels = labels(&[&[1], &[2, 3]]);
    let assess = |abstain_below| {
        let policy = Policy { abstain_below, ..Policy::default() };
        with_decoder(&asked(4), &labels, END, &policy, &|| true).unwrap()
    };
    let sure = assess(0.0);
    assert_eq!(sure.label.as_ref(), Some(&sure.scores[0].0));
    assert!(sure.confidence < 1.0);
    let unsure = assess(1.0);
    assert_eq!((unsure.label, unsure.scores), (None, sure.scores));
}

#[test]
fn calibration_flattens_and_length_can_be_taken_out() {
    let labels = labels(&[&[1], &[2, 3, 4, 5]]);
    let confidence =
        |policy: Policy| with_decoder(&asked(4), &labels, END, &policy, &|| true).unwrap().confidence;
    let plain = confidence(Policy::default());
    assert!(confidence(Policy { calibration: 4.0, ..Policy::default() }) < plain);
    assert_ne!(confidence(Policy { normalise_length: true, ..Policy::default() }), plain);
}

#[test]
fn a_conversation_stays_as_it_was() {
    let dice = asked(7);
    with_decoder(&dice, &labels(&[&[1, 2, 3]]), END, &Policy::default(), &|| true).unwrap();
    assert_eq!(dice.read(), [1, 2]);
}

#[test]
fn labels_and_policies_that_cannot_be_are_named() {
    let run = |tokens: &[&[Token]], policy: &Policy| {
        with_decoder(&asked(1), &labels(tokens), END, policy, &|| true).unwrap_err().to_string()
    };
    let plain = Policy::default();
    assert!(run(&[], &plain).contains("there are none"));
    assert!(run(&[&[1], &[]], &plain).contains("\"1\" has no tokens"));
    assert!(run(&[&[1], &[1]], &plain).contains("\"0\" and \"1\" have the same tokens"));
    assert!(run(&[&[77]], &plain).contains("token 77"));
    assert!(run(&[&[1]], &Policy { calibration: 0.0, ..plain }).starts_with("calibration: "));
    assert!(run(&[&[1]], &Policy { abstain_below: f32::NAN, ..plain }).starts_with("abstain_below: "));
    let stopped = with_decoder(&asked(1), &labels(&[&[1]]), END, &plain, &|| false);
    assert!(matches!(stopped, Err(ClassifyError::Model(crate::slm::model::ModelError::Stopped))));
    let mut broken = asked(1);
    broken.broken_after = Some(3);
    let broken = with_decoder(&broken, &labels(&[&[1]]), END, &plain, &|| true);
    assert!(matches!(broken, Err(ClassifyError::Decode(DecodeError::NotANumber { after: 3 }))));
}

/// Answers how often each of its tokens came.
struct Counting;

impl Encoder for Counting {
    fn vocabulary(&self) -> usize {
        700
    }

    fn context(&self) -> usize {
        64
    }

    fn memory_bytes(&self) -> u64 {
        0
    }

    fn encode(&self, tokens: &[Token]) -> Result<Vec<f32>, ModelError> {
        if tokens.len() > self.context() {
            return Err(ModelError::TooLong { tokens: tokens.len(), context: self.context() });
        }
        Ok(vec![tokens.len() as f32, 2.0, f32::from(u8::from(tokens.contains(&2)))])
    }
}

#[test]
fn an_encoder_labels_texts_and_says_when_the_labels_are_not_its_own() {
    let tokenizer = Tokenizer::from_bytes(include_bytes!("../tokenizer/fixtures/wordpiece.json")).unwrap();
    let names = |count: usize| (0..count).map(|name| name.to_string()).collect::<Vec<String>>();
    let run =
        |text: &str, count| with_encoder(&Counting, &tokenizer, text, &names(count), &Policy::default());
    let assessment = run("a b", 3).unwrap();
    assert_eq!(assessment.label.as_deref(), Some("0"));
    let wanted = 4_f64.exp() / (4_f64.exp() + 2_f64.exp() + 1_f64.exp());
    assert!((f64::from(assessment.confidence) - wanted).abs() < 1e-6);
    assert!(run("a b", 2).unwrap_err().to_string().contains("2 are named, but the model tells 3 apart"));
    assert!(run(&"a ".repeat(80), 3).unwrap_err().to_string().contains("64 at most"));
    assert_eq!(embed(&Counting, &tokenizer, "a b").unwrap(), [4.0, 2.0, 1.0]);
}
