//! Answers while they are written, and clients that do not wait for them.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::{BROKEN, ENDLESS, Heard, PIECES, Served, chat};

/// The events of a stream, without the mark at its end.
pub(super) fn events(heard: &Heard) -> Vec<Value> {
    assert_eq!(heard.header("content-type"), Some("text/event-stream"));
    let text = heard.body.strip_suffix("data: [DONE]\n\n").expect("the mark at the end");
    read(text)
}

fn read(text: &str) -> Vec<Value> {
    let event = |frame: &str| serde_json::from_str(frame.strip_prefix("data: ").unwrap()).unwrap();
    text.split_terminator("\n\n").map(event).collect()
}

/// A request as it goes over the wire.
pub(super) fn request(path: &str, body: &Value) -> String {
    let body = body.to_string();
    let head = format!("POST {path} HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n");
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn streamed(mut body: Value, usage: bool) -> Value {
    body["stream"] = json!(true);
    if usage {
        body["stream_options"] = json!({"include_usage": true});
    }
    body
}

#[test]
fn the_pieces_are_the_answer() {
    let api = Served::start();
    let whole = api.post("/v1/chat/completions", &chat("hello")).json();
    let events = events(&api.post("/v1/chat/completions", &streamed(chat("hello"), true)));
    let (spent, chunks) = events.split_last().unwrap();
    let text: String = chunks.iter().filter_map(|c| c["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(text, PIECES.concat());
    assert_eq!(text, whole["choices"][0]["message"]["content"]);
    assert_eq!(chunks[0]["choices"][0]["delta"], json!({"role": "assistant", "content": ""}));
    assert!(chunks.iter().all(|chunk| chunk["usage"].is_null() && chunk["id"] == spent["id"]));
    let last = &chunks.last().unwrap()["choices"][0];
    assert_eq!((&last["delta"], &last["finish_reason"]), (&json!({}), &json!("length")));
    assert_eq!(spent["choices"], json!([]));
    assert_eq!(spent["usage"], whole["usage"]);
}

#[test]
fn a_text_is_streamed_without_a_role() {
    let api = Served::start();
    let body = streamed(json!({"model": "writer", "prompt": "once"}), false);
    let events = events(&api.post("/v1/completions", &body));
    let text: String = events.iter().filter_map(|chunk| chunk["choices"][0]["text"].as_str()).collect();
    assert_eq!(text, PIECES.concat());
    assert!(events.iter().all(|chunk| chunk.get("usage").is_none()));
}

#[test]
fn what_is_refused_before_the_first_piece_keeps_its_status() {
    let api = Served::start();
    let unknown = json!({"model": "gpt-5", "messages": [{"role": "user", "content": "a"}]});
    assert_eq!(api.post("/v1/chat/completions", &streamed(unknown, false)).status, 404);
    let heard = api.post("/v1/chat/completions", &streamed(chat(""), false));
    assert_eq!(heard.refusal(), (400, "invalid_value".into(), Some("prompt".into())));
}

#[test]
fn what_fails_on_the_way_is_the_last_event() {
    let api = Served::start();
    let heard = api.post("/v1/chat/completions", &streamed(chat(BROKEN), false));
    let events = read(&heard.body);
    assert_eq!(events.last().unwrap()["error"]["code"], "model_failed");
    assert!(events.iter().any(|event| event["choices"][0]["delta"]["content"] == PIECES[0]));
}

#[test]
fn a_client_that_goes_away_stops_what_was_begun_for_it() {
    let api = Served::start();
    let shift = json!({"from": "1970-01-01T00:00:00Z", "to": "2026-11-21T14:00:00Z"});
    for (path, body) in [
        ("/v1/chat/completions", streamed(chat(ENDLESS), false)),
        ("/v1/chat/completions", chat(ENDLESS)),
        ("/v1/report", shift),
    ] {
        let mut stream = TcpStream::connect(api.address).unwrap();
        stream.write_all(request(path, &body).as_bytes()).unwrap();
        assert_eq!(api.seen.recv().unwrap(), "begun");
        if body["stream"] == true {
            // It has begun to come.
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            assert_eq!(line, "HTTP/1.1 200 OK\r\n");
        }
        drop(stream);
        assert_eq!(api.seen.recv().unwrap(), "ended");
    }
    // The place is free again.
    assert_eq!(api.post("/v1/chat/completions", &chat("hello")).status, 200);
}
