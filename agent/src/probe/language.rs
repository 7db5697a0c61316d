//! Tries out a language model: it must answer its golden texts as promised; what is timed is one
//! token of a model that writes, one text of a model that reads.

use lineside_bundle::{Bundle, Golden, TextCase};

use super::report::GoldenResult;
use super::{Failure, ProbeReport, as_promised, latency, memory, millis_since};
use crate::clock::Clock;
use crate::slm::model::{self, Conversation, LoadOptions, Loaded, ModelError, Token};
use crate::slm::tokenizer::Tokenizer;

/// What is read where a bundle has no golden text.
const ANY_TEXT: [Token; 1] = [0];

pub(super) fn examine(bundle: &Bundle, clock: &dyn Clock, report: &mut ProbeReport) -> Result<(), Failure> {
    let before = memory::Held::now();
    let began = clock.monotonic();
    let model = load(bundle)?;
    report.load_ms = millis_since(began, clock);
    fits(bundle, &model)?;

    let texts = bundle.golden().map_or(&[][..], |golden| &golden.texts);
    if let Some(golden) = bundle.golden() {
        let result = compare(golden, &model).map_err(Failure::load)?;
        as_promised(golden, result, report)?;
    }
    let longest = texts.iter().map(|text| text.tokens.as_slice()).max_by_key(|tokens| tokens.len());
    let text = longest.unwrap_or(&ANY_TEXT);
    let mut caller = Caller::new(&model, text).map_err(Failure::load)?;
    latency::check(bundle, &mut || caller.call().map_err(Failure::load), clock, report)?;
    let again = || {
        let copy = load(bundle)?;
        answer(&copy, text).map_err(Failure::load)?;
        Ok(copy)
    };
    memory::check(bundle, before, again, report)
}

fn load(bundle: &Bundle) -> Result<Loaded, Failure> {
    model::load(bundle.clone(), &LoadOptions::default()).map_err(Failure::load)
}

/// The tokenizer and the manifest's tokens must be this model's.
fn fits(bundle: &Bundle, model: &Loaded) -> Result<(), Failure> {
    let vocabulary = match model {
        Loaded::Decoder(decoder) => decoder.vocabulary(),
        Loaded::Encoder(encoder) => encoder.vocabulary(),
    };
    if let Some(tokenizer) = bundle.tokenizer() {
        let knows = Tokenizer::from_bytes(tokenizer).map_err(Failure::load)?.vocabulary();
        if knows > vocabulary {
            let problem = format!("tokenizer.json has {knows} tokens, but the model knows {vocabulary}");
            return Err(Failure::load(problem + ": it belongs to another model"));
        }
    }
    let language = bundle.manifest().language.as_ref();
    let tokens = language.iter().flat_map(|language| language.begin.iter().chain(&language.end));
    match tokens.copied().find(|&token| token as usize >= vocabulary) {
        Some(unknown) => Err(Failure::load(format!(
            "manifest.toml: language.begin and language.end: token {unknown} is none of the {vocabulary} that the \
             model knows"
        ))),
        None => Ok(()),
    }
}

fn compare(golden: &Golden, model: &Loaded) -> Result<GoldenResult, ModelError> {
    let mut result = GoldenResult { cases: golden.texts.len(), failed: None, largest_difference: Some(0.0) };
    for (at, text) in golden.texts.iter().enumerate() {
        let difference = difference(text, &answer(model, &text.tokens)?);
        if difference.is_none_or(|difference| difference > golden.tolerance) {
            result.failed.get_or_insert(at);
        }
        result.largest_difference =
            result.largest_difference.and_then(|largest| Some(largest.max(difference?)));
    }
    Ok(result)
}

/// The largest difference, or `None` where an element is missing or no finite number.
fn difference(text: &TextCase, found: &[f32]) -> Option<f32> {
    text.output.iter().try_fold(0.0_f32, |largest, (at, expected)| {
        let difference = (expected - found.get(*at as usize)?).abs();
        difference.is_finite().then(|| largest.max(difference))
    })
}

fn answer(model: &Loaded, tokens: &[Token]) -> Result<Vec<f32>, ModelError> {
    match model {
        Loaded::Encoder(encoder) => encoder.encode(tokens),
        Loaded::Decoder(decoder) => {
            let mut conversation = decoder.converse()?;
            conversation.feed(tokens, &|| true)?;
            Ok(conversation.logits().to_vec())
        }
    }
}

/// One call after the other, as a task makes them.
enum Caller<'a> {
    Reads { model: &'a Loaded, text: &'a [Token] },
    Writes { start: Box<dyn Conversation>, goes_on: Box<dyn Conversation>, context: usize, token: Token },
}

impl<'a> Caller<'a> {
    fn new(model: &'a Loaded, text: &'a [Token]) -> Result<Self, ModelError> {
        let Loaded::Decoder(decoder) = model else {
            return Ok(Caller::Reads { model, text });
        };
        let context = decoder.context();
        // There must be room for the token that is timed.
        let read = &text[..text.len().min(context.saturating_sub(1))];
        let mut start = decoder.converse()?;
        start.feed(read, &|| true)?;
        let goes_on = start.fork()?;
        Ok(Caller::Writes { start, goes_on, context, token: text[0] })
    }

    fn call(&mut self) -> Result<(), ModelError> {
        match self {
            Caller::Reads { model, text } => answer(model, text).map(drop),
            Caller::Writes { start, goes_on, context, token } => {
                if goes_on.len() >= *context {
                    *goes_on = start.fork()?;
                }
                goes_on.feed(&[*token], &|| true)
            }
        }
    }
}
