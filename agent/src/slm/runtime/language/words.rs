//! Words about an incident or a shift.

use std::sync::Arc;

use super::Language;
use super::generate::{Written, settings};
use crate::config::slm::SamplingConfig;
use crate::slm::case::Case;
use crate::slm::decode::{Mask, Settings};
use crate::slm::description::WordedBy;
use crate::slm::model::Token;
use crate::slm::runtime::executor::{Done, Run};
use crate::slm::runtime::reply::{Refusal, Reply, Words};
use crate::slm::runtime::request::{Sampling, Shift};
use crate::slm::summary::{self, Ask, By, Reason, Wording, WriteError, Writer};

impl Language {
    pub(super) fn summarize(&self, case: &Case, run: &Run<'_>) -> Result<Done, Refusal> {
        let sampling = &self.tasks.summarize_incident.sampling;
        self.word(sampling, run, |language, pen, most| summary::summarize(case, language, pen, most))
    }

    pub(super) fn report(&self, shift: &Shift, run: &Run<'_>) -> Result<Done, Refusal> {
        let sampling = &self.tasks.shift_report.sampling;
        self.word(sampling, run, |language, pen, most| summary::report(shift, language, pen, most))
    }

    fn word(
        &self,
        sampling: &SamplingConfig,
        run: &Run<'_>,
        word: impl FnOnce(&summary::Language, &mut dyn Writer, usize) -> Wording,
    ) -> Result<Done, Refusal> {
        let language = match &self.speech {
            Some(speech) => summary::Language::Slots(Arc::clone(speech)),
            None => summary::Language::Free,
        };
        // The same evidence gets the same words.
        let same = Sampling { seed: Some(0), ..Sampling::default() };
        let mut pen =
            Pen { language: self, run, settings: settings(sampling, &same), memory_bytes: 0, failure: None };
        let wording = word(&language, &mut pen, sampling.max_tokens as usize);
        let Pen { memory_bytes, failure, .. } = pen;
        let (by, fallback) = match wording.by {
            By::Slots | By::Checked => (WordedBy::Model, None),
            By::Deterministic(Reason::Stopped) => return Err(Refusal::Cancelled),
            By::Deterministic(Reason::Failed) if failure.is_some() => {
                return Err(failure.unwrap_or(Refusal::Cancelled));
            }
            By::Deterministic(reason) => (WordedBy::Rules, Some(reason.name().to_owned())),
        };
        Ok(Done {
            reply: Reply::Words(Words { text: wording.text, fallback }),
            by,
            tokens_in: wording.tokens_in as u64,
            tokens_out: wording.tokens_out as u64,
            memory_bytes,
            normalised: None,
        })
    }
}

/// A loaded bundle that writes for [`summary`].
struct Pen<'a> {
    language: &'a Language,
    run: &'a Run<'a>,
    settings: Settings,
    /// Most memory of a conversation.
    memory_bytes: u64,
    /// What the model failed with.
    failure: Option<Refusal>,
}

impl Pen<'_> {
    fn go_on(
        &mut self,
        prompt: Result<Vec<Token>, Refusal>,
        mask: Option<&mut dyn Mask>,
        most: usize,
    ) -> Result<summary::Written, Refusal> {
        let prompt = prompt?;
        let settings = Settings { max_tokens: most, ..self.settings.clone() };
        // Nobody sees words before they are checked.
        let run = Run { go_on: self.run.go_on, pieces: None };
        let Written { answer, memory_bytes } =
            self.language.write("incident", &prompt, &settings, mask, &run)?;
        self.memory_bytes = self.memory_bytes.max(memory_bytes);
        if !(self.run.go_on)() {
            return Err(Refusal::Cancelled);
        }
        Ok(summary::Written {
            ended: answer.finish.is_whole(),
            forced: answer.reluctance > summary::RELUCTANT,
            tokens_in: prompt.len(),
            tokens_out: answer.tokens.len(),
            tokens: answer.tokens,
            text: answer.text,
        })
    }
}

impl Writer for Pen<'_> {
    fn write(&mut self, ask: Ask<'_>) -> Result<summary::Written, WriteError> {
        let written = match ask {
            Ask::Slots { prompt, mask, max_tokens } => {
                let prompt = self.language.tokens(prompt);
                self.go_on(prompt, Some(mask), max_tokens)
            }
            Ask::Chat { messages, max_tokens } => {
                let prompt = self.language.chat(messages);
                self.go_on(prompt, None, max_tokens)
            }
        };
        written.map_err(|refusal| match refusal {
            Refusal::Cancelled => WriteError::Stopped,
            Refusal::Invalid { problem, .. } => WriteError::TooLong(problem),
            refusal => {
                let said = refusal.to_string();
                self.failure = Some(refusal);
                WriteError::Failed(said)
            }
        })
    }
}
