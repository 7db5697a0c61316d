//! Targets, cut, changed, endless and slow.

use std::fs;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lineside_bundle::Sha256Hex;
use tempfile::TempDir;

use super::super::{Download, Downloaded, FetchError, Http, Kind, Limits, Rules, Wanted};
use super::server::{Out, Request, Server};
use crate::clock::{ManualClock, SystemClock};
use crate::time::Timestamp;

const SIZE: usize = 1 << 20;
const PATH: &str = "targets/models/detector/x.tar";
const PATIENCE: Duration = Duration::from_secs(30);

/// No two stretches are alike, so that a splice at a wrong place shows.
pub fn content() -> Vec<u8> {
    (0..SIZE as u32 / 4).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

pub fn wanted(bytes: &[u8]) -> Wanted {
    Wanted { sha256: Sha256Hex::of(bytes), length: bytes.len() as u64 }
}

/// Serves `bytes` as a good server would, but hangs up before the byte `until`.
fn serve(bytes: &[u8], etag: &str, request: &Request, out: &mut Out, until: usize) -> io::Result<()> {
    let same = request.headers.get("if-range").is_none_or(|tag| tag == etag);
    let from = request.from().filter(|_| same);
    let (head, start) = match from {
        Some(from) => {
            (format!("206 Partial\r\nContent-Range: bytes {from}-{}/{}", bytes.len() - 1, bytes.len()), from)
        }
        None => ("200 OK".to_owned(), 0),
    };
    let length = bytes.len() - start;
    write!(out, "HTTP/1.1 {head}\r\nETag: {etag}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")?;
    out.write_all(&bytes[start..until.max(start).min(bytes.len())])
}

pub struct Bench {
    pub folder: TempDir,
    pub want: Wanted,
    rules: Rules,
}

impl Bench {
    fn new() -> Self {
        let rules = Rules { min_rate: 1000, window: Duration::from_secs(30), margin: 0 };
        Bench { folder: tempfile::tempdir().unwrap(), want: wanted(&content()), rules }
    }

    fn run(&self, server: &Server) -> Result<Downloaded, FetchError> {
        let http = Http::new(&server.url(), None, Limits::default()).unwrap();
        let download = Download::new(self.folder.path(), self.rules);
        let done = download.run(&http, PATH, &self.want, &SystemClock::new(), &AtomicBool::new(false));
        assert_eq!(download.progress().load(Ordering::Relaxed), self.kept().map_or(0, |kept| kept as u64));
        done
    }

    fn retry(&self, server: &Server) {
        let error = self.run(server).unwrap_err();
        assert!(matches!(error.kind, Kind::Retry { .. }), "{error}");
    }

    fn complete(&self, server: &Server) -> Downloaded {
        let done = self.run(server).unwrap();
        assert!(fs::read(&done.path).unwrap() == content(), "the file is not what was served");
        done
    }

    /// Length of the part on the disk.
    fn kept(&self) -> Option<usize> {
        let path = self.folder.path().join(format!("{}.part", self.want.sha256));
        fs::metadata(path).ok().map(|meta| meta.len() as usize)
    }

    fn assert_empty(&self) {
        assert_eq!(fs::read_dir(self.folder.path()).unwrap().count(), 0, "something was left behind");
    }
}

#[test]
fn a_whole_file_is_fetched_once() {
    let bench = Bench::new();
    let server = Server::start(|request, out| serve(&content(), "\"a\"", request, out, SIZE));
    assert_eq!(bench.complete(&server).fetched, SIZE as u64);
    // Asked again, the disk answers.
    assert_eq!(bench.complete(&server).fetched, 0);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn row_1_changed_bytes_of_the_same_length_are_rejected() {
    let bench = Bench::new();
    let server = Server::start(|request, out| {
        let mut bytes = content();
        bytes[SIZE / 2] ^= 1;
        serve(&bytes, "\"a\"", request, out, SIZE)
    });
    let error = bench.run(&server).unwrap_err();
    assert_eq!((error.kind, error.kind.reason()), (Kind::HashMismatch, "hash_mismatch"));
    assert_eq!(server.requests().len(), 1);
    bench.assert_empty();
}

#[test]
fn row_2_endless_data_is_cut_off_at_the_signed_length() {
    let heads = ["Content-Length: 1099511627776", "Connection: close"];
    for head in heads {
        let bench = Bench::new();
        let server = Server::start(move |_, out| {
            write!(out, "HTTP/1.1 200 OK\r\nETag: \"a\"\r\n{head}\r\n\r\n")?;
            let bytes = content();
            loop {
                out.write_all(&bytes)?;
            }
        });
        let error = bench.run(&server).unwrap_err();
        assert_eq!((error.kind, error.kind.reason()), (Kind::TooLong, "too_long"));
        bench.assert_empty();
    }
}

#[test]
fn row_21_cut_at_every_tenth_five_times_it_costs_no_more_than_a_twentieth() {
    let bench = Bench::new();
    // At each tenth five connections end: the first brings it, the others break at once.
    let server = Server::start(|request, out| {
        let until = SIZE * (request.number / 5 + 1) / 10;
        serve(&content(), "\"a\"", request, out, until)
    });
    for attempt in 0..45 {
        bench.retry(&server);
        assert_eq!(bench.kept(), Some(SIZE * (attempt / 5 + 1) / 10));
    }
    bench.complete(&server);
    let sent = server.sent();
    assert!(sent as f64 <= 1.05 * SIZE as f64, "{sent} bytes for {SIZE}");
    let requests = server.requests();
    assert!(requests[1..].iter().all(|request| request.headers["if-range"] == "\"a\""));
}

#[test]
fn row_22_a_server_that_ignores_range_is_read_from_zero() {
    let bench = Bench::new();
    let server = Server::start(|request, out| {
        let mut plain = request.clone();
        plain.headers.remove("range");
        plain.headers.remove("if-range");
        serve(&content(), "\"a\"", &plain, out, if request.number == 0 { SIZE / 2 } else { SIZE })
    });
    bench.retry(&server);
    assert_eq!(bench.complete(&server).fetched, SIZE as u64);
    assert_eq!(server.requests()[1].from(), Some(SIZE / 2));
}

#[test]
fn row_22_a_changed_etag_restarts_from_zero() {
    let bench = Bench::new();
    let server = Server::start(|request, out| match request.number {
        0 => serve(&vec![7; SIZE], "\"old\"", request, out, SIZE / 2),
        _ => serve(&content(), "\"new\"", request, out, SIZE),
    });
    bench.retry(&server);
    bench.complete(&server);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn row_22_a_part_under_another_etag_is_never_spliced() {
    // These servers ignore If-Range and send a part of whatever they have.
    for head in ["ETag: \"new\"", "ETag: W/\"old\"", "X-None: 0"] {
        let bench = Bench::new();
        let server = Server::start(move |request, out| match (request.number, request.from()) {
            (0, _) => serve(&vec![7; SIZE], "\"old\"", request, out, SIZE / 2),
            (_, Some(from)) => {
                let range = format!("bytes {from}-{}/{SIZE}", SIZE - 1);
                write!(out, "HTTP/1.1 206 Partial\r\n{head}\r\nContent-Range: {range}\r\n\r\n")?;
                // The body never comes: whoever waits for it would have joined it.
                assert!(out.hung_up(PATIENCE), "the client waits for the part");
                Ok(())
            }
            _ => serve(&content(), "\"new\"", request, out, SIZE),
        });
        bench.retry(&server);
        bench.complete(&server);
        assert_eq!(server.requests().len(), 3, "{head}");
    }
}

#[test]
fn row_22_a_part_from_another_place_is_never_spliced() {
    let ranges = ["bytes 0-9/1048576", "bytes 524288-1048575/2000000", "bytes */1048576", "lines 1-2/3"];
    for range in ranges {
        let bench = Bench::new();
        let server = Server::start(move |request, out| match (request.number, request.from()) {
            (1, _) => {
                out.answer(&format!("206 Partial\r\nETag: \"a\"\r\nContent-Range: {range}"), &content())
            }
            _ => serve(&content(), "\"a\"", request, out, if request.number == 0 { SIZE / 2 } else { SIZE }),
        });
        bench.retry(&server);
        assert_eq!(bench.complete(&server).fetched, SIZE as u64, "{range}");
    }
}

#[test]
fn row_22_without_a_strong_etag_nothing_is_continued() {
    for etag in ["W/\"a\"", "none", "\"a b\""] {
        let bench = Bench::new();
        let server = Server::start(move |request, out| {
            serve(&content(), etag, request, out, if request.number == 0 { SIZE / 2 } else { SIZE })
        });
        bench.retry(&server);
        bench.complete(&server);
        assert!(server.requests()[1].from().is_none(), "{etag}");
    }
}

#[test]
fn a_range_beyond_the_servers_file_starts_over() {
    let bench = Bench::new();
    let server = Server::start(|request, out| match (request.number, request.from()) {
        (1, Some(_)) => out.answer("416 Range Not Satisfiable", b""),
        _ => serve(&content(), "\"a\"", request, out, if request.number == 0 { SIZE / 2 } else { SIZE }),
    });
    bench.retry(&server);
    bench.complete(&server);
}

#[test]
fn a_part_that_rotted_on_the_disk_is_fetched_anew_and_the_server_not_blamed() {
    let bench = Bench::new();
    let server = Server::start(|request, out| {
        serve(&content(), "\"a\"", request, out, if request.number == 0 { SIZE / 2 } else { SIZE })
    });
    bench.retry(&server);
    let path = bench.folder.path().join(format!("{}.part", bench.want.sha256));
    fs::write(&path, vec![0; SIZE / 2]).unwrap();
    bench.complete(&server);
    // The same for one that seemed complete.
    fs::write(&path, vec![0; SIZE]).unwrap();
    bench.complete(&server);
}

#[test]
fn a_damaged_note_only_costs_a_fresh_start() {
    for note in [
        "",
        "{",
        "[[[[",
        "{\"etag\":\"bad tag\",\"length\":1048576}",
        "{\"etag\":\"\\\"a\\\"\",\"length\":1}",
    ] {
        let bench = Bench::new();
        let server = Server::start(|request, out| {
            serve(&content(), "\"a\"", request, out, if request.number == 0 { SIZE / 2 } else { SIZE })
        });
        bench.retry(&server);
        fs::write(bench.folder.path().join(format!("{}.json", bench.want.sha256)), note).unwrap();
        bench.complete(&server);
        assert!(server.requests()[1].from().is_none(), "{note}");
    }
}

#[test]
fn row_23_what_is_gone_fails_once() {
    for head in ["404 Not Found", "410 Gone"] {
        let bench = Bench::new();
        let server = Server::fixed(head, b"");
        let error = bench.run(&server).unwrap_err();
        assert_eq!((error.kind, error.kind.reason()), (Kind::Gone, "gone"));
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn row_24_a_busy_server_is_left_alone_as_long_as_it_asked_and_progress_is_kept() {
    let bench = Bench::new();
    let server = Server::start(|request, out| match request.number {
        0 => serve(&content(), "\"a\"", request, out, SIZE / 2),
        1 => out.answer("503 Busy\r\nRetry-After: 90", b""),
        _ => serve(&content(), "\"a\"", request, out, SIZE),
    });
    bench.retry(&server);
    assert_eq!(bench.run(&server).unwrap_err().kind.retry_after(), Some(Duration::from_secs(90)));
    assert_eq!(bench.complete(&server).fetched, SIZE as u64 / 2);
}

#[test]
fn row_25_one_byte_a_second_is_given_up_and_progress_kept() {
    const MANY: usize = 10_000;
    let bench = Bench::new();
    let clock = Arc::new(ManualClock::at(Timestamp::EPOCH));
    let time = clock.clone();
    let server = Server::start(move |request, out| {
        if request.number > 0 {
            return serve(&content(), "\"a\"", request, out, SIZE);
        }
        serve(&content(), "\"a\"", request, out, 0)?;
        // The client may be late to look at its clock, so the seconds go on until it hangs up.
        let gave_up = content()[..MANY].iter().any(|byte| {
            time.advance(Duration::from_secs(1));
            out.write_all(&[*byte]).is_err() || out.hung_up(Duration::from_millis(1))
        });
        assert!(gave_up, "the client did not give up");
        Ok(())
    });
    let http = Http::new(&server.url(), None, Limits::default()).unwrap();
    let download = Download::new(bench.folder.path(), bench.rules);
    let error = download.run(&http, PATH, &bench.want, &*clock, &AtomicBool::new(false)).unwrap_err();
    assert_eq!((error.kind, error.kind.reason()), (Kind::Slow, "too_slow"));
    let kept = bench.kept().unwrap();
    assert!((1..=MANY).contains(&kept), "{kept}");
    assert_eq!(bench.complete(&server).fetched, (SIZE - kept) as u64);
}

#[test]
fn row_25_a_server_that_falls_silent_is_given_up_and_progress_kept() {
    let bench = Bench::new();
    let server = Server::start(|request, out| {
        serve(&content(), "\"a\"", request, out, SIZE / 2)?;
        assert!(out.hung_up(PATIENCE), "the client did not give up");
        Ok(())
    });
    let limits = Limits { stall: Duration::from_millis(200), ..Limits::default() };
    let http = Http::new(&server.url(), None, limits).unwrap();
    let download = Download::new(bench.folder.path(), bench.rules);
    // On a busy machine a short silence can come early: then the next attempt goes on from there.
    let all_kept = (0..100).any(|_| {
        let error =
            download.run(&http, PATH, &bench.want, &SystemClock::new(), &AtomicBool::new(false)).unwrap_err();
        assert_eq!(error.kind, Kind::Slow, "{error}");
        bench.kept() == Some(SIZE / 2)
    });
    assert!(all_kept);
}

#[test]
fn a_stop_is_heeded_between_two_reads_and_progress_is_kept() {
    let bench = Bench::new();
    let stop = Arc::new(AtomicBool::new(false));
    let asked = stop.clone();
    let server = Server::start(move |request, out| {
        serve(&content(), "\"a\"", request, out, SIZE / 2)?;
        asked.store(true, Ordering::Relaxed);
        out.write_all(&content()[SIZE / 2..SIZE / 2 + 1])?;
        assert!(out.hung_up(PATIENCE), "the client did not stop");
        Ok(())
    });
    let http = Http::new(&server.url(), None, Limits::default()).unwrap();
    let download = Download::new(bench.folder.path(), bench.rules);
    let error = download.run(&http, PATH, &bench.want, &SystemClock::new(), &stop).unwrap_err();
    assert_eq!(error.kind, Kind::Stopped);
    assert!(bench.kept().unwrap() <= SIZE / 2 + 1);
}

#[test]
fn chunks_without_a_length_are_a_file_too() {
    let bench = Bench::new();
    let server = Server::start(|_, out| {
        write!(out, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        for chunk in content().chunks(10_000) {
            write!(out, "{:x}\r\n", chunk.len())?;
            out.write_all(chunk)?;
            out.write_all(b"\r\n")?;
        }
        out.write_all(b"0\r\n\r\n")
    });
    bench.complete(&server);
}

#[test]
fn a_wrong_content_length_is_not_believed() {
    // Too short: what it covers is kept, and the rest is asked for.
    let bench = Bench::new();
    let server = Server::start(|request, out| match request.number {
        0 => {
            write!(out, "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 1000\r\n\r\n")?;
            out.write_all(&content())
        }
        _ => serve(&content(), "\"a\"", request, out, SIZE),
    });
    bench.retry(&server);
    assert_eq!(bench.kept(), Some(1000));
    bench.complete(&server);
    // Too long: the file is complete all the same.
    let bench = Bench::new();
    let server = Server::start(|_, out| {
        write!(out, "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: {}\r\n\r\n", SIZE * 2)?;
        out.write_all(&content())
    });
    bench.complete(&server);
}

#[test]
fn a_redirected_target_is_not_followed() {
    let bench = Bench::new();
    let other = Server::start(|request, out| serve(&content(), "\"a\"", request, out, SIZE));
    let to = other.url();
    let server = Server::start(move |_, out| out.answer(&format!("307 Moved\r\nLocation: {to}/x"), b""));
    assert_eq!(bench.run(&server).unwrap_err().kind, Kind::Refused(307));
    assert!(other.requests().is_empty());
}

#[test]
fn leftovers_of_other_targets_are_removed() {
    let bench = Bench::new();
    let server = Server::start(|request, out| serve(&content(), "\"a\"", request, out, SIZE / 2));
    bench.retry(&server);
    let other = Sha256Hex::of(b"other");
    for ending in ["part", "json", "new"] {
        fs::write(bench.folder.path().join(format!("{other}.{ending}")), b"old").unwrap();
    }
    let download = Download::new(bench.folder.path(), Rules::default());
    download.keep_only(&[&bench.want.sha256]).unwrap();
    assert_eq!(fs::read_dir(bench.folder.path()).unwrap().count(), 2);
    download.keep_only(&[]).unwrap();
    bench.assert_empty();
    Download::new(&bench.folder.path().join("never"), Rules::default()).keep_only(&[]).unwrap();
}
