use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::dice::Dice;
use super::*;
use crate::clock::ManualClock;
use crate::slm::model::{Conversation, Token};
use crate::slm::tokenizer::Tokenizer;
use crate::time::Timestamp;

const PROMPT: &[Token] = &[1, 2, 3];

struct Bench {
    tokenizer: Tokenizer,
    clock: Arc<ManualClock>,
    settings: Settings,
    dice: Dice,
    end: Vec<Token>,
}

impl Bench {
    fn new() -> Self {
        let tokenizer =
            Tokenizer::from_bytes(include_bytes!("../tokenizer/fixtures/byte_level.json")).unwrap();
        let dice = Dice::new(11, tokenizer.vocabulary(), 200);
        let clock = Arc::new(ManualClock::at(Timestamp::EPOCH));
        let settings = Settings { temperature: 1.0, max_tokens: 20, ..Settings::default() };
        Bench { tokenizer, clock, settings, dice, end: Vec::new() }
    }

    fn run(&mut self, mask: Option<&mut dyn Mask>) -> Result<Answer, DecodeError> {
        let mut told = String::new();
        let answer = self.tell(mask, &mut |piece| {
            told.push_str(piece);
            ControlFlow::Continue(())
        })?;
        assert_eq!(told, answer.text, "what was handed on is the answer");
        Ok(answer)
    }

    fn tell(
        &mut self,
        mask: Option<&mut dyn Mask>,
        piece: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Answer, DecodeError> {
        let request = Request {
            tokenizer: &self.tokenizer,
            prompt: PROMPT,
            end: &self.end,
            settings: &self.settings,
            clock: &*self.clock,
        };
        generate(&mut self.dice, &request, mask, piece)
    }
}

#[test]
fn an_answer_ends_at_its_most_tokens() {
    let mut bench = Bench::new();
    let answer = bench.run(None).unwrap();
    assert_eq!((answer.finish, answer.tokens.len(), answer.prompt_tokens), (Finish::Length, 20, 3));
    assert_eq!(bench.dice.read(), [PROMPT, &answer.tokens[..19]].concat());
    let text = bench.tokenizer.decode(&answer.tokens).unwrap();
    assert!(text.starts_with(&answer.text));
}

#[test]
fn the_same_seed_gives_the_same_answer_and_another_seed_another() {
    let answer = |seed| {
        let mut bench = Bench::new();
        bench.settings.seed = seed;
        bench.run(None).unwrap().tokens
    };
    assert_eq!(answer(5), answer(5));
    assert_ne!(answer(5), answer(6));
}

#[test]
fn an_end_token_ends_the_answer_and_is_not_part_of_it() {
    let whole = Bench::new().run(None).unwrap().tokens;
    let mut bench = Bench::new();
    bench.end = vec![whole[7]];
    let answer = bench.run(None).unwrap();
    let first = whole.iter().position(|&token| token == whole[7]).unwrap();
    assert_eq!((answer.finish, &answer.tokens[..]), (Finish::End, &whole[..first]));
}

#[test]
fn a_stop_string_ends_the_answer_before_it() {
    let whole = Bench::new().run(None).unwrap().text;
    let stop: String = whole.chars().skip(9).take(3).collect();
    let mut bench = Bench::new();
    bench.settings.stop = vec![stop.clone()];
    let answer = bench.run(None).unwrap();
    assert_eq!(answer.finish, Finish::Stop);
    assert_eq!(answer.text, whole[..whole.find(&stop).unwrap()]);
}

#[test]
fn the_time_limit_holds_within_the_prompt_and_within_the_answer() {
    for (limit, tokens) in [(2, 0), (8, 5)] {
        let mut bench = Bench::new();
        bench.dice.clock = Some((Arc::clone(&bench.clock), Duration::from_secs(1)));
        bench.settings.time_limit = Duration::from_secs(limit);
        let answer = bench.run(None).unwrap();
        assert_eq!((answer.finish, answer.tokens.len()), (Finish::Time, tokens));
        assert_eq!(answer.prefill + answer.decode, Duration::from_secs(limit));
    }
}

#[test]
fn whoever_asked_can_end_the_answer() {
    let mut pieces = 0;
    let answer = Bench::new()
        .tell(None, &mut |_| {
            pieces += 1;
            if pieces == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!((answer.finish, pieces), (Finish::Cancelled, 3));
}

#[test]
fn a_full_context_ends_the_answer_and_an_overlong_prompt_is_an_error() {
    let mut bench = Bench::new();
    bench.dice = Dice::new(1, bench.tokenizer.vocabulary(), 10);
    let answer = bench.run(None).unwrap();
    assert_eq!((answer.finish, answer.tokens.len()), (Finish::Length, 8));
    bench.dice = Dice::new(1, bench.tokenizer.vocabulary(), 2);
    assert!(bench.run(None).unwrap_err().to_string().contains("takes 2 at most"));
}

#[test]
fn logits_that_are_no_numbers_are_an_error() {
    for after in [3, 6] {
        let mut bench = Bench::new();
        bench.dice.broken_after = Some(after);
        assert!(matches!(bench.run(None), Err(DecodeError::NotANumber { after: at }) if at == after));
    }
}

#[test]
fn a_token_that_the_tokenizer_does_not_know_is_never_said() {
    let mut bench = Bench::new();
    let known = bench.tokenizer.vocabulary();
    bench.dice = Dice::new(3, known * 20, 200);
    bench.settings.max_tokens = 100;
    assert!(bench.run(None).unwrap().tokens.iter().all(|&token| (token as usize) < known));
}

#[test]
fn logprobs_are_those_of_the_model_before_settings_change_them() {
    let mut bench = Bench::new();
    bench.settings = Settings { logprobs: true, temperature: 0.3, top_k: 3, ..bench.settings };
    let answer = bench.run(None).unwrap();
    assert_eq!(answer.logprobs.len(), answer.tokens.len());
    let mut again = Dice::new(11, bench.tokenizer.vocabulary(), 200);
    again.feed(PROMPT, &|| true).unwrap();
    for (&token, &logprob) in answer.tokens.iter().zip(&answer.logprobs) {
        let sum: f64 = again.logits().iter().map(|&logit| f64::from(logit).exp()).sum();
        let wanted = f64::from(again.logits()[token as usize]) - sum.ln();
        assert!((f64::from(logprob) - wanted).abs() < 1e-5);
        again.feed(&[token], &|| true).unwrap();
    }
}

#[test]
fn an_empty_prompt_and_an_impossible_setting_are_errors() {
    let mut bench = Bench::new();
    bench.settings.top_p = 2.0;
    assert!(bench.run(None).unwrap_err().to_string().starts_with("top_p: "));
    bench.settings.top_p = 1.0;
    let request = Request {
        tokenizer: &bench.tokenizer,
        prompt: &[],
        end: &[],
        settings: &bench.settings,
        clock: &*bench.clock,
    };
    let answer = generate(&mut bench.dice, &request, None, &mut |_| ControlFlow::Continue(()));
    assert!(matches!(answer, Err(DecodeError::EmptyPrompt)));
}
