//! What happened, in words.
//!
//! Promise 4: a summary states no number that is not in its evidence. A model with slots cannot
//! write one ([`crate::slm::mask::slots`]); any other model's words are compared with the evidence
//! ([`checker`]), and it is asked once more, with what was wrong. Where that does not do, the
//! deterministic sentence or report stands in, with the reason.
//!
//! ```text
//! slots: prompt → mask → text            free → checker → once more → checker
//!            └─────────── deterministic, with the reason ───────────┘
//! ```

pub mod checker;
pub mod free;
pub mod ground;
pub mod prompt;
pub mod report;
pub mod signature;
#[cfg(test)]
mod tests;
pub mod wording;
pub mod writer;

pub use wording::{By, Reason, Wording};
pub use writer::{Ask, WriteError, Writer, Written};

use std::sync::Arc;

use crate::slm::case::Case;
use crate::slm::mask::slots::{About, Facts, Limits, SlotMask, Speech};
use crate::slm::runtime::request::Shift;
use crate::slm::tokenizer::Message;
use ground::Ground;

/// A token this far below the likeliest one, in natural logarithms, was never meant: one in a thousand.
pub const RELUCTANT: f32 = 7.0;
/// Sentences of a summary.
const SENTENCES: u8 = 4;
/// Sentences of a shift report.
const REPORT_SENTENCES: u8 = 12;

/// How a bundle speaks.
#[derive(Clone, Debug)]
pub enum Language {
    /// In words of its lexicon and slots.
    Slots(Arc<Speech>),
    /// In any words; they are checked.
    Free,
}

/// Words an incident. Never fails: where the model does not do, the incident's deterministic
/// sentence stands in, with what it was classified as behind it, and the reason.
pub fn summarize(case: &Case, language: &Language, writer: &mut dyn Writer, max_tokens: usize) -> Wording {
    let mut desk = Desk { writer, max_tokens, tokens_in: 0, tokens_out: 0 };
    let told = if !case.incident.evidence.channels.iter().any(|channel| channel.deviates) {
        Err(Reason::NothingDeviates)
    } else {
        match language {
            Language::Slots(speech) => {
                let facts = Facts::of_incident(case);
                desk.fill(speech, &facts, &prompt::of_incident(case, &facts), SENTENCES)
            }
            Language::Free => desk.check(free::about_incident(case), &Ground::of_incident(case)),
        }
    };
    desk.wording(told, || signature::summary(case))
}

/// Words a shift report. Never fails, as [`summarize`].
pub fn report(shift: &Shift, language: &Language, writer: &mut dyn Writer, max_tokens: usize) -> Wording {
    let mut desk = Desk { writer, max_tokens, tokens_in: 0, tokens_out: 0 };
    let deterministic = || report::deterministic(shift).text;
    let deviates = |case: &Case| case.incident.evidence.channels.iter().any(|channel| channel.deviates);
    let told = if !shift.cases.iter().any(deviates) {
        Err(Reason::NothingDeviates)
    } else {
        match language {
            Language::Slots(speech) if speech.speaks(About::Shift) => {
                let facts = Facts::of_shift(&shift.cases, shift.to);
                desk.fill(speech, &facts, &prompt::of_shift(&shift.cases, &facts), REPORT_SENTENCES)
            }
            Language::Slots(_) => Err(Reason::NoSlots),
            Language::Free => {
                desk.check(free::about_shift(shift, &deterministic()), &Ground::of_shift(shift))
            }
        }
    };
    desk.wording(told, deterministic)
}

/// Where a text is written, and what it took.
struct Desk<'a> {
    writer: &'a mut dyn Writer,
    max_tokens: usize,
    tokens_in: usize,
    tokens_out: usize,
}

impl Desk<'_> {
    fn write(&mut self, ask: Ask<'_>) -> Result<Written, Reason> {
        let written = self.writer.write(ask).map_err(|error| match error {
            WriteError::TooLong(_) => Reason::TooLong,
            WriteError::Stopped => Reason::Stopped,
            WriteError::Failed(_) => Reason::Failed,
        })?;
        self.tokens_in += written.tokens_in;
        self.tokens_out += written.tokens_out;
        if written.ended { Ok(written) } else { Err(Reason::Unfinished) }
    }

    fn fill(
        &mut self,
        speech: &Speech,
        facts: &Facts,
        prompt: &str,
        sentences: u8,
    ) -> Result<(String, By), Reason> {
        let limits = Limits { tokens: self.max_tokens, sentences };
        let mut mask = SlotMask::new(speech, facts, limits).map_err(|_| Reason::TooLong)?;
        let ask = Ask::Slots { prompt, mask: &mut mask, max_tokens: self.max_tokens };
        let written = self.write(ask)?;
        if written.forced {
            return Err(Reason::Forced);
        }
        match speech.render(facts, &written.tokens) {
            Some(text) if !text.is_empty() => {
                // The model may leave it out; that something else is wrong, too, must not be lost.
                let left = signature::unexplained(&speech.not_set_apart(facts, &written.tokens));
                Ok((std::iter::once(text).chain(left).collect::<Vec<_>>().join(" "), By::Slots))
            }
            Some(_) => Err(Reason::Empty),
            // Only a writer that does not keep to the mask gets here.
            None => Err(Reason::Violations),
        }
    }

    fn check(&mut self, messages: Vec<Message>, ground: &Ground) -> Result<(String, By), Reason> {
        let (text, violations) = self.try_once(&messages, ground)?;
        if violations.is_empty() {
            return Ok((text, By::Checked));
        }
        let wrong: Vec<String> = violations.iter().map(ToString::to_string).collect();
        let (text, violations) = self.try_once(&free::once_more(messages, text, &wrong), ground)?;
        if violations.is_empty() { Ok((text, By::Checked)) } else { Err(Reason::Violations) }
    }

    fn try_once(
        &mut self,
        messages: &[Message],
        ground: &Ground,
    ) -> Result<(String, Vec<checker::Violation>), Reason> {
        let written = self.write(Ask::Chat { messages, max_tokens: self.max_tokens })?;
        let text = written.text.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() {
            return Err(Reason::Empty);
        }
        let violations = checker::check(&text, ground);
        Ok((text, violations))
    }

    fn wording(self, told: Result<(String, By), Reason>, fallback: impl FnOnce() -> String) -> Wording {
        let (text, by) = told.unwrap_or_else(|reason| (fallback(), By::Deterministic(reason)));
        Wording { text, by, tokens_in: self.tokens_in, tokens_out: self.tokens_out }
    }
}
