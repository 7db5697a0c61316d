//! The document describes what is served: every route, every field, every answer.

use std::collections::BTreeSet;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::super::routes::{OPENAPI, table};
use super::{BROKEN, Heard, Served, chat, incident};

fn document() -> Value {
    serde_json::from_str(OPENAPI).unwrap()
}

fn validator(schema: &Value) -> Validator {
    let mut schema = schema.clone();
    schema["components"] = document()["components"].clone();
    jsonschema::draft202012::new(&schema).unwrap()
}

fn check(schema: &Value, value: &Value, what: &str) {
    if let Err(error) = validator(schema).validate(value) {
        panic!("{what}: {error} at {}\n{value:#}", error.instance_path());
    }
}

/// The schema of an answer of a route.
fn answer<'a>(document: &'a Value, method: &str, route: &str, status: u16, kind: &str) -> &'a Value {
    &document["paths"][route][method]["responses"][status.to_string()]["content"][kind]["schema"]
}

#[test]
fn every_route_is_in_the_document_and_no_other() {
    let served: BTreeSet<_> = table().map(|(method, path, _)| format!("{method} {path}")).into();
    let document = document();
    let described = document["paths"].as_object().unwrap().iter();
    let described: BTreeSet<_> = described
        .flat_map(|(path, methods)| methods.as_object().unwrap().keys().map(move |m| format!("{m} {path}")))
        .collect();
    assert_eq!(served, described);
}

#[test]
fn the_schemas_are_schemas() {
    let document = document();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        jsonschema::meta::validate(schema).unwrap_or_else(|error| panic!("{name}: {error}"));
        validator(schema);
    }
}

/// Requests that are answered, by route.
fn requests() -> Vec<(&'static str, Value)> {
    let stream = json!({"model": "writer", "prompt": "once", "max_tokens": 5, "temperature": 0.7, "top_p": 0.9,
                        "top_k": 5, "repetition_penalty": 1.1, "seed": -1, "stop": ["\n"], "n": 1, "user": "me"});
    let mut schema = chat("hello");
    schema["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "a", "schema": {}}});
    let shift = json!({"from": "2026-11-21T06:00:00Z", "to": "2026-11-21T14:00:00Z"});
    let mut told = shift.clone();
    told["incidents"] = json!([incident()]);
    vec![
        ("/v1/classify", json!({"text": "the pump is loud"})),
        ("/v1/classify", json!({"incident": incident(), "notes": ["alarm 12"], "model": "labels"})),
        ("/v1/summarize", json!({"incident": incident()})),
        ("/v1/report", shift),
        ("/v1/report", told),
        ("/v1/chat/completions", chat("hello")),
        ("/v1/chat/completions", schema),
        ("/v1/completions", stream),
        ("/v1/embeddings", json!({"model": "reader", "input": "a"})),
        ("/v1/embeddings", json!({"model": "reader", "input": ["a", "b"], "encoding_format": "base64"})),
    ]
}

#[test]
fn requests_and_answers_are_as_the_document_says() {
    let (api, document) = (Served::start(), document());
    for (route, body) in requests() {
        let asked = &document["paths"][route]["post"]["requestBody"]["content"]["application/json"]["schema"];
        check(asked, &body, route);
        let heard = api.post(route, &body);
        assert_eq!(heard.status, 200, "{route}: {}", heard.body);
        check(answer(&document, "post", route, 200, "application/json"), &heard.json(), route);
    }
    for (route, path) in [
        ("/v1/models", "/v1/models"),
        ("/v1/models/{model}", "/v1/models/writer"),
        ("/openapi.json", "/openapi.json"),
    ] {
        let heard = api.send("GET", path, &[], "");
        assert_eq!(heard.status, 200, "{path}: {}", heard.body);
        check(answer(&document, "get", route, 200, "application/json"), &heard.json(), route);
    }
}

#[test]
fn chunks_are_as_the_document_says() {
    let (api, document) = (Served::start(), document());
    for (route, schema, body) in [
        ("/v1/chat/completions", "ChatCompletionChunk", chat("hello")),
        ("/v1/completions", "Completion", json!({"model": "writer", "prompt": "once"})),
    ] {
        let schema = &document["components"]["schemas"][schema];
        for usage in [false, true] {
            let mut body = body.clone();
            body["stream"] = json!(true);
            if usage {
                body["stream_options"] = json!({"include_usage": true});
            }
            let heard = api.post(route, &body);
            let events = super::streaming::events(&heard);
            assert!(events.len() > 3, "{}", heard.body);
            events.iter().for_each(|event| check(schema, event, route));
        }
    }
}

#[test]
fn refusals_are_as_the_document_says() {
    let (api, document) = (Served::start(), document());
    let check = |route: &str, method: &str, heard: &Heard| {
        check(answer(&document, method, route, heard.status, "application/json"), &heard.json(), route);
    };
    for (route, body, status) in [
        (
            "/v1/chat/completions",
            json!({"model": "gpt-5", "messages": [{"role": "user", "content": "a"}]}),
            404,
        ),
        ("/v1/chat/completions", json!({"model": "writer"}), 400),
        ("/v1/chat/completions", chat(BROKEN), 500),
        ("/v1/completions", json!({"model": "writer", "prompt": "a", "n": 2}), 400),
        ("/v1/embeddings", json!({"model": "writer", "input": "a"}), 404),
        ("/v1/classify", json!({}), 400),
        ("/v1/summarize", json!({"incident": {}}), 400),
        ("/v1/report", json!({"from": "2026-11-21T06:00:00Z", "to": "2026-11-21T06:00:00Z"}), 400),
    ] {
        let heard = api.post(route, &body);
        assert_eq!(heard.status, status, "{route}: {}", heard.body);
        check(route, "post", &heard);
    }
    check("/v1/models/{model}", "get", &api.send("GET", "/v1/models/gpt-5", &[], ""));
}

#[test]
fn what_the_document_forbids_is_refused_by_the_parser_too() {
    let (api, document) = (Served::start(), document());
    for (route, body) in requests() {
        let schema =
            &document["paths"][route]["post"]["requestBody"]["content"]["application/json"]["schema"];
        let mut stranger = body.clone();
        stranger["stranger"] = json!(1);
        assert!(!validator(schema).is_valid(&stranger));
        assert_eq!(api.post(route, &stranger).refusal().2.as_deref(), Some("stranger"), "{route}");
    }
}
