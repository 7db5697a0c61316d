//! Small documents and reports.

use std::io::Write;
use std::net::TcpListener;
use std::time::Duration;

use lineside_bundle::trust::Source;

use super::super::{FetchError, Http, HttpSource, Kind, Limits};
use super::server::Server;

/// What a timestamp may have.
const LIMIT: u64 = 16 << 10;

/// Sockets on both sides hold some megabytes; a gigabyte they do not.
const IN_FLIGHT: u64 = 64 << 20;

fn client(server: &Server) -> Http {
    Http::new(&server.url(), None, Limits::default()).unwrap()
}

fn get(server: &Server) -> Result<Option<Vec<u8>>, FetchError> {
    client(server).get_small("metadata/timestamp.json", LIMIT)
}

#[test]
fn a_document_is_fetched_from_below_the_base() {
    let server = Server::fixed("200 OK", b"{}");
    assert_eq!(get(&server).unwrap().unwrap(), b"{}");
    let request = &server.requests()[0];
    assert_eq!(request.line, "GET /metadata/timestamp.json HTTP/1.1");
    assert!(request.headers["user-agent"].starts_with("lineside/"));
    assert_eq!(request.headers["accept-encoding"], "identity");
}

#[test]
fn a_document_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
    let server = Server::start(|request, out| {
        let length = LIMIT as usize + request.number;
        out.answer("200 OK", &vec![b' '; length])
    });
    assert_eq!(get(&server).unwrap().unwrap().len() as u64, LIMIT);
    assert_eq!(get(&server).unwrap_err().kind, Kind::TooLong);
}

#[test]
fn row_3_a_timestamp_of_a_gigabyte_is_cut_off_at_16_kib() {
    let server = Server::start(|_, out| {
        write!(out, "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")?;
        let spaces = vec![b' '; 1 << 16];
        (0..1 << 14).try_for_each(|_| out.write_all(&spaces))
    });
    let error = get(&server).unwrap_err();
    assert_eq!(error.kind, Kind::TooLong);
    assert!(error.detail.contains("16384"), "{error}");
    let sent = server.sent();
    assert!(sent < IN_FLIGHT, "{sent}");
}

#[test]
fn row_3_endless_chunks_are_cut_off_too() {
    let server = Server::start(|_, out| {
        write!(out, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        let chunk = [b"10000\r\n".as_slice(), &[b' '; 1 << 16], b"\r\n"].concat();
        loop {
            out.write_all(&chunk)?;
        }
    });
    assert_eq!(get(&server).unwrap_err().kind, Kind::TooLong);
}

#[test]
fn an_endless_head_is_cut_off() {
    let server = Server::start(|_, out| {
        write!(out, "HTTP/1.1 200 OK\r\n")?;
        loop {
            out.write_all(b"X-More: and more and more\r\n")?;
        }
    });
    assert!(matches!(get(&server).unwrap_err().kind, Kind::Retry { .. }));
}

#[test]
fn a_length_that_promises_more_than_comes_is_an_error() {
    let server = Server::start(|_, out| write!(out, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{{}}"));
    assert!(matches!(get(&server).unwrap_err().kind, Kind::Retry { .. }));
}

#[test]
fn row_23_what_is_not_there_is_none() {
    for head in ["404 Not Found", "410 Gone"] {
        assert_eq!(get(&Server::fixed(head, b"nothing here")).unwrap(), None, "{head}");
    }
}

#[test]
fn row_24_a_busy_server_says_when_to_come_back() {
    for head in ["503 Service Unavailable\r\nRetry-After: 120", "429 Too Many Requests\r\nRetry-After: 120"] {
        let error = get(&Server::fixed(head, b"")).unwrap_err();
        assert_eq!(error.kind, Kind::Retry { after: Some(Duration::from_secs(120)) });
    }
    assert_eq!(get(&Server::fixed("500 Oops", b"")).unwrap_err().kind, Kind::Retry { after: None });
}

#[test]
fn other_refusals_say_their_status() {
    for (head, status) in [("401 Unauthorized", 401), ("403 Forbidden", 403), ("400 Bad Request", 400)] {
        assert_eq!(get(&Server::fixed(head, b"")).unwrap_err().kind, Kind::Refused(status));
    }
}

#[test]
fn a_redirect_is_not_followed_to_another_host() {
    let other = Server::fixed("200 OK", b"caught");
    let to = format!("{}/metadata/timestamp.json", other.url());
    let server = Server::start(move |_, out| out.answer(&format!("302 Found\r\nLocation: {to}"), b""));
    let error = get(&server).unwrap_err();
    assert_eq!(error.kind, Kind::Refused(302));
    assert!(error.detail.contains(&other.url()), "{error}");
    let post = client(&server).post_json("v1/status", b"{}", &[]).unwrap_err();
    assert_eq!(post.kind, Kind::Refused(302));
    assert!(other.requests().is_empty());
}

#[test]
fn row_25_a_document_that_drips_has_a_deadline_as_a_whole() {
    let server = Server::start(|_, out| {
        write!(out, "HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")?;
        while !out.hung_up(Duration::from_millis(20)) {
            out.write_all(b" ")?;
        }
        Ok(())
    });
    let limits = Limits { small: Duration::from_millis(300), ..Limits::default() };
    let error = Http::new(&server.url(), None, limits).unwrap().get_small("x", LIMIT).unwrap_err();
    assert!(matches!(error.kind, Kind::Retry { .. }), "{error}");
    assert!(server.sent() < 1000);
}

#[test]
fn nobody_listening_is_worth_another_try() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let http = Http::new(&format!("http://127.0.0.1:{port}"), None, Limits::default()).unwrap();
    let error = http.get_small("metadata/timestamp.json", LIMIT).unwrap_err();
    assert!(matches!(error.kind, Kind::Retry { .. }) && error.detail.contains("timestamp.json"), "{error}");
}

#[test]
fn a_report_is_sent_with_its_headers() {
    let server = Server::fixed("204 No Content", b"");
    let headers = [("Lineside-Device", "site/gateway"), ("Lineside-Signature", "ab12")];
    let answer = client(&server).post_json("v1/status", b"{\"counter\":7}", &headers).unwrap();
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    let request = &server.requests()[0];
    assert_eq!(request.line, "POST /v1/status HTTP/1.1");
    assert_eq!(request.body, b"{\"counter\":7}");
    assert_eq!(request.headers["content-type"], "application/json");
    assert_eq!(request.headers["lineside-device"], "site/gateway");
    assert_eq!(request.headers["lineside-signature"], "ab12");
}

#[test]
fn a_refused_report_quotes_the_server_without_its_control_characters() {
    let server = Server::fixed("401 Unauthorized", b"unknown device\x1b[2J\n");
    let error = client(&server).post_json("v1/status", b"{}", &[]).unwrap_err();
    assert_eq!(error.kind, Kind::Refused(401));
    assert!(error.detail.contains("unknown device[2J") && !error.detail.contains('\x1b'), "{error}");
}

#[test]
fn https_needs_an_authority() {
    let error = Http::new("https://localhost:1", None, Limits::default()).unwrap_err();
    assert_eq!(error.kind, Kind::Setup);
}

#[test]
fn a_repository_is_read_through_the_verifiers_eyes() {
    let server = Server::start(|request, out| match request.number {
        0 | 1 => out.answer("200 OK", b"{}"),
        2 => out.answer("404 Not Found", b""),
        3 => out.answer("200 OK", b"too much"),
        _ => out.answer("503 Busy\r\nRetry-After: 7", b""),
    });
    let source = HttpSource::new(client(&server));
    assert_eq!(source.metadata("1.models-a%2Fb.json", 2), Ok(Some(b"{}".to_vec())));
    assert_eq!(source.target("rollouts/a b/0a.x.json", 2), Ok(Some(b"{}".to_vec())));
    assert_eq!(source.metadata("2.root.json", 2), Ok(None));
    let error = source.metadata("timestamp.json", 2).unwrap_err();
    assert!(error.too_large && error.retry_after.is_none());
    let error = source.metadata("timestamp.json", 2).unwrap_err();
    assert_eq!((error.too_large, error.retry_after), (false, Some(Duration::from_secs(7))));
    let lines: Vec<String> = server.requests().into_iter().map(|request| request.line).collect();
    assert_eq!(lines[0], "GET /metadata/1.models-a%2Fb.json HTTP/1.1");
    assert_eq!(lines[1], "GET /targets/rollouts/a%20b/0a.x.json HTTP/1.1");
}
