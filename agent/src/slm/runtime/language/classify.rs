//! What a text or an incident is about.

use super::Language;
use super::watched::Watched;
use crate::config::slm::MIN_CONFIDENCE;
use crate::slm::case::{Assessment, Case};
use crate::slm::classify::{ClassifyError, Policy, with_decoder, with_encoder};
use crate::slm::description::WordedBy;
use crate::slm::mask::slots::Facts;
use crate::slm::model::{Conversation, Loaded};
use crate::slm::runtime::executor::{Done, Run};
use crate::slm::runtime::reply::{Refusal, Reply};
use crate::slm::runtime::told::told;
use crate::slm::summary::prompt;

impl Language {
    pub(super) fn classify_incident(&self, case: &Case, run: &Run<'_>) -> Result<Done, Refusal> {
        let text = match &self.speech {
            Some(_) => prompt::of_incident(case, &Facts::of_incident(case)),
            None => told(case),
        };
        let limit = self.tasks.classify_incident.min_confidence.unwrap_or(MIN_CONFIDENCE);
        self.classify("incident", &text, limit, run)
    }

    pub(super) fn classify_text(&self, text: &str, run: &Run<'_>) -> Result<Done, Refusal> {
        let limit = self.tasks.classify_text.min_confidence;
        let Some(normaliser) = &self.normaliser else {
            return self.classify("text", text, limit, run);
        };
        let normalised = normaliser.normalise(text);
        let done = self.classify("text", &normalised, limit, run)?;
        Ok(Done { normalised: Some(normalised), ..done })
    }

    fn classify(&self, field: &str, text: &str, limit: f64, run: &Run<'_>) -> Result<Done, Refusal> {
        let policy = Policy { abstain_below: limit as f32, calibration: 1.0, normalise_length: false };
        let (assessment, tokens_in, memory_bytes) = match &self.loaded {
            Loaded::Encoder(encoder) => {
                let tokens = self.tokenizer.encode(text).map_err(|error| self.failed(error))?;
                let found = with_encoder(&**encoder, &self.tokenizer, text, &self.labels, &policy);
                (found, tokens.len(), 0)
            }
            Loaded::Decoder(decoder) => {
                let prompt = self.tokens(text)?;
                let mut labels = Vec::with_capacity(self.labels.len());
                for label in &self.labels {
                    let tokens = self.tokenizer.encode_bare(label).map_err(|error| self.failed(error))?;
                    labels.push((label.clone(), tokens));
                }
                let inner = decoder.converse().map_err(|error| self.refusal(field, &error))?;
                let mut conversation = Watched { inner, go_on: run.go_on };
                conversation.feed(&prompt, &|| true).map_err(|error| self.refusal(field, &error))?;
                let found = with_decoder(&conversation, &labels, &self.end, &policy, run.go_on);
                (found, prompt.len(), conversation.memory_bytes())
            }
        };
        let assessment: Assessment = assessment.map_err(|error| match error {
            ClassifyError::Decode(error) => self.undecoded(field, &error),
            ClassifyError::Model(error) => self.refusal(field, &error),
            error => self.failed(error),
        })?;
        Ok(Done {
            reply: Reply::Class(assessment),
            by: WordedBy::Model,
            tokens_in: tokens_in as u64,
            tokens_out: 0,
            memory_bytes,
            normalised: None,
        })
    }
}
