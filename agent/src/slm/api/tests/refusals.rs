//! Who is not answered, and what they are told.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;

use serde_json::json;

use super::super::body::BODY_MAX;
use super::super::{ApiServer, ApiStartError};
use super::{ENDLESS, Served, chat};
use crate::config::slm::SlmApiConfig;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn with_token() -> Served {
    Served::with(|config, folder| {
        let path = folder.join("token");
        std::fs::write(&path, TOKEN).unwrap();
        config.api.token_file = Some(path);
        config.api.socket = Some(folder.join("api.sock"));
    })
}

#[test]
fn without_the_token_nothing_is_answered() {
    let api = with_token();
    for path in ["/v1/models", "/openapi.json", "/v1/chat/completions", "/elsewhere"] {
        let heard = api.send("GET", path, &[], "");
        assert_eq!(heard.refusal(), (401, "invalid_api_key".into(), None), "{path}");
        assert_eq!(heard.header("www-authenticate"), Some("Bearer"));
    }
    let other = format!("Bearer {}", TOKEN.replace('0', "1"));
    assert_eq!(api.send("GET", "/v1/models", &[("authorization", &other)], "").status, 401);
    let right = format!("Bearer {TOKEN}");
    assert_eq!(api.send("GET", "/v1/models", &[("authorization", &right)], "").status, 200);
}

#[test]
fn who_may_open_the_socket_needs_no_token() {
    let api = with_token();
    let mut stream = UnixStream::connect(api.folder.path().join("api.sock")).unwrap();
    stream.write_all(b"GET /v1/models HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("writer"), "{answer}");
}

#[test]
fn beyond_loopback_it_listens_with_a_token_alone() {
    let listen = "0.0.0.0:0".parse().unwrap();
    let config = SlmApiConfig { enabled: true, listen, ..SlmApiConfig::default() };
    let error = ApiServer::bind(&config).unwrap_err();
    assert!(matches!(error, ApiStartError::Open(_)), "{error}");
    assert!(error.to_string().contains("slm.api.token_file"));
}

#[test]
fn a_page_in_a_browser_is_not_answered() {
    let api = Served::start();
    let body = chat("hello").to_string();
    for origin in ["https://example.org", "null", "http://127.0.0.1:9481"] {
        let heard = api.send("POST", "/v1/chat/completions", &[("origin", origin)], &body);
        assert_eq!(heard.refusal(), (403, "origin_not_allowed".into(), None));
    }
}

#[test]
fn an_unknown_model_is_refused_with_the_known_ones() {
    let api = Served::start();
    let heard = api.post("/v1/completions", &json!({"model": "gpt-5", "prompt": "a"}));
    assert_eq!(heard.refusal(), (404, "model_not_found".into(), Some("model".into())));
    assert!(heard.body.contains("known: writer"), "{}", heard.body);
}

#[test]
fn without_any_model_the_task_is_refused_with_what_to_do() {
    let api = Served::with(|config, _| {
        config.task = Default::default();
        config.task.classify_incident.built_in = false;
    });
    let heard = api.post("/v1/summarize", &json!({"incident": super::incident()}));
    assert_eq!(heard.refusal().1, "task_not_configured");
    assert!(heard.body.contains("[slm.task]"), "{}", heard.body);
    assert_eq!(api.send("GET", "/v1/models", &[], "").json()["data"], json!([]));
}

#[test]
fn a_body_that_is_too_large_is_refused_before_and_while_it_comes() {
    let api = Served::start();
    let announced = format!(
        "POST /v1/completions HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        BODY_MAX + 1
    );
    assert!(exchange(&api, announced.as_bytes()).starts_with("HTTP/1.1 413"));
    let mut chunked =
        b"POST /v1/completions HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            .to_vec();
    chunked.extend(format!("{:x}\r\n", BODY_MAX + 1).as_bytes());
    chunked.resize(chunked.len() + BODY_MAX + 1, b' ');
    chunked.extend(b"\r\n0\r\n\r\n");
    assert!(exchange(&api, &chunked).starts_with("HTTP/1.1 413"));
}

/// Sends bytes and reads until the server closes or has no more to say.
fn exchange(api: &Served, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(api.address).unwrap();
    // The server may answer and close before it has all.
    let _ = stream.write_all(bytes);
    let mut heard = vec![0; 4096];
    let read = stream.read(&mut heard).unwrap();
    String::from_utf8_lossy(&heard[..read]).into_owned()
}

#[test]
fn a_path_or_method_that_is_none_is_told_where_to_look() {
    let api = Served::start();
    assert_eq!(api.send("GET", "/", &[], "").refusal(), (404, "not_found".into(), None));
    let heard = api.send("GET", "/v1/classify", &[], "");
    assert_eq!(heard.refusal(), (405, "method_not_allowed".into(), None));
    assert!(heard.body.contains("/openapi.json"));
}

#[test]
fn a_full_queue_is_refused_with_when_to_come_again() {
    let api = Served::with(|config, _| config.queue = 1);
    let ask = || {
        let mut stream = TcpStream::connect(api.address).unwrap();
        stream
            .write_all(super::streaming::request("/v1/chat/completions", &chat(ENDLESS)).as_bytes())
            .unwrap();
        stream
    };
    let answered = ask();
    assert_eq!(api.seen.recv().unwrap(), "begun");
    // One of these two waits, and the other one hears that nobody else may.
    let (told, hears) = mpsc::channel();
    let streams = [ask(), ask()];
    for stream in &streams {
        let (told, mut stream) = (told.clone(), stream.try_clone().unwrap());
        thread::spawn(move || {
            let mut heard = vec![0; 4096];
            let read = stream.read(&mut heard).unwrap_or_default();
            // The test may be over.
            let _ = told.send(String::from_utf8_lossy(&heard[..read]).to_ascii_lowercase());
        });
    }
    let heard = hears.recv().unwrap();
    assert!(heard.starts_with("http/1.1 429"), "{heard}");
    assert!(heard.contains("retry-after: 1") && heard.contains("rate_limit_exceeded"), "{heard}");
    for stream in streams.iter().chain([&answered]) {
        stream.shutdown(Shutdown::Both).unwrap();
    }
}
