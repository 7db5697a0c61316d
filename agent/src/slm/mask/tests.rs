//! What masks promise, with a model that wants anything.

mod random_schema;

use std::ops::ControlFlow;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::clock::ManualClock;
use crate::slm::decode::dice::Dice;
use crate::slm::decode::{Answer, Finish, Mask, MaskError, Request, Settings, TokenSet, generate};
use crate::slm::model::Token;
use crate::slm::tokenizer::Tokenizer;
use crate::time::Timestamp;
use random_schema::schema;

/// Generations of each test over fixed schemas, random schemas and labels;
/// `LINESIDE_GENERATIONS` sets another number.
const GENERATIONS: u64 = 400;
/// More logits than the tokenizers have tokens, as many models have.
const SPARE_LOGITS: usize = 28;

const FILES: [(&[u8], &str); 4] = [
    (include_bytes!("../tokenizer/fixtures/byte_level.json"), "<|endoftext|>"),
    (include_bytes!("../tokenizer/fixtures/qwen.json"), "<|im_end|>"),
    (include_bytes!("../tokenizer/fixtures/llama.json"), "</s>"),
    (include_bytes!("../tokenizer/fixtures/unigram.json"), "</s>"),
];

fn generations() -> u64 {
    std::env::var("LINESIDE_GENERATIONS").map_or(GENERATIONS, |number| number.parse().unwrap())
}

struct Model {
    tokenizer: Tokenizer,
    end: Vec<Token>,
    grammars: Grammars,
}

impl Model {
    fn new((file, end): (&[u8], &str)) -> Self {
        let tokenizer = Tokenizer::from_bytes(file).unwrap();
        let end = vec![tokenizer.id(end).unwrap()];
        let grammars = Grammars::new(&tokenizer, tokenizer.vocabulary() + SPARE_LOGITS, &end).unwrap();
        Model { tokenizer, end, grammars }
    }

    fn answer(&self, seed: u64, settings: &Settings, mask: &mut dyn Mask) -> Answer {
        let vocabulary = self.tokenizer.vocabulary() + SPARE_LOGITS;
        let mut dice = Dice::new(seed, vocabulary, usize::MAX);
        let clock = ManualClock::at(Timestamp::EPOCH);
        let request =
            Request { tokenizer: &self.tokenizer, prompt: &[1], end: &self.end, settings, clock: &clock };
        generate(&mut dice, &request, Some(mask), &mut |_| ControlFlow::Continue(())).unwrap()
    }

    /// A document under a schema's mask, with the checks that hold of all.
    fn document(&self, seed: u64, mut mask: GrammarMask) -> Value {
        let longest = mask.longest().unwrap();
        let answer = self.answer(seed, &settings(seed, longest), &mut mask);
        assert!(answer.finish.is_whole(), "seed {seed}: {:?} {}", answer.finish, answer.text);
        assert!(answer.text.len() <= longest, "seed {seed}: {}", answer.text);
        serde_json::from_str(&answer.text)
            .unwrap_or_else(|error| panic!("seed {seed}: {error}: {}", answer.text))
    }
}

fn settings(seed: u64, max_tokens: usize) -> Settings {
    Settings { temperature: (seed % 4) as f32 / 2.0, seed, max_tokens, ..Settings::default() }
}

/// Another library's judgement.
fn validator(schema: &Value) -> jsonschema::Validator {
    jsonschema::options().should_validate_formats(true).build(schema).unwrap()
}

/// Of every kind of part, alone and within each other.
fn schemas() -> Vec<Value> {
    let verdict = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["cause", "confidence"],
        "properties": {
            "cause": {"enum": ["bearing", "bearing wear", "belt", "unknown", null, 3, 2.5, true]},
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
            "parts": {
                "type": "array",
                "items": {"type": "integer", "minimum": -20, "maximum": 300},
                "minItems": 2,
                "maxItems": 4,
            },
            "note": {"type": "string", "maxLength": 12},
        },
    });
    let at = json!({
        "type": "object",
        "properties": {
            "x": {"type": "number", "exclusiveMinimum": -0.5, "exclusiveMaximum": 0.25},
            "y": {"type": ["integer", "null"]},
        },
        "required": ["x", "y"],
    });
    let id = json!({"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3,5}$"});
    let tagged = json!({"oneOf": [
        {
            "type": "object",
            "required": ["kind", "size"],
            "properties": {"kind": {"const": "a"}, "size": {"type": "integer"}},
        },
        {
            "type": "object",
            "required": ["kind"],
            "properties": {"kind": {"enum": ["b", "c"]}, "size": {"type": "string"}},
        },
        {"type": "null"},
    ]});
    let tree = json!({
        "type": "object",
        "required": ["name", "children"],
        "properties": {
            "name": {"$ref": "#/$defs/name"},
            "children": {"type": "array", "maxItems": 2, "items": {"$ref": "#/$defs/tree"}},
        },
    });
    let name = json!({"type": "string", "minLength": 1, "maxLength": 4});
    let formats =
        ["date", "date-time", "time", "uuid", "ipv4"].map(|name| json!({"type": "string", "format": name}));
    vec![
        verdict,
        json!({"type": "array", "minItems": 1, "maxItems": 3, "items":
            {"type": "object", "required": ["id", "at"], "properties": {"id": id, "at": at}}}),
        json!({"type": "string", "pattern": "^(low|high) [a-f]+( at \\d\\d:\\d\\d)?$"}),
        json!({"type": "string", "pattern": "[xyz]"}),
        json!({"type": "string", "minLength": 3, "maxLength": 9}),
        json!({"type": "number"}),
        json!({"type": "integer", "exclusiveMinimum": 17, "maximum": 123_456, "multipleOf": 7}),
        json!({"type": "number", "minimum": -1.5, "maximum": 1e6}),
        json!({"type": "object"}),
        json!({"type": "object", "additionalProperties": {"type": "boolean"}, "maxProperties": 3, "minProperties": 1}),
        json!({"anyOf": [{"type": "integer"}, {"type": "object", "required": ["a"],
            "properties": {"a": {"const": [1, "x", {"y": null}]}}}]}),
        tagged,
        json!({"$ref": "#/$defs/tree", "$defs": {"tree": tree, "name": name}}),
        json!({"type": "array", "prefixItems": formats, "minItems": 5, "maxItems": 7}),
        json!({"properties": {"a\"b\\ü": {"minimum": 3, "type": "integer"}}, "required": ["a\"b\\ü", "open"]}),
        json!({"type": "object", "properties": {"any": true, "never": false}}),
    ]
}

#[test]
fn no_output_breaks_its_schema_whatever_the_model_wants() {
    let models: Vec<Model> = FILES.into_iter().map(Model::new).collect();
    let schemas = schemas();
    let validators: Vec<_> = schemas.iter().map(validator).collect();
    let masks: Vec<Vec<GrammarMask>> = models
        .iter()
        .map(|model| schemas.iter().map(|schema| model.grammars.json_schema(schema).unwrap()).collect())
        .collect();
    for seed in 0..generations() {
        let which = seed as usize % schemas.len();
        let model = (seed as usize / schemas.len()) % models.len();
        let document = models[model].document(seed, masks[model][which].clone());
        if let Err(error) = validators[which].validate(&document) {
            panic!("schema {which}, seed {seed}: {error}: {document}");
        }
    }
}

#[test]
fn no_output_breaks_a_random_schema() {
    // The last tokenizer has no bytes, and so cannot say every constant.
    let models: Vec<Model> = FILES.into_iter().take(3).map(Model::new).collect();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: u32::try_from(generations()).unwrap(),
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let cases = (schema(), any::<u64>());
    let documents = std::cell::Cell::new(0);
    runner
        .run(&cases, |(schema, seed)| {
            let model = &models[seed as usize % models.len()];
            let mask = match model.grammars.json_schema(&schema) {
                Ok(mask) => mask,
                // What nothing can keep is refused before a model runs.
                Err(GrammarError::Schema { .. }) => return Ok(()),
                Err(error) => panic!("{error}"),
            };
            let document = model.document(seed, mask);
            documents.set(documents.get() + 1);
            let verdict = validator(&schema).validate(&document).map_err(|error| error.to_string());
            prop_assert_eq!(verdict, Ok(()), "{}", document);
            Ok(())
        })
        .unwrap();
    assert!(documents.get() > generations() / 2, "only {} schemas were kept", documents.get());
}

#[test]
fn no_output_is_anything_but_a_label() {
    const LABELS: [&str; 5] = ["bearing", "bearing wear", "belt", "überhitzt", "unknown"];
    let models: Vec<Model> = FILES.into_iter().map(Model::new).collect();
    for seed in 0..generations() {
        let model = &models[seed as usize % models.len()];
        let tokens: Vec<Vec<Token>> =
            LABELS.iter().map(|label| model.tokenizer.encode_bare(label).unwrap()).collect();
        let mut mask = LabelMask::new(&tokens, &model.end).unwrap();
        let answer = model.answer(seed, &settings(seed, 40), &mut mask);
        assert!(answer.finish.is_whole());
        assert_eq!(answer.text, LABELS[mask.chosen().unwrap()]);
    }
}

#[test]
fn what_is_cut_off_is_not_called_whole() {
    let model = Model::new(FILES[0]);
    let mask = model.grammars.json_schema(&schemas()[0]).unwrap();
    for seed in 0..20 {
        let answer = model.answer(seed, &settings(seed, 5), &mut mask.clone());
        assert_eq!((answer.finish, answer.finish.is_whole()), (Finish::Length, false));
        assert!(serde_json::from_str::<Value>(&answer.text).is_err(), "{}", answer.text);
    }
}

#[test]
fn a_grammar_and_a_regular_expression_are_kept() {
    let model = Model::new(FILES[1]);
    let lark = "start: \"it \" verb \" \" /[a-c]{2}/ | \"nothing\"\nverb: \"rises\" | \"falls\"\n";
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..60 {
        let mut mask = model.grammars.lark(lark).unwrap();
        let text = model.answer(seed, &settings(seed, 30), &mut mask).text;
        let rest = text.strip_prefix("it rises ").or_else(|| text.strip_prefix("it falls "));
        let pair =
            |rest: &str| rest.len() == 2 && rest.chars().all(|character| ('a'..='c').contains(&character));
        assert!(text == "nothing" || rest.is_some_and(pair), "{text}");
        seen.insert(text);
        let mut mask = model.grammars.regex("[0-9]{2}:[0-5][0-9]").unwrap();
        let time = model.answer(seed, &settings(seed, 30), &mut mask).text;
        assert!(time.len() == 5 && time.as_bytes()[2] == b':', "{time}");
    }
    assert!(seen.len() > 5, "{seen:?}");
    assert!(matches!(model.grammars.lark("start: nothing_like_it").err(), Some(GrammarError::Grammar(_))));
    assert!(matches!(model.grammars.regex("a{2,1}(").err(), Some(GrammarError::Grammar(_))));
}

#[test]
fn what_a_schema_cannot_ask_for_is_refused_with_its_path() {
    let model = Model::new(FILES[0]);
    let deep = json!({"type": "object", "properties": {"a/b": {"type": "array", "items": {"not": {}}}}});
    let cases = [
        (deep, "/properties/a~1b/items/not"),
        (json!({"type": "object", "patternProperties": {"^x": {}}}), "/patternProperties"),
        (json!({"anyOf": [{"type": "string"}, {"if": {}}]}), "/anyOf/1/if"),
        (json!({"type": "array", "uniqueItems": true}), "/uniqueItems"),
        (json!({"type": "string", "format": "hostname"}), "/format"),
        (json!({"type": "float"}), "/type"),
        (json!({"$ref": "https://example.com/x"}), "/$ref"),
        (json!({"$ref": "#/$defs/gone"}), "/$ref"),
        (json!({"oneOf": [{"type": "integer"}, {"type": "number"}]}), "/oneOf"),
        (json!({"allOf": [{"type": "integer"}, {"minimum": 3}]}), "/allOf"),
        (json!({"enum": [1], "minimum": 3}), "/minimum"),
        (json!({"type": "number", "multipleOf": 0.1}), "/multipleOf"),
        (json!({"type": "integer", "minimum": "3"}), "/minimum"),
        (json!({"type": "array", "minItems": -1}), "/minItems"),
        (json!({"type": "array", "items": {"type": "null"}, "minItems": 999}), "/minItems"),
        (json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}), ""),
        (json!({"type": "integer", "minimum": 3, "maximum": 2}), ""),
        (json!({"type": "string", "pattern": "(", "x-note": 1}), ""),
        (json!(false), ""),
        (json!(7), ""),
    ];
    for (schema, wanted) in cases {
        match model.grammars.json_schema(&schema).err() {
            Some(GrammarError::Schema { path, problem }) => assert_eq!(path, wanted, "{schema}: {problem}"),
            other => panic!("{schema}: {other:?}"),
        }
    }
}

/// A schema that doubles with each reference.
#[test]
fn a_schema_that_explodes_is_refused() {
    let mut parts = serde_json::Map::new();
    for level in 0..40 {
        let next = json!({"$ref": format!("#/$defs/{}", level + 1)});
        parts.insert(level.to_string(), json!({"properties": {"a": next, "b": next}}));
    }
    parts.insert("40".into(), json!({"type": "null"}));
    let schema = json!({"$ref": "#/$defs/0", "$defs": parts});
    let error = Model::new(FILES[0]).grammars.json_schema(&schema).err().unwrap().to_string();
    assert!(error.contains("more than 5000 parts"), "{error}");
}

#[test]
fn a_mask_of_another_model_and_a_token_that_was_not_allowed_are_errors() {
    let model = Model::new(FILES[0]);
    let mut mask = model.grammars.json_object().unwrap();
    let MaskError(problem) = mask.narrow(&mut TokenSet::full(64)).unwrap_err();
    assert!(problem.contains("a model with 64"), "{problem}");
    let letter = model.tokenizer.encode_bare("x").unwrap()[0];
    assert!(mask.accept(letter).is_err());
    let refuse = |vocabulary, end: &[Token]| Grammars::new(&model.tokenizer, vocabulary, end).err().unwrap();
    assert!(refuse(64, &model.end).to_string().contains("another model's"));
    assert!(refuse(1_000, &[]).to_string().contains("no token ends"));
    assert!(refuse(1_000, &[1_000]).to_string().contains("token 1000"));
}

/// A vocabulary without bytes cannot say every text: then there is an error, and no broken document.
#[test]
fn what_a_vocabulary_cannot_say_is_an_error() {
    let model = Model::new(FILES[3]);
    let mut mask = model.grammars.json_schema(&json!({"const": "ເ"})).unwrap();
    mask.accept(model.tokenizer.id("\"").unwrap()).unwrap();
    let MaskError(problem) =
        mask.narrow(&mut TokenSet::full(model.tokenizer.vocabulary() + SPARE_LOGITS)).unwrap_err();
    assert!(problem.contains("no token of this vocabulary"), "{problem}");
}

/// A model that says its end token as text cannot end a document early.
#[test]
fn an_end_token_that_is_written_like_text_is_no_text() {
    let tokenizer = Tokenizer::from_bytes(FILES[0].0).unwrap();
    let end = tokenizer.encode_bare("e").unwrap();
    let vocabulary = tokenizer.vocabulary();
    let grammars = Grammars::new(&tokenizer, vocabulary, &end).unwrap();
    let mut mask = grammars.json_schema(&json!({"type": "string"})).unwrap();
    let mut allowed = TokenSet::full(vocabulary);
    mask.accept(tokenizer.encode_bare("\"").unwrap()[0]).unwrap();
    mask.narrow(&mut allowed).unwrap();
    assert!(!allowed.contains(end[0]) && allowed.contains(tokenizer.encode_bare("f").unwrap()[0]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Foreign bytes: a schema, a grammar and an expression are made into a mask or refused.
    #[test]
    fn what_comes_from_outside_never_panics(schema in random_schema::nonsense(), text in "[a-z:\"/|(){}\\[\\]*+?.\\\\^$0-9,\n ]{0,40}") {
        static MODEL: std::sync::LazyLock<Model> = std::sync::LazyLock::new(|| Model::new(FILES[0]));
        let grammars = &MODEL.grammars;
        let mask = grammars.json_schema(&schema);
        let masks = [mask, grammars.lark(&text), grammars.lark(&format!("start: {text}")), grammars.regex(&text)];
        for mut mask in masks.into_iter().flatten() {
            let mut allowed = TokenSet::full(MODEL.tokenizer.vocabulary() + SPARE_LOGITS);
            if mask.narrow(&mut allowed).is_ok() {
                let token = allowed.iter().next().unwrap();
                prop_assert!(mask.accept(token).is_ok());
            }
        }
    }
}
