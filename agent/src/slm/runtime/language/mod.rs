//! Loaded bundles: weights, tokenizer and templates together, and what they do with a request.

mod classify;
mod embed;
mod generate;
#[cfg(test)]
mod tests;
mod vocabulary;
mod watched;
mod words;

use std::sync::{Arc, OnceLock};

use super::executor::{Done, Executor, Loader, Run};
use super::incident::Incident;
use super::reply::Refusal;
use super::request::Request;
use super::router::Model;
use crate::clock::Clock;
use crate::config::slm::TasksConfig;
use crate::slm::decode::DecodeError;
use crate::slm::mask::Grammars;
use crate::slm::mask::slots::Speech;
use crate::slm::model::{self, Decoder, Encoder, LoadOptions, Loaded, ModelError, Token};
use crate::slm::normalise::Normaliser;
use crate::slm::tokenizer::{ChatTemplate, Tokenizer};
use vocabulary::Spelt;

/// Loads bundles.
pub struct BundleLoader {
    /// How the weights are loaded.
    pub options: LoadOptions,
    /// What the tasks are configured with.
    pub tasks: TasksConfig,
    /// For limits of time.
    pub clock: Arc<dyn Clock>,
}

impl Loader for BundleLoader {
    fn load(&self, model: &Model) -> Result<Arc<dyn Executor>, String> {
        let bundle = model.source.bundle()?;
        if *bundle.manifest() != model.manifest {
            let source = &model.source;
            return Err(format!("{source}: is another bundle than when the agent started; start it again"));
        }
        if model.manifest.diagnosis.is_some() {
            return Ok(Arc::new(Incident::load(&bundle, &self.tasks.classify_incident)?));
        }
        let tokenizer = bundle.tokenizer().ok_or("the bundle has no tokenizer")?;
        let tokenizer = Tokenizer::from_bytes(tokenizer).map_err(|error| error.to_string())?;
        let chat = bundle.chat_template().map(ChatTemplate::new).transpose().map_err(|e| e.to_string())?;
        let manifest = bundle.manifest().clone();
        let language = manifest.language.ok_or("the bundle is no language model: it has no `[language]`")?;
        let lexicon = bundle.lexicon().map(str::to_owned);
        let normaliser = bundle.normaliser().map(Normaliser::new).transpose().map_err(|e| e.to_string())?;
        let loaded = model::load(bundle, &self.options).map_err(|error| error.to_string())?;
        let mut language = Language {
            name: manifest.name,
            loaded,
            tokenizer,
            chat,
            speech: None,
            normaliser,
            grammars: OnceLock::new(),
            labels: manifest.model.labels,
            begin: language.begin,
            end: language.end,
            tasks: self.tasks.clone(),
            clock: Arc::clone(&self.clock),
        };
        if let Some(lexicon) = lexicon {
            let vocabulary = Spelt::of(&language.tokenizer, &language.end);
            let speech = Speech::new(&lexicon, &vocabulary).map_err(|error| error.to_string())?;
            language.speech = Some(Arc::new(speech));
        }
        Ok(Arc::new(language))
    }
}

/// A loaded bundle.
struct Language {
    name: String,
    loaded: Loaded,
    tokenizer: Tokenizer,
    chat: Option<ChatTemplate>,
    /// Its words and slots, where it has any.
    speech: Option<Arc<Speech>>,
    /// What writes texts out before they are classified.
    normaliser: Option<Normaliser>,
    /// Made when a grammar is first asked for.
    grammars: OnceLock<Grammars>,
    labels: Vec<String>,
    begin: Option<Token>,
    end: Vec<Token>,
    tasks: TasksConfig,
    clock: Arc<dyn Clock>,
}

impl Executor for Language {
    fn memory_bytes(&self) -> u64 {
        match &self.loaded {
            Loaded::Decoder(decoder) => decoder.memory_bytes(),
            Loaded::Encoder(encoder) => encoder.memory_bytes(),
        }
    }

    fn run(&self, request: &Request, run: &Run<'_>) -> Result<Done, Refusal> {
        match request {
            Request::ClassifyIncident(case) => self.classify_incident(case, run),
            Request::ClassifyText { text } => self.classify_text(text, run),
            Request::SummarizeIncident(case) => self.summarize(case, run),
            Request::ShiftReport(shift) => self.report(shift, run),
            Request::Generate(generation) => self.generate(generation, run),
            Request::Embed { texts } => self.embed(texts, run),
        }
    }
}

impl Language {
    /// It as a model that writes.
    fn decoder(&self) -> Result<&dyn Decoder, Refusal> {
        match &self.loaded {
            Loaded::Decoder(decoder) => Ok(&**decoder),
            Loaded::Encoder(_) => Err(self.failed("reads texts and cannot write")),
        }
    }

    /// It as a model that reads.
    fn encoder(&self) -> Result<&dyn Encoder, Refusal> {
        match &self.loaded {
            Loaded::Encoder(encoder) => Ok(&**encoder),
            Loaded::Decoder(_) => Err(self.failed("writes texts and makes no vectors of them")),
        }
    }

    /// A prompt's tokens, with the one that begins it.
    fn tokens(&self, prompt: &str) -> Result<Vec<Token>, Refusal> {
        let mut tokens = self.tokenizer.encode_bare(prompt).map_err(|error| self.failed(error))?;
        if let Some(begin) = self.begin.filter(|begin| tokens.first() != Some(begin)) {
            tokens.insert(0, begin);
        }
        Ok(tokens)
    }

    fn failed(&self, why: impl ToString) -> Refusal {
        Refusal::Model { model: self.name.clone(), problem: why.to_string() }
    }

    /// What a failure of the model means to whoever asked with `field`.
    fn refusal(&self, field: &str, error: &ModelError) -> Refusal {
        match error {
            ModelError::Stopped => Refusal::Cancelled,
            ModelError::TooLong { .. } => Refusal::invalid(field, error.to_string()),
            _ => self.failed(error),
        }
    }

    fn undecoded(&self, field: &str, error: &DecodeError) -> Refusal {
        match error {
            DecodeError::Settings(error) => Refusal::invalid(error.field, error.problem.clone()),
            DecodeError::EmptyPrompt => Refusal::invalid(field, "is empty: give at least one token"),
            DecodeError::Model(error) => self.refusal(field, error),
            _ => self.failed(error),
        }
    }
}
