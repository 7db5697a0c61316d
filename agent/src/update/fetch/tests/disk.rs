//! Row 26: the disk is full, before or in the middle.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

use super::super::{Download, Http, Kind, Limits, Rules};
use super::download::{content, wanted};
use super::server::Server;
use crate::clock::SystemClock;

/// A file system of two MiB in memory, gone when dropped.
struct Small(tempfile::TempDir);

impl Small {
    /// Mounts it, or says why it cannot.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(folder.path()).output();
        if mount.is_ok_and(|output| output.status.success()) {
            Some(Small(folder))
        } else {
            println!("skipped: needs root");
            None
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.0.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

fn run(folder: &Path, margin: u64, server: &Server) -> super::super::FetchError {
    let http = Http::new(&server.url(), None, Limits::default()).unwrap();
    let download = Download::new(folder, Rules { margin, ..Rules::default() });
    download.run(&http, "x", &wanted(&content()), &SystemClock::new(), &AtomicBool::new(false)).unwrap_err()
}

#[test]
fn row_26_too_little_space_is_seen_before_anything_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, out| out.answer("200 OK", &content()));
    // No disk has that much to spare.
    let error = run(folder.path(), u64::MAX, &server);
    assert_eq!((error.kind, error.kind.reason()), (Kind::DiskFull, "disk_full"));
    assert!(server.requests().is_empty());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn row_26_the_margin_counts_on_a_real_small_disk() {
    let Some(disk) = Small::mount() else { return };
    let server = Server::start(|_, out| out.answer("200 OK", &content()));
    assert_eq!(run(&disk.path().join("download"), (1 << 20) + 1, &server).kind, Kind::DiskFull);
    assert!(server.requests().is_empty());
}

#[test]
fn row_26_a_disk_that_fills_in_the_middle_is_cleaned_up_and_the_old_stays() {
    let Some(disk) = Small::mount() else { return };
    let old = disk.path().join("old.tar");
    fs::write(&old, b"the active slot").unwrap();
    let (folder, hog): (PathBuf, PathBuf) = (disk.path().join("download"), disk.path().join("hog"));
    let greedy = hog.clone();
    let server = Server::start(move |_, out| {
        let bytes = content();
        write!(out, "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: {}\r\n\r\n", bytes.len())?;
        out.write_all(&bytes[..bytes.len() / 4])?;
        // Somebody else takes all the rest of the disk.
        assert!(fs::write(&greedy, vec![1; 4 << 20]).is_err());
        out.write_all(&bytes[bytes.len() / 4..])
    });
    let error = run(&folder, 0, &server);
    assert_eq!((error.kind, error.kind.reason()), (Kind::DiskFull, "disk_full"), "{error}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "the part was left behind");
    assert_eq!(fs::read(&old).unwrap(), b"the active slot");
    assert!(hog.exists());
}
