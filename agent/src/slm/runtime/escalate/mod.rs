//! Asking a larger model on one's own network for what the one here leaves open.
//!
//! ```text
//! inquiry   what is asked: evidence, never a sample
//!   gate      whether it may be asked now: breaker, budget of the day
//!     endpoint  over HTTP
//!       check    the same checker as for any other words
//! ```
//!
//! It has a thread of its own, so that a slow endpoint holds up no model here. Whatever comes of it,
//! the answer of the model here is what is left; each outcome is counted by its name.

mod breaker;
mod budget;
mod desk;
mod endpoint;
mod inquiry;
#[cfg(test)]
mod tests;

pub use endpoint::EndpointError;

use std::path::Path;
use std::sync::Arc;

use self::breaker::Breaker;
use self::budget::Budget;
pub(super) use self::desk::{Desk, Handed};
use self::endpoint::{Endpoint, HttpEndpoint, Said, Silence};
use self::inquiry::Inquiry;
use super::reply::{Reply, Words};
use super::told::told;
use crate::clock::Clock;
use crate::config::SlmConfig;
use crate::slm::case::{Assessment, Case};
use crate::slm::summary::{self, Ask, By, Language, WriteError, Writer, Written};
use crate::slm::tokenizer::{Message, Role};

/// The budget's file within the data folder.
const BUDGET: &str = "slm-escalation.json";
/// What an answer "I do not know" is.
const UNKNOWN: &str = "unknown";
/// A label has a few tokens.
const LABEL_TOKENS: usize = 32;

/// What came of asking, as it is counted.
pub(super) mod outcome {
    /// Its answer was taken.
    pub const ANSWERED: &str = "answered";
    /// It does not know either.
    pub const UNKNOWN: &str = "unknown";
    /// Its answer does not agree with the evidence, or is none of the labels.
    pub const VIOLATIONS: &str = "violations";
    /// Nobody is there.
    pub const UNAVAILABLE: &str = "unavailable";
    /// It took too long.
    pub const TOO_SLOW: &str = "too_slow";
    /// It will not answer.
    pub const REFUSED: &str = "refused";
    /// It was asked often enough today.
    pub const OVER_BUDGET: &str = "over_budget";
    /// The budget cannot be written down.
    pub const UNRECORDED: &str = "unrecorded";
    /// It is left alone after failures.
    pub const BREAKER_OPEN: &str = "breaker_open";
    /// As many wait for it as may.
    pub const BUSY: &str = "busy";
}

/// A larger model that may be asked.
pub(crate) struct Escalation {
    endpoint: Box<dyn Endpoint>,
    breaker: Breaker,
    budget: Budget,
    clock: Arc<dyn Clock>,
    max_tokens: [usize; 2],
}

impl Escalation {
    /// The endpoint that a configuration names.
    ///
    /// # Errors
    /// When one of its files cannot be used.
    pub fn new(config: &SlmConfig, data: &Path, clock: Arc<dyn Clock>) -> Result<Self, EndpointError> {
        let endpoint = HttpEndpoint::new(&config.escalation)?;
        Ok(Self::with(Box::new(endpoint), config, data, clock))
    }

    fn with(endpoint: Box<dyn Endpoint>, config: &SlmConfig, data: &Path, clock: Arc<dyn Clock>) -> Self {
        let (now, running) = (clock.now(), clock.monotonic());
        let settings = &config.escalation;
        let most = |words: &crate::config::slm::WordsConfig| words.sampling.max_tokens as usize;
        Escalation {
            endpoint,
            breaker: Breaker::new(settings.breaker.failures, settings.breaker.pause.0),
            budget: Budget::open(data.join(BUDGET), settings.max_per_day, now, running),
            clock,
            max_tokens: [most(&config.task.summarize_incident), most(&config.task.shift_report)],
        }
    }

    /// Asks, and returns the answer where it holds, or why there is none.
    fn answer(&mut self, inquiry: &Inquiry) -> Result<Reply, &'static str> {
        let [words, report] = self.max_tokens;
        match inquiry {
            Inquiry::Class(case, assessment) => self.class(case, assessment).map(Reply::Class),
            Inquiry::Words(case) => {
                self.word(|pen| summary::summarize(case, &Language::Free, pen, words)).map(Reply::Words)
            }
            Inquiry::Report(shift) => {
                self.word(|pen| summary::report(shift, &Language::Free, pen, report)).map(Reply::Words)
            }
        }
    }

    fn class(&mut self, case: &Case, found: &Assessment) -> Result<Assessment, &'static str> {
        let labels = found.scores.iter().map(|(label, _)| label.as_str());
        let labels: Vec<&str> = labels.filter(|label| !label.eq_ignore_ascii_case(UNKNOWN)).collect();
        let task = format!(
            "You are told what the sensors of a machine show. Say which of these it is: {}. Answer with that \
             one label and nothing else; if none fits, answer {UNKNOWN}.",
            labels.join(", ")
        );
        let messages = [
            Message { role: Role::System, content: task },
            Message { role: Role::User, content: told(case) },
        ];
        let Said { text, .. } = self.ask(&messages, LABEL_TOKENS)?;
        let said = text.trim().trim_matches(['"', '\'', '`', '.', '*']);
        if said.eq_ignore_ascii_case(UNKNOWN) {
            return Err(outcome::UNKNOWN);
        }
        let label =
            labels.iter().find(|label| label.eq_ignore_ascii_case(said)).ok_or(outcome::VIOLATIONS)?;
        Ok(Assessment { label: Some((*label).to_owned()), ..found.clone() })
    }

    fn word(&mut self, word: impl FnOnce(&mut Pen<'_>) -> summary::Wording) -> Result<Words, &'static str> {
        let mut pen = Pen { escalation: self, failure: None };
        let wording = word(&mut pen);
        match (wording.by, pen.failure) {
            (By::Slots | By::Checked, _) => Ok(Words { text: wording.text, fallback: None }),
            (By::Deterministic(_), Some(failure)) => Err(failure),
            (By::Deterministic(reason), None) => Err(reason.name()),
        }
    }

    /// Asks once, where that may be done now.
    fn ask(&mut self, messages: &[Message], max_tokens: usize) -> Result<Said, &'static str> {
        let running = self.clock.monotonic();
        if !self.breaker.may_ask(running) {
            return Err(outcome::BREAKER_OPEN);
        }
        match self.budget.take(self.clock.now(), running) {
            Ok(true) => {}
            Ok(false) => {
                self.breaker.not_asked(running);
                return Err(outcome::OVER_BUDGET);
            }
            Err(error) => {
                self.breaker.not_asked(running);
                tracing::warn!("slm.escalation: the budget cannot be written down: {error}");
                return Err(outcome::UNRECORDED);
            }
        }
        match self.endpoint.ask(messages, max_tokens) {
            Ok(said) => {
                self.breaker.succeeded();
                Ok(said)
            }
            Err(silence) => {
                self.breaker.failed(self.clock.monotonic());
                tracing::warn!("slm.escalation: {silence}");
                Err(match silence {
                    Silence::Unavailable(_) => outcome::UNAVAILABLE,
                    Silence::Slow(_) => outcome::TOO_SLOW,
                    Silence::Refused(_) => outcome::REFUSED,
                })
            }
        }
    }
}

/// A larger model that writes for [`summary`].
struct Pen<'a> {
    escalation: &'a mut Escalation,
    failure: Option<&'static str>,
}

impl Writer for Pen<'_> {
    fn write(&mut self, ask: Ask<'_>) -> Result<Written, WriteError> {
        let Ask::Chat { messages, max_tokens } = ask else {
            return Err(WriteError::Failed("an endpoint has no slots".into()));
        };
        let said = self.escalation.ask(messages, max_tokens).map_err(|failure| {
            self.failure = Some(failure);
            WriteError::Failed(failure.into())
        })?;
        Ok(Written {
            tokens: Vec::new(),
            text: said.text,
            tokens_in: said.tokens_in,
            tokens_out: said.tokens_out,
            ended: said.ended,
            forced: false,
        })
    }
}
