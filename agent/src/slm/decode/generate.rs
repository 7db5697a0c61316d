//! One token after the other.

use std::ops::ControlFlow;

use super::logits::{are_numbers, log_probability};
use super::stops::Stops;
use super::{Answer, DecodeError, Finish, Mask, MaskError, Sampler, Settings, TokenSet};
use crate::clock::Clock;
use crate::slm::model::{Conversation, ModelError, Token};
use crate::slm::tokenizer::Tokenizer;

/// What is asked of a decoder.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The model's own tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// Read before the answer, after what the conversation holds.
    pub prompt: &'a [Token],
    /// Tokens that end the answer.
    pub end: &'a [Token],
    /// How the answer is chosen.
    pub settings: &'a Settings,
    /// Where the time comes from.
    pub clock: &'a dyn Clock,
}

/// Answers a prompt. `piece` gets the text as it grows, in whole characters and never a part of a
/// stop string, and may say that it wants no more.
///
/// A limit of time or tokens is no error: [`Answer::finish`] says so. After it the conversation
/// holds the prompt (where time was left for it) and the answer without its last token.
///
/// # Errors
/// As the error says.
pub fn generate(
    conversation: &mut dyn Conversation,
    request: &Request<'_>,
    mask: Option<&mut dyn Mask>,
    piece: &mut dyn FnMut(&str) -> ControlFlow<()>,
) -> Result<Answer, DecodeError> {
    let Request { prompt, settings, clock, .. } = *request;
    settings.check()?;
    if prompt.is_empty() && conversation.is_empty() {
        return Err(DecodeError::EmptyPrompt);
    }
    let began = clock.monotonic();
    let time_left = || clock.monotonic().saturating_sub(began) < settings.time_limit;
    let read = match prompt {
        [] => Ok(()),
        prompt => conversation.feed(prompt, &time_left),
    };
    let prompt_read = clock.monotonic();
    let mut writing = Writing::new(request, mask, conversation.logits().len());
    let finish = match read {
        Ok(()) => writing.run(conversation, request, &time_left, piece)?,
        Err(ModelError::Stopped) => Finish::Time,
        Err(error) => return Err(error.into()),
    };
    // What was held back for a stop string that did not come.
    let rest = writing.text.rest();
    if finish != Finish::Cancelled && !rest.is_empty() {
        // The answer is over: it does not matter whether more would be wanted.
        let _ = piece(rest);
    }
    Ok(Answer {
        tokens: writing.tokens,
        text: writing.text.into_text(),
        finish,
        prompt_tokens: prompt.len(),
        logprobs: writing.logprobs,
        reluctance: writing.reluctance,
        prefill: prompt_read.saturating_sub(began),
        decode: clock.monotonic().saturating_sub(prompt_read),
    })
}

/// An answer that is being written.
struct Writing<'a, 'm> {
    mask: Option<&'m mut dyn Mask>,
    allowed: TokenSet,
    ends: TokenSet,
    sampler: Sampler,
    text: Stops<'a>,
    tokens: Vec<Token>,
    logprobs: Vec<f32>,
    reluctance: f32,
}

impl<'a, 'm> Writing<'a, 'm> {
    fn new(request: &Request<'a>, mask: Option<&'m mut dyn Mask>, vocabulary: usize) -> Self {
        let mut sampler = Sampler::new(request.settings, vocabulary);
        request.prompt.iter().for_each(|&token| sampler.saw(token));
        let mut ends = TokenSet::empty(vocabulary);
        request.end.iter().for_each(|&token| ends.insert(token));
        // Some models have more logits than their tokenizer has tokens; those mean nothing.
        let mut allowed = TokenSet::empty(vocabulary);
        let known = request.tokenizer.vocabulary().min(vocabulary);
        (0..known as Token).for_each(|token| allowed.insert(token));
        Writing {
            mask,
            allowed,
            ends,
            sampler,
            text: Stops::new(&request.settings.stop),
            tokens: Vec::new(),
            logprobs: Vec::new(),
            reluctance: 0.0,
        }
    }

    fn run(
        &mut self,
        conversation: &mut dyn Conversation,
        request: &Request<'_>,
        time_left: &dyn Fn() -> bool,
        piece: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Finish, DecodeError> {
        let mut stream = request.tokenizer.stream();
        loop {
            if self.narrow()? {
                return Ok(Finish::MaskComplete);
            }
            if self.tokens.len() == request.settings.max_tokens {
                return Ok(Finish::Length);
            }
            if let Some(&last) = self.tokens.last() {
                match conversation.feed(&[last], time_left) {
                    Ok(()) => {}
                    Err(ModelError::Stopped) => return Ok(Finish::Time),
                    Err(ModelError::TooLong { .. }) => return Ok(Finish::Length),
                    Err(error) => return Err(error.into()),
                }
            }
            if !time_left() {
                return Ok(Finish::Time);
            }
            let token = self.next(conversation, request.settings.logprobs)?;
            if self.ends.contains(token) {
                return Ok(Finish::End);
            }
            self.take(token)?;
            let (more, stopped) = self.text.push(stream.push(token));
            if !more.is_empty() && piece(more).is_break() {
                return Ok(Finish::Cancelled);
            }
            if stopped {
                return Ok(Finish::Stop);
            }
        }
    }

    /// Asks the mask what may follow. Returns whether that is only the end.
    fn narrow(&mut self) -> Result<bool, DecodeError> {
        let Some(mask) = self.mask.as_mut() else { return Ok(false) };
        self.allowed.fill();
        mask.narrow(&mut self.allowed)?;
        if self.allowed.is_empty() {
            return Err(MaskError("nothing may follow".into()).into());
        }
        Ok(self.allowed.iter().all(|token| self.ends.contains(token)))
    }

    fn next(&mut self, conversation: &dyn Conversation, logprob: bool) -> Result<Token, DecodeError> {
        let logits = conversation.logits();
        let broken = || DecodeError::NotANumber { after: conversation.len() };
        if logits.len() != self.allowed.vocabulary() || !are_numbers(logits) {
            return Err(broken());
        }
        let token = self.sampler.draw(logits, Some(&self.allowed)).ok_or_else(broken)?;
        if self.mask.is_some() {
            let likeliest = logits.iter().copied().fold(f32::MIN, f32::max);
            self.reluctance = self.reluctance.max(likeliest - logits[token as usize]);
        }
        if logprob && !self.ends.contains(token) {
            self.logprobs.push(log_probability(logits, token));
        }
        Ok(token)
    }

    fn take(&mut self, token: Token) -> Result<(), DecodeError> {
        if let Some(mask) = self.mask.as_mut() {
            mask.accept(token)?;
        }
        self.sampler.saw(token);
        self.tokens.push(token);
        Ok(())
    }
}
