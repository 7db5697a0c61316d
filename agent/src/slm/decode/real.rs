//! The same on a real model on tract: tiny, with random weights.

use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Answer, Finish, Mask, Request, Settings, generate};
use crate::clock::SystemClock;
use crate::slm::classify::{Policy, embed, with_decoder, with_encoder};
use crate::slm::mask::{Grammars, LabelMask};
use crate::slm::model::fixtures::{self, Shape};
use crate::slm::model::{Decoder, Encoder, LoadOptions, Loaded, Token, load};
use crate::slm::tokenizer::Tokenizer;

/// The first token of the tokenizer's file, and what the model ends with.
const END: &[Token] = &[0];

fn tokenizer() -> Tokenizer {
    Tokenizer::from_bytes(include_bytes!("../tokenizer/fixtures/byte_level.json")).unwrap()
}

fn decoder(tokenizer: &Tokenizer) -> Arc<dyn Decoder> {
    let shape = Shape { vocabulary: tokenizer.vocabulary(), context: 512, ..Shape::default() };
    match load(fixtures::decoder(&shape), &LoadOptions::default()).unwrap() {
        Loaded::Decoder(decoder) => decoder,
        Loaded::Encoder(_) => panic!("a decoder was written"),
    }
}

fn encoder(bundle: lineside_bundle::Bundle) -> Arc<dyn Encoder> {
    match load(bundle, &LoadOptions::default()).unwrap() {
        Loaded::Encoder(encoder) => encoder,
        Loaded::Decoder(_) => panic!("an encoder was written"),
    }
}

fn answer(decoder: &dyn Decoder, tokenizer: &Tokenizer, settings: &Settings, mask: &mut dyn Mask) -> Answer {
    let prompt = tokenizer.encode_bare("Bearing temperature 81.4 °C is above 70. ").unwrap();
    let clock = SystemClock::new();
    let request = Request { tokenizer, prompt: &prompt, end: END, settings, clock: &clock };
    let mut conversation = decoder.converse().unwrap();
    generate(&mut *conversation, &request, Some(mask), &mut |_| ControlFlow::Continue(())).unwrap()
}

#[test]
fn a_real_model_keeps_its_schema_and_its_labels() {
    let tokenizer = tokenizer();
    let decoder = decoder(&tokenizer);
    let grammars = Grammars::new(&tokenizer, decoder.vocabulary(), END).unwrap();
    let schema = json!({
        "type": "object",
        "required": ["cause", "confidence", "parts"],
        "properties": {
            "cause": {"enum": ["bearing", "belt", "unknown"]},
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
            "parts": {"type": "array", "maxItems": 3, "items": {"type": "string", "maxLength": 8}},
        },
    });
    let validator = jsonschema::validator_for(&schema).unwrap();
    let prototype = grammars.json_schema(&schema).unwrap();
    let labels: Vec<Vec<Token>> =
        ["bearing", "belt", "unknown"].iter().map(|label| tokenizer.encode_bare(label).unwrap()).collect();
    for seed in 0..12 {
        let settings = Settings {
            temperature: (seed % 3) as f32,
            seed,
            max_tokens: prototype.longest().unwrap(),
            ..Settings::default()
        };
        let said = answer(&*decoder, &tokenizer, &settings, &mut prototype.clone());
        assert!(said.finish.is_whole(), "{said:?}");
        let document: Value = serde_json::from_str(&said.text).unwrap();
        assert!(validator.is_valid(&document), "{document}");
        let again = answer(&*decoder, &tokenizer, &settings, &mut prototype.clone());
        assert_eq!(said.tokens, again.tokens);

        let mut mask = LabelMask::new(&labels, END).unwrap();
        let said = answer(&*decoder, &tokenizer, &settings, &mut mask);
        assert_eq!(said.tokens, labels[mask.chosen().unwrap()]);
    }
}

#[test]
fn a_real_model_stops_within_its_prompt_when_its_time_is_over() {
    let tokenizer = tokenizer();
    let mut conversation = decoder(&tokenizer).converse().unwrap();
    let prompt = vec![5; 400];
    let settings = Settings { time_limit: std::time::Duration::from_nanos(1), ..Settings::default() };
    let clock = SystemClock::new();
    let request =
        Request { tokenizer: &tokenizer, prompt: &prompt, end: END, settings: &settings, clock: &clock };
    let said = generate(&mut *conversation, &request, None, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!((said.finish, said.tokens.len()), (Finish::Time, 0));
    assert!(conversation.len() < prompt.len());
}

#[test]
fn a_real_models_labels_are_as_likely_as_it_says_them() {
    let tokenizer = tokenizer();
    let decoder = decoder(&tokenizer);
    let mut conversation = decoder.converse().unwrap();
    conversation.feed(&tokenizer.encode_bare("The cause is ").unwrap(), &|| true).unwrap();
    let labels: Vec<(String, Vec<Token>)> = ["bearing", "bearing wear", "belt"]
        .iter()
        .map(|label| ((*label).to_owned(), tokenizer.encode_bare(label).unwrap()))
        .collect();
    let assessment = with_decoder(&*conversation, &labels, END, &Policy::default(), &|| true).unwrap();
    // One label alone from the beginning, in a conversation of its own.
    let score = |tokens: &[Token]| {
        let mut alone = decoder.converse().unwrap();
        alone.feed(&tokenizer.encode_bare("The cause is ").unwrap(), &|| true).unwrap();
        let mut score = 0.0;
        for &token in tokens.iter().chain(END) {
            score += f64::from(alone.logits()[token as usize]) - super::log_sum(alone.logits());
            alone.feed(&[token], &|| true).unwrap();
        }
        score.exp()
    };
    let total: f64 = labels.iter().map(|(_, tokens)| score(tokens)).sum();
    for (label, tokens) in &labels {
        let said = assessment.scores.iter().find(|(name, _)| name == label).unwrap().1;
        assert!((f64::from(said) - score(tokens) / total).abs() < 1e-3, "{label}: {assessment:?}");
    }
}

#[test]
fn a_real_encoder_labels_and_embeds() {
    let tokenizer = tokenizer();
    let vocabulary = tokenizer.vocabulary();
    let labels = ["a", "b", "c"].map(str::to_owned);
    let classifier = encoder(fixtures::tiny_classifier(vocabulary, labels.len()));
    let assessment =
        with_encoder(&*classifier, &tokenizer, "Bearing is hot", &labels, &Policy::default()).unwrap();
    let sum: f32 = assessment.scores.iter().map(|(_, probability)| probability).sum();
    assert!((sum - 1.0).abs() < 1e-5 && assessment.label.is_some(), "{assessment:?}");

    let embedder = encoder(fixtures::tiny_encoder(vocabulary));
    let vector = embed(&*embedder, &tokenizer, "Bearing is hot").unwrap();
    let length: f32 = vector.iter().map(|number| number * number).sum();
    assert!((length - 1.0).abs() < 1e-4, "{vector:?}");
}
