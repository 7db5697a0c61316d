//! The repository's files.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::fixture::{Fixture, bytes};

fn bundle(fixture: &Fixture, content: &[u8]) -> String {
    let path =
        format!("targets/models/detector/{}.detector-1.1.0-r2.tar", hex::encode(Sha256::digest(content)));
    fixture.put(&path, content);
    format!("/{path}")
}

#[test]
fn a_target_is_streamed_whole_with_a_strong_tag_and_kept_for_ever() {
    let fixture = Fixture::new();
    let content = bytes(1_000_003);
    let answer = fixture.get(&bundle(&fixture, &content), &[]);
    assert_eq!((answer.status, answer.body == content), (200, true));
    assert_eq!(answer.header("content-length"), "1000003");
    assert_eq!(answer.header("accept-ranges"), "bytes");
    assert!(
        answer.header("cache-control").contains("immutable")
            && answer.header("cache-control").contains("max-age=31536000")
    );
    assert!(answer.header("etag").starts_with('"'), "strong: {}", answer.header("etag"));
}

#[test]
fn row_21_a_download_goes_on_where_it_was_cut() {
    let fixture = Fixture::new();
    let content = bytes(700_000);
    let path = bundle(&fixture, &content);
    let tag = fixture.get(&path, &[("range", "bytes=0-0")]).header("etag").to_owned();
    for cut in [1, 131_071, 131_072, 131_073, 699_999] {
        let range = format!("bytes={cut}-");
        let answer = fixture.get(&path, &[("range", &range), ("if-range", &tag)]);
        assert_eq!(answer.status, 206);
        assert_eq!(answer.header("content-range"), format!("bytes {cut}-699999/700000"));
        assert!(answer.body == content[cut..], "from {cut}");
    }
}

#[test]
fn row_22_a_range_of_another_file_gives_the_whole_of_this_one() {
    let fixture = Fixture::new();
    let content = bytes(1000);
    let path = bundle(&fixture, &content);
    let answer = fixture.get(&path, &[("range", "bytes=500-"), ("if-range", "\"another\"")]);
    assert_eq!((answer.status, answer.body == content), (200, true));
}

#[test]
fn a_range_past_the_end_is_416_with_the_size() {
    let fixture = Fixture::new();
    let path = bundle(&fixture, &bytes(1000));
    let answer = fixture.get(&path, &[("range", "bytes=1000-")]);
    assert_eq!((answer.status, answer.header("content-range")), (416, "bytes */1000"));
}

#[test]
fn a_known_tag_is_304_for_metadata_and_targets() {
    let fixture = Fixture::new();
    fixture.put("metadata/1.root.json", b"{}");
    for path in [bundle(&fixture, &bytes(1000)), "/metadata/1.root.json".to_owned()] {
        let tag = fixture.get(&path, &[]).header("etag").to_owned();
        let again = fixture.get(&path, &[("if-none-match", &tag)]);
        assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, tag.as_str()));
        assert_eq!(fixture.get(&path, &[("if-none-match", "\"old\"")]).status, 200);
    }
}

#[test]
fn head_says_what_get_would() {
    let fixture = Fixture::new();
    fixture.put("metadata/timestamp.json", b"{\"signed\":1}");
    wait_until(|| fixture.get("/metadata/timestamp.json", &[]).status == 200);
    for (path, size) in
        [(bundle(&fixture, &bytes(1000)), "1000"), ("/metadata/timestamp.json".to_owned(), "12")]
    {
        let (head, get) = (fixture.head(&path), fixture.get(&path, &[]));
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!((head.header("content-length"), get.header("content-length")), (size, size));
        assert_eq!(head.header("etag"), get.header("etag"));
    }
}

#[test]
fn a_new_timestamp_is_served_within_seconds_and_asked_for_each_time() {
    let fixture = Fixture::new();
    fixture.put("metadata/timestamp.json", b"one");
    wait_until(|| fixture.get("/metadata/timestamp.json", &[]).body == b"one");
    let first = fixture.get("/metadata/timestamp.json", &[]);
    assert_eq!(first.header("cache-control"), "no-cache");
    fixture.put("metadata/timestamp.json", b"two");
    let tag = first.header("etag").to_owned();
    wait_until(|| fixture.get("/metadata/timestamp.json", &[("if-none-match", &tag)]).body == b"two");
}

#[test]
fn metadata_that_is_newer_than_memory_is_served_from_the_disk() {
    let fixture = Fixture::new();
    fixture.put("metadata/timestamp.json", b"one");
    wait_until(|| fixture.get("/metadata/timestamp.json", &[]).status == 200);
    fixture.put("metadata/9.snapshot.json", b"snapshot");
    let answer = fixture.get("/metadata/9.snapshot.json", &[]);
    assert_eq!((answer.status, answer.body), (200, b"snapshot".to_vec()));
}

#[test]
fn metadata_has_one_tag_whether_it_comes_from_the_disk_or_from_memory() {
    let fixture = Fixture::new();
    fixture.put("metadata/timestamp.json", b"one");
    let tag = |content: &[u8]| format!("\"{}\"", hex::encode(&Sha256::digest(content)[..16]));
    let path = "/metadata/timestamp.json";
    wait_until(|| fixture.get(path, &[]).status == 200);
    // The lease is never in memory; the timestamp is there a second after it was first served.
    fixture.put("metadata/lease.json", b"lease");
    assert_eq!(fixture.get("/metadata/lease.json", &[]).header("etag"), tag(b"lease"));
    assert_eq!(fixture.get(path, &[]).header("etag"), tag(b"one"));
}

#[test]
fn row_19_no_path_leads_out_of_the_repository() {
    let fixture = Fixture::new();
    std::fs::write(fixture.folder.path().join("online.key"), "secret").unwrap();
    std::fs::create_dir_all(fixture.repo().join("keys")).unwrap();
    std::fs::write(fixture.repo().join("keys/online.key"), "secret").unwrap();
    fixture.put("metadata/.hidden.json", b"secret");
    for path in [
        "/keys/online.key",
        "/metadata/../keys/online.key",
        "/metadata/%2e%2e/keys/online.key",
        "/targets/..%2f..%2fonline.key",
        "/targets/../../online.key",
        "/targets/x/../../keys/online.key",
        "/metadata/.hidden.json",
        "/targets//etc/passwd",
        "/targets",
        "/targets/",
        "/metadata/",
    ] {
        // Written by hand: a client would tidy the path up.
        let mut stream = TcpStream::connect(fixture.server().address()).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
        assert!(!answer.contains("secret"), "{path}");
    }
}

#[test]
fn nothing_can_be_written_to_the_repository() {
    let fixture = Fixture::new();
    assert_eq!(fixture.post("/targets/models/x.tar", &[], b"x").status, 405);
    assert_eq!(fixture.post("/metadata/timestamp.json", &[], b"x").status, 405);
}

/// Waits for a condition that the server brings about by itself.
pub fn wait_until(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(20), "it never came about");
        std::thread::sleep(Duration::from_millis(20));
    }
}
