//! Real bundles with random weights, which want anything.

use std::sync::Arc;

use lineside_random_models::{Made, Shape, Vocabulary};
use serde_json::json;

use super::*;
use crate::clock::ManualClock;
use crate::incident::fixtures::{device, incident};
use crate::incident::sentence::Subject;
use crate::slm::case::Case;
use crate::slm::description::WordedBy;
use crate::slm::runtime::reply::{Finish, Reply};
use crate::slm::runtime::request::{Form, Generation, Message, Prompt, Role, Sampling};
use crate::slm::runtime::router::Source;

const CHAT: &str =
    "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant:";

fn load(made: &Made) -> Result<Arc<dyn Executor>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle");
    made.write(&path).unwrap();
    let source = Source::At { path, sha256: None };
    let manifest = source.manifest().unwrap();
    let loader = BundleLoader {
        options: LoadOptions::default(),
        tasks: TasksConfig::default(),
        clock: Arc::new(ManualClock::default()),
    };
    loader.load(&Model { source, manifest })
}

fn writer(context: usize) -> Arc<dyn Executor> {
    let mut made = Made::decoder(&Shape { context, ..Shape::default() });
    made.chat_template = Some(CHAT.into());
    load(&made).unwrap()
}

fn run(model: &dyn Executor, request: &Request) -> Result<Done, Refusal> {
    model.run(request, &Run { go_on: &|| true, pieces: None })
}

fn generation(prompt: Prompt, form: Form) -> Request {
    let sampling =
        Sampling { max_tokens: Some(40), seed: Some(1), temperature: Some(1.0), ..Sampling::default() };
    Request::Generate(Box::new(Generation { prompt, sampling, form }))
}

fn text(done: Done) -> (String, Finish) {
    let Reply::Text { text, finish } = done.reply else { panic!("{done:?}") };
    (text, finish)
}

fn case() -> Case {
    let device = device(&[("pressure_out", "bar"), ("flow", "m3/h"), ("temperature", "°C")]);
    Case { subject: Subject::of(&device), incident: incident(), assessment: None, notes: Vec::new() }
}

#[test]
fn a_text_and_a_conversation_are_continued_and_the_same_seed_says_the_same() {
    let model = writer(256);
    let conversation = vec![Message { role: Role::User, content: "hello".into() }];
    for prompt in [Prompt::Text("hello".into()), Prompt::Chat(conversation)] {
        let request = generation(prompt, Form::Free);
        let done = run(&*model, &request).unwrap();
        assert!(done.tokens_in > 0 && done.tokens_out <= 40 && done.memory_bytes > 0, "{done:?}");
        assert_eq!(run(&*model, &request).unwrap(), done);
    }
    assert!(model.memory_bytes() > 0);
}

#[test]
fn an_answer_has_the_form_that_was_asked_for() {
    let model = writer(256);
    let ask = |form| run(&*model, &generation(Prompt::Text("hello".into()), form)).map(text);
    let schema = json!({"type": "object", "properties": {"leak": {"type": "boolean"}}, "required": ["leak"],
                        "additionalProperties": false});
    let (said, _) = ask(Form::JsonSchema(schema)).unwrap();
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert!(said["leak"].is_boolean(), "{said}");
    let (said, _) = ask(Form::Labels(vec!["leak".into(), "wear".into()])).unwrap();
    assert!(["leak", "wear"].contains(&said.as_str()), "{said}");
    let (said, _) = ask(Form::Grammar("start: \"leak\" | \"wear\"".into())).unwrap();
    assert!(["leak", "wear"].contains(&said.as_str()), "{said}");
    let refused = ask(Form::Labels(Vec::new())).unwrap_err();
    assert!(matches!(&refused, Refusal::Invalid { field, .. } if field == "labels"), "{refused}");
    let refused = ask(Form::Grammar("start: nowhere".into())).unwrap_err();
    assert!(matches!(&refused, Refusal::Invalid { field, .. } if field == "grammar"), "{refused}");
}

#[test]
fn a_request_that_cannot_be_answered_names_its_field() {
    let model = writer(16);
    let long = run(&*model, &generation(Prompt::Text("hello ".repeat(40)), Form::Free)).unwrap_err();
    assert!(matches!(&long, Refusal::Invalid { field, .. } if field == "prompt"), "{long}");
    let untold = load(&Made::decoder(&Shape::default())).unwrap();
    let chat = Prompt::Chat(vec![Message { role: Role::User, content: "hello".into() }]);
    let refused = run(&*untold, &generation(chat, Form::Free)).unwrap_err();
    assert!(refused.to_string().contains("has no chat template: send a `prompt`"), "{refused}");
}

#[test]
fn whoever_no_longer_waits_stops_the_model() {
    let model = writer(256);
    let request = generation(Prompt::Text("hello".into()), Form::Free);
    let stopped = model.run(&request, &Run { go_on: &|| false, pieces: None });
    assert_eq!(stopped, Err(Refusal::Cancelled));
    let stopped =
        model.run(&Request::SummarizeIncident(Box::new(case())), &Run { go_on: &|| false, pieces: None });
    assert_eq!(stopped, Err(Refusal::Cancelled));
}

#[test]
fn a_text_goes_out_in_pieces_that_make_the_whole() {
    let model = writer(256);
    let (pieces, mut read) = tokio::sync::mpsc::unbounded_channel();
    let request = generation(Prompt::Text("hello".into()), Form::Free);
    let done = model.run(&request, &Run { go_on: &|| true, pieces: Some(&pieces) }).unwrap();
    drop(pieces);
    let mut whole = String::new();
    while let Some(piece) = read.blocking_recv() {
        whole += &piece;
    }
    assert_eq!(whole, text(done).0);
}

#[test]
fn nonsense_about_an_incident_is_left_with_the_deterministic_sentence() {
    let done = run(&*writer(4096), &Request::SummarizeIncident(Box::new(case()))).unwrap();
    let Reply::Words(words) = &done.reply else { panic!("{done:?}") };
    assert_eq!((words.text.as_str(), done.by), (incident().summary.as_str(), WordedBy::Rules));
    assert!(words.fallback.is_some() && done.tokens_in > 0, "{done:?}");
}

#[test]
fn texts_become_vectors_and_classes() {
    let reader = load(&Made::encoder(&Vocabulary::default())).unwrap();
    let texts = vec!["hello".to_owned(), "world".to_owned()];
    let done = run(&*reader, &Request::Embed { texts }).unwrap();
    let Reply::Vectors(vectors) = &done.reply else { panic!("{done:?}") };
    for vector in vectors {
        let length: f32 = vector.iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-3, "{length}");
    }
    assert_eq!(vectors.len(), 2);

    let labels = ["leak", "wear", "nothing"];
    let read = Made::classifier(&Vocabulary::default(), &labels);
    let mut written = Made::decoder(&Shape { context: 1_024, ..Shape::default() });
    written.labels = labels.map(String::from).to_vec();
    let (text, incident) = (Request::ClassifyText { text: "hello".into() }, Box::new(case()));
    let incident = Request::ClassifyIncident(incident);
    let refused = run(&*load(&read).unwrap(), &incident).unwrap_err();
    assert!(matches!(&refused, Refusal::Invalid { field, .. } if field == "incident"), "{refused}");
    for (made, request) in [(&read, &text), (&written, &text), (&written, &incident)] {
        let done = run(&*load(made).unwrap(), request).unwrap();
        let Reply::Class(found) = &done.reply else { panic!("{done:?}") };
        let whole: f32 = found.scores.iter().map(|(_, probability)| probability).sum();
        assert!((whole - 1.0).abs() < 1e-3 && found.scores.len() == 3, "{found:?}");
        let sure = found.confidence >= TasksConfig::default().classify_text.min_confidence as f32;
        assert_eq!(found.label.is_some(), sure, "{found:?}");
    }
}

#[test]
fn a_text_is_classified_as_it_was_written_out_and_both_are_answered() {
    let file = json!({"schema": 1, "least": 0.5, "weights": {"seen": 9.0}, "words": {}, "pairs": {}, "general": [],
                      "seen": {"hi": {"hello": 2}}, "shapes": {}, "golden": {"hi": "hello"}});
    let plain = Made::classifier(&Vocabulary::default(), &["leak", "wear"]);
    let with = |file: String| {
        let mut made = plain.clone();
        made.normaliser = Some(file);
        made
    };
    let made = with(file.to_string());
    let ask = |made: &Made, text: &str| {
        run(&*load(made).unwrap(), &Request::ClassifyText { text: text.into() }).unwrap()
    };
    let (done, whole) = (ask(&made, "HI"), ask(&plain, "hello"));
    assert_eq!((done.normalised.as_deref(), whole.normalised), (Some("hello"), None));
    assert_eq!(done.reply, whole.reply);
    assert!(load(&with("{}".into())).err().unwrap().starts_with("language.normaliser: "));
}

#[test]
fn a_model_that_only_reads_refuses_to_write() {
    let reader = load(&Made::encoder(&Vocabulary::default())).unwrap();
    let refused = run(&*reader, &generation(Prompt::Text("hello".into()), Form::Free)).unwrap_err();
    assert!(refused.to_string().contains("cannot write"), "{refused}");
    let refused = run(&*writer(64), &Request::Embed { texts: vec!["hello".into()] }).unwrap_err();
    assert!(refused.to_string().contains("makes no vectors"), "{refused}");
}

#[test]
fn a_bundle_that_has_changed_since_the_start_is_not_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let mut made = Made::decoder(&Shape::default());
    made.write(folder.path()).unwrap();
    let source = Source::At { path: folder.path().to_owned(), sha256: None };
    let manifest = source.manifest().unwrap();
    made.release += 1;
    made.write(folder.path()).unwrap();
    let loader = BundleLoader {
        options: LoadOptions::default(),
        tasks: TasksConfig::default(),
        clock: Arc::new(ManualClock::default()),
    };
    let refused = loader.load(&Model { source, manifest }).map(|_| ()).unwrap_err();
    assert!(refused.contains("another bundle than when the agent started"), "{refused}");
}
