//! A real endpoint on a real socket that misbehaves on purpose.

use std::net::TcpListener;

use super::super::endpoint::HttpEndpoint;
use super::*;
use crate::update::fetch::tests::server::Server;

/// What an endpoint answers with this text.
fn completion(text: &str) -> String {
    serde_json::json!({
        "id": "1", "object": "chat.completion", "created": 0, "model": "large",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 90, "completion_tokens": 3, "total_tokens": 93},
    })
    .to_string()
}

fn at(url: &str) -> Bench {
    bench(CLASS, |config| {
        config.escalation.url = format!("{url}/v1/");
        // Only the test of a silent endpoint waits so long.
        config.escalation.timeout = Span::millis(300);
        Box::new(HttpEndpoint::new(&config.escalation).unwrap())
    })
}

fn answering(head: &'static str, body: &'static str) -> Server {
    Server::start(move |_, out| out.answer(head, body.as_bytes()))
}

/// Asks once, and says what came of it.
fn outcome(bench: &Bench) -> String {
    assert_eq!(bench.label(), OPEN);
    let outcomes = bench.outcomes(Task::ClassifyIncident);
    assert_eq!(outcomes.iter().map(|(_, count)| count).sum::<u64>(), 1, "{outcomes:?}");
    outcomes[0].0.clone()
}

#[test]
fn an_endpoint_is_asked_as_openai_is_with_the_token_of_the_file() {
    let server = Server::start(|_, out| out.answer("200 OK", completion("cavitation").as_bytes()));
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "s3cret\n").unwrap();
    let bench = bench(CLASS, |config| {
        config.escalation.url = format!("{}/v1", server.url());
        config.escalation.token_file = Some(token);
        Box::new(HttpEndpoint::new(&config.escalation).unwrap())
    });
    assert_eq!(bench.label(), (Some("cavitation".into()), WordedBy::Escalation));
    let request = &server.requests()[0];
    assert_eq!(request.line, "POST /v1/chat/completions HTTP/1.1");
    assert_eq!(request.headers["authorization"], "Bearer s3cret");
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!((&body["model"], &body["stream"]), (&"large".into(), &false.into()));
    let roles: Vec<_> = body["messages"].as_array().unwrap().iter().map(|turn| &turn["role"]).collect();
    assert_eq!(roles, ["system", "user"]);
}

#[test]
fn an_endpoint_that_is_down_leaves_the_answer_open() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(outcome(&at(&format!("http://{closed}"))), "unavailable");
    // It hangs up in the middle of its answer.
    let server = Server::start(|_, out| {
        std::io::Write::write_all(out, b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{\"choices\":")
    });
    assert_eq!(outcome(&at(&server.url())), "unavailable");
}

#[test]
fn an_endpoint_that_is_slow_leaves_the_answer_open() {
    let server = Server::start(|_, out| {
        out.hung_up(Duration::from_secs(60));
        Ok(())
    });
    assert_eq!(outcome(&at(&server.url())), "too_slow");
    let server = Server::start(|_, out| {
        std::io::Write::write_all(out, b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{\"choices\":")?;
        out.hung_up(Duration::from_secs(60));
        Ok(())
    });
    assert_eq!(outcome(&at(&server.url())), "too_slow");
}

#[test]
fn an_endpoint_that_lies_leaves_the_answer_open() {
    let server = Server::start(|_, out| out.answer("200 OK", completion("explosion").as_bytes()));
    assert_eq!(outcome(&at(&server.url())), "violations");
}

#[test]
fn an_endpoint_that_refuses_or_speaks_otherwise_leaves_the_answer_open() {
    for (head, body) in [
        ("401 Unauthorized", "{\"error\":{\"message\":\"no such token\"}}"),
        ("500 Internal Server Error", ""),
        ("200 OK", "hello"),
        ("200 OK", "{\"choices\":[]}"),
        ("200 OK", "{\"choices\":[{\"message\":{\"content\":null}}]}"),
    ] {
        let server = answering(head, body);
        assert_eq!(outcome(&at(&server.url())), "refused", "{head} {body}");
    }
}

#[test]
fn evidence_follows_no_redirect() {
    let other = answering("200 OK", "{}");
    let location = format!("307 Temporary Redirect\r\nLocation: {}/v1/chat/completions", other.url());
    let server = Server::start(move |_, out| out.answer(&location, b""));
    assert_eq!(outcome(&at(&server.url())), "refused");
    assert_eq!(other.requests().len(), 0);
}
