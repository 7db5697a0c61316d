//! Each kind of damage to a real folder: the outbox opens, says what it cost, and works on.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::outbox::{Finding, Loss};

const RECORDS: u64 = 400;

/// A folder with 400 records, closed.
fn filled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (outbox, _) = open(folder.path());
    for number in 0..RECORDS {
        outbox.append(Record { body: vec![b'x'; 300], ..telemetry(number) });
        if number % 50 == 0 {
            outbox.flush();
        }
    }
    outbox.close();
    folder
}

/// Opens it, and checks that nothing is missing without being reported, and that it works.
fn reopen(folder: &Path) -> (u64, Vec<Finding>) {
    let (outbox, opening) = open(folder);
    let lost: u64 = opening
        .findings
        .iter()
        .map(|finding| if let Finding::Lost { records, .. } = finding { *records } else { 0 })
        .sum();
    assert_eq!(opening.recovered + lost, RECORDS, "{:?}", opening.findings);
    assert_eq!(opening.boot, 2);
    assert_eq!(outbox.after(None, 1_000).len() as u64, opening.recovered);
    assert_books_balance(&outbox.stats());
    outbox.append(telemetry(1));
    outbox.flush();
    assert_eq!(outbox.stats().depth, opening.recovered + 1);
    outbox.close();
    let (_, again) = open(folder);
    assert_eq!((again.recovered, again.boot, again.findings), (opening.recovered + 1, 3, vec![]));
    (opening.recovered, opening.findings)
}

fn data(folder: &Path) -> PathBuf {
    folder.join("db/db")
}

fn snapshots(folder: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(folder.join("db")).unwrap().map(|entry| entry.unwrap().path());
    names.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("snap.")).collect()
}

#[test]
fn a_file_cut_in_half_is_reported() {
    let folder = filled();
    let bytes = fs::read(data(folder.path())).unwrap();
    fs::write(data(folder.path()), &bytes[..bytes.len() / 2]).unwrap();
    let (recovered, findings) = reopen(folder.path());
    assert!(recovered < RECORDS);
    assert!(
        findings.iter().any(|finding| matches!(finding, Finding::Lost { range: Some(_), .. })),
        "{findings:?}"
    );
}

#[test]
fn an_emptied_file_is_reported() {
    let folder = filled();
    fs::write(data(folder.path()), "").unwrap();
    let (recovered, findings) = reopen(folder.path());
    assert_eq!(recovered, 0, "{findings:?}");
}

#[test]
fn a_missing_database_is_reported() {
    let folder = filled();
    fs::remove_dir_all(folder.path().join("db")).unwrap();
    let (_, findings) = reopen(folder.path());
    let lost = Finding::Lost { reason: Loss::CutShort, records: RECORDS, range: Some((1, 1, RECORDS)) };
    assert_eq!(findings, [lost]);
}

#[test]
fn flipped_bits_anywhere_are_survived_and_counted() {
    for part in 0..8 {
        let folder = filled();
        let mut damaged = fs::read(data(folder.path())).unwrap();
        let used = damaged.iter().rposition(|byte| *byte != 0).unwrap();
        let at = used * part / 8;
        damaged[at] ^= 0x10;
        fs::write(data(folder.path()), &damaged).unwrap();
        reopen(folder.path());
    }
}

#[test]
fn zeroed_pages_are_survived_and_counted() {
    let folder = filled();
    let mut bytes = fs::read(data(folder.path())).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    let end = (used / 2 + 4096).min(bytes.len());
    bytes[used / 2..end].fill(0);
    fs::write(data(folder.path()), &bytes).unwrap();
    reopen(folder.path());
}

#[test]
fn a_torn_snapshot_costs_nothing() {
    let folder = filled();
    // sled writes its snapshot when it opens a database that holds something.
    open(folder.path()).0.close();
    let snapshots = snapshots(folder.path());
    assert!(!snapshots.is_empty(), "there is a snapshot to tear");
    for path in snapshots {
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    }
    let (outbox, opening) = open(folder.path());
    assert_eq!((opening.boot, opening.recovered), (3, RECORDS));
    assert!(matches!(opening.findings[..], [Finding::Repaired { .. }]), "{:?}", opening.findings);
    assert_eq!(outbox.after(None, 1_000).len() as u64, RECORDS);
}

#[test]
fn an_empty_snapshot_costs_nothing() {
    let folder = filled();
    fs::write(folder.path().join("db/snap.00000000000000FF"), "").unwrap();
    let (recovered, findings) = reopen(folder.path());
    assert_eq!(recovered, RECORDS, "{findings:?}");
}

#[test]
fn a_snapshot_that_was_being_written_costs_nothing() {
    let folder = filled();
    fs::write(folder.path().join("db/snap.00000000000000FF.generating"), "half").unwrap();
    let (recovered, findings) = reopen(folder.path());
    assert_eq!((recovered, findings), (RECORDS, vec![]));
}

#[test]
fn a_database_that_is_only_locked_is_never_set_aside() {
    let folder = filled();
    let lock = fs::File::options().write(true).open(data(folder.path())).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let error = Outbox::open(&settings(), folder.path(), clock()).err().unwrap().to_string();
    assert!(error.contains("lock"), "{error}");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::Unlock).unwrap();
    let (recovered, findings) = reopen(folder.path());
    assert_eq!((recovered, findings), (RECORDS, vec![]));
}

#[test]
fn a_missing_mark_is_reported_and_costs_nothing() {
    let folder = filled();
    fs::remove_file(folder.path().join("mark")).unwrap();
    let (recovered, findings) = reopen(folder.path());
    assert_eq!((recovered, findings), (RECORDS, vec![Finding::NoMark]));
}

#[test]
fn a_damaged_mark_is_reported_and_costs_nothing() {
    let folder = filled();
    fs::write(folder.path().join("mark"), "boot=17").unwrap();
    let (recovered, findings) = reopen(folder.path());
    assert_eq!((recovered, findings), (RECORDS, vec![Finding::NoMark]));
}

#[test]
fn without_mark_and_database_no_boot_number_is_used_twice() {
    let folder = filled();
    fs::write(folder.path().join("mark"), "").unwrap();
    fs::remove_dir_all(folder.path().join("db")).unwrap();
    let (_, opening) = open(folder.path());
    assert_eq!(opening.findings, [Finding::NoMark]);
    assert!(opening.boot > 1_000_000, "{}", opening.boot);
}

#[test]
fn the_ballast_takes_its_space() {
    let folder = tempfile::tempdir().unwrap();
    let settings = OutboxConfig { ballast: ByteSize::mib(1), ..settings() };
    let (_outbox, _) = Outbox::open(&settings, folder.path(), clock()).unwrap();
    assert_eq!(fs::metadata(folder.path().join("ballast")).unwrap().len(), 1 << 20);
}
