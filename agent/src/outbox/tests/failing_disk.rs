//! A disk that is full, damaged or failing: nothing vanishes without a count.

use super::*;
use crate::outbox::space::Space;
use crate::outbox::{Loss, OutboxError, Refusal, StoreError};

#[test]
fn a_full_disk_costs_nothing_while_there_is_ballast() {
    let disk = Double::new();
    let outbox = on(&disk);
    outbox.append(telemetry(1));
    outbox.flush();
    {
        let mut content = disk.lock();
        content.failure = Some(StoreError::Full);
        content.open_failure = Some(StoreError::Full);
    }
    outbox.append(telemetry(2));
    outbox.flush();
    let stats = outbox.stats();
    assert!(!disk.lock().ballast, "the ballast was released");
    assert_eq!((stats.accepted, stats.depth, stats.failure.as_deref()), (2, 2, None));
    assert_books_balance(&stats);
}

#[test]
fn while_the_disk_fails_records_are_held_and_accepted_later() {
    let disk = Double::new();
    disk.lock().ballast = false;
    let outbox = on(&disk);
    disk.lock().failure = Some(StoreError::Full);
    disk.lock().open_failure = Some(StoreError::Full);
    outbox.append(telemetry(1));
    outbox.flush();
    let stats = outbox.stats();
    assert_eq!((stats.accepted, stats.waiting), (0, 1));
    assert_eq!(stats.failure.as_deref(), Some("the disk is full"));
    assert_books_balance(&stats);

    disk.lock().open_failure = None;
    outbox.append(telemetry(2));
    outbox.flush();
    let stats = outbox.stats();
    assert_eq!((stats.accepted, stats.waiting, stats.failure), (2, 0, None));
    assert_eq!(outbox.after(None, 10).len(), 2);
    assert_books_balance(&outbox.stats());
}

#[test]
fn more_than_can_be_held_is_refused_and_counted() {
    let disk = Double::new();
    disk.lock().ballast = false;
    let outbox = on(&disk);
    disk.lock().failure = Some(StoreError::Full);
    disk.lock().open_failure = Some(StoreError::Full);
    for number in 0..5_000 {
        outbox.append(telemetry(number));
    }
    outbox.flush();
    let stats = outbox.stats();
    assert!(stats.refused[&Refusal::StorageFailed] > 0 && stats.waiting > 0, "{stats:?}");
    assert_books_balance(&stats);
    let other = outbox.clone();
    outbox.close();
    assert_eq!(other.stats().refused_total(), 5_000);
    assert_books_balance(&other.stats());
}

#[test]
fn a_commit_that_arrived_though_it_failed_is_accepted_once() {
    let disk = Double::new();
    let outbox = on(&disk);
    outbox.append(telemetry(1));
    outbox.flush();
    {
        let mut content = disk.lock();
        content.failure = Some(StoreError::Io("interrupted".into()));
        content.write_arrives = true;
    }
    outbox.append(telemetry(2));
    outbox.flush();
    let stats = outbox.stats();
    assert_eq!((stats.accepted, stats.depth, stats.lost_total(), stats.recovered), (2, 2, 0, 0));
    assert_books_balance(&stats);
}

#[test]
fn a_database_damaged_while_in_use_is_set_aside_and_its_records_counted_as_lost() {
    let disk = Double::new();
    let outbox = on(&disk);
    outbox.append(telemetry(1));
    outbox.flush();
    {
        let mut content = disk.lock();
        content.failure = Some(StoreError::Damaged("a page".into()));
        content.open_failure = Some(StoreError::Damaged("a page".into()));
    }
    outbox.append(telemetry(2));
    outbox.flush();
    let stats = outbox.stats();
    assert_eq!(disk.lock().set_aside, 1);
    assert_eq!(stats.lost, [(Loss::SetAside, 1)].into());
    assert_eq!((stats.accepted, stats.depth), (2, 1));
    assert_books_balance(&stats);
}

#[test]
fn below_the_floor_nothing_is_written_and_everything_is_counted() {
    let disk = Double::new();
    disk.lock().space = Space { bytes: 10, inodes: None };
    let settings = OutboxConfig { min_free: ByteSize(11), ..settings() };
    let outbox = Outbox::on(disk.clone(), &settings, Path::new("double"), clock()).unwrap().0;
    outbox.append(telemetry(1));
    outbox.flush();
    let stats = outbox.stats();
    assert_eq!(stats.refused, [(Refusal::DiskFloor, 1)].into());
    assert_eq!(stats.failure.as_deref(), Some("nothing is written: disk_floor"));
    assert!(disk.lock().entries.is_empty());
    assert_books_balance(&stats);
}

#[test]
fn a_folder_that_cannot_be_used_is_named_with_what_to_do() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Outbox::open(&settings(), &file.path().join("outbox"), clock()).err().unwrap();
    let text = error.to_string();
    assert!(matches!(error, OutboxError::Folder { .. }));
    assert!(text.contains("outbox") && text.contains("check that"), "{text}");
}

#[test]
fn a_lost_value_is_counted_and_the_rest_is_kept() {
    let disk = Double::new();
    let outbox = on(&disk);
    for number in 0..10 {
        outbox.append(telemetry(number));
    }
    outbox.flush();
    if let Some(value) = disk.lock().entries.values_mut().nth(3) {
        value[20] ^= 1;
    }
    assert_eq!(outbox.after(None, 100).len(), 9);
    outbox.flush();
    assert_eq!(outbox.stats().lost, [(Loss::BadValue, 1)].into());
    assert_books_balance(&outbox.stats());
}
