//! What follows a text or a conversation.

use std::ops::ControlFlow;
use std::time::Duration;

use super::Language;
use super::watched::Watched;
use crate::config::slm::SamplingConfig;
use crate::slm::decode::{self, Mask, Settings, generate};
use crate::slm::description::WordedBy;
use crate::slm::mask::{Grammars, LabelMask};
use crate::slm::model::{Conversation, Token};
use crate::slm::runtime::executor::{Done, Run};
use crate::slm::runtime::reply::{Finish, Refusal, Reply};
use crate::slm::runtime::request::{Form, Generation, Prompt, Sampling};
use crate::slm::tokenizer::Message;

/// The runtime's deadlines are those that count; an answer has no second one.
const NO_LIMIT: Duration = Duration::from_secs(86_400);

/// An answer with what it took.
pub(super) struct Written {
    pub answer: decode::Answer,
    /// Memory of the conversation, in bytes.
    pub memory_bytes: u64,
}

impl Language {
    pub(super) fn generate(&self, generation: &Generation, run: &Run<'_>) -> Result<Done, Refusal> {
        let (field, prompt) = match &generation.prompt {
            Prompt::Text(text) => ("prompt", self.tokens(text)?),
            Prompt::Chat(messages) => ("messages", self.chat(messages)?),
        };
        let settings = settings(&self.tasks.generate.sampling, &generation.sampling);
        let mut mask = self.mask(&generation.form)?;
        let mask = mask.as_mut().map(|mask| &mut **mask as &mut dyn Mask);
        let Written { answer, memory_bytes } = self.write(field, &prompt, &settings, mask, run)?;
        let finish = match answer.finish {
            decode::Finish::Length => Finish::Length,
            decode::Finish::End | decode::Finish::MaskComplete | decode::Finish::Stop => Finish::Stop,
            decode::Finish::Time | decode::Finish::Cancelled => return Err(Refusal::Cancelled),
        };
        Ok(Done {
            reply: Reply::Text { text: answer.text, finish },
            by: WordedBy::Model,
            tokens_in: prompt.len() as u64,
            tokens_out: answer.tokens.len() as u64,
            memory_bytes,
            normalised: None,
        })
    }

    /// The tokens of a conversation that waits for its answer.
    pub(super) fn chat(&self, messages: &[Message]) -> Result<Vec<Token>, Refusal> {
        let template = self.chat.as_ref().ok_or_else(|| {
            let problem = format!("`{}` has no chat template: send a `prompt`", self.name);
            Refusal::invalid("messages", problem)
        })?;
        let name =
            |token: Option<Token>| token.and_then(|token| self.tokenizer.name(token)).unwrap_or_default();
        let (begin, end) = (name(self.begin), name(self.end.first().copied()));
        let text = template
            .render(messages, &begin, &end, self.clock.now(), true)
            .map_err(|error| Refusal::invalid("messages", error.to_string()))?;
        self.tokens(&text)
    }

    /// Writes an answer to a prompt, which `field` holds.
    pub(super) fn write(
        &self,
        field: &str,
        prompt: &[Token],
        settings: &Settings,
        mask: Option<&mut dyn Mask>,
        run: &Run<'_>,
    ) -> Result<Written, Refusal> {
        let decoder = self.decoder()?;
        let inner = decoder.converse().map_err(|error| self.refusal(field, &error))?;
        let mut conversation = Watched { inner, go_on: run.go_on };
        let request = decode::Request {
            tokenizer: &self.tokenizer,
            prompt,
            end: &self.end,
            settings,
            clock: &*self.clock,
        };
        let mut piece = |text: &str| match run.pieces.is_none_or(|to| to.send(text.to_owned()).is_ok()) {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        };
        let answer = generate(&mut conversation, &request, mask, &mut piece)
            .map_err(|error| self.undecoded(field, &error))?;
        Ok(Written { answer, memory_bytes: conversation.memory_bytes() })
    }

    fn mask(&self, form: &Form) -> Result<Option<Box<dyn Mask>>, Refusal> {
        let mask: Box<dyn Mask> = match form {
            Form::Free => return Ok(None),
            Form::JsonSchema(schema) => {
                let mask = self.grammars()?.json_schema(schema);
                Box::new(mask.map_err(|error| Refusal::invalid("schema", error.to_string()))?)
            }
            Form::Grammar(grammar) => {
                let mask = self.grammars()?.lark(grammar);
                Box::new(mask.map_err(|error| Refusal::invalid("grammar", error.to_string()))?)
            }
            Form::Labels(labels) => {
                let labels: Result<Vec<_>, _> =
                    labels.iter().map(|label| self.tokenizer.encode_bare(label)).collect();
                let labels = labels.map_err(|error| self.failed(error))?;
                let mask = LabelMask::new(&labels, &self.end);
                Box::new(mask.map_err(|error| Refusal::invalid("labels", error.to_string()))?)
            }
        };
        Ok(Some(mask))
    }

    fn grammars(&self) -> Result<&Grammars, Refusal> {
        if let Some(grammars) = self.grammars.get() {
            return Ok(grammars);
        }
        let vocabulary = self.decoder()?.vocabulary();
        let grammars = Grammars::new(&self.tokenizer, vocabulary, &self.end).map_err(|e| self.failed(e))?;
        Ok(self.grammars.get_or_init(|| grammars))
    }
}

/// How the next token is chosen: as the request says, otherwise as the task is configured.
pub(super) fn settings(configured: &SamplingConfig, asked: &Sampling) -> Settings {
    Settings {
        temperature: asked.temperature.unwrap_or(configured.temperature as f32),
        top_k: asked.top_k.unwrap_or(configured.top_k) as usize,
        top_p: asked.top_p.unwrap_or(configured.top_p as f32),
        repetition_penalty: asked.repetition_penalty.unwrap_or(1.0),
        seed: asked.seed.unwrap_or_else(crate::random::seed),
        max_tokens: asked.max_tokens.unwrap_or(configured.max_tokens) as usize,
        time_limit: NO_LIMIT,
        stop: asked.stop.clone(),
        logprobs: false,
    }
}
