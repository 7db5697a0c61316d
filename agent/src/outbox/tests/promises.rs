//! What a user of the outbox relies on.

use super::*;
use crate::outbox::{Cursors, Eviction, OutboxError, Refusal};

#[test]
fn an_accepted_record_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (outbox, opening) = open(folder.path());
    assert_eq!((opening.boot, opening.recovered, opening.findings), (1, 0, vec![]));
    for number in 0..100 {
        outbox.append(telemetry(number));
    }
    outbox.flush();
    let before = outbox.after(None, 1000);
    assert_eq!(before.len(), 100);
    outbox.close();

    let (outbox, opening) = open(folder.path());
    assert_eq!((opening.boot, opening.recovered, opening.findings), (2, 100, vec![]));
    assert_eq!(outbox.after(None, 1000), before);
    assert_books_balance(&outbox.stats());
}

#[test]
fn a_record_is_not_shown_before_it_is_committed() {
    let outbox = on(&Double::new());
    outbox.append(telemetry(1));
    assert_eq!(outbox.after(None, 10), []);
    outbox.flush();
    assert_eq!(outbox.after(None, 10).len(), 1);
}

#[test]
fn append_durable_answers_with_the_key_once_committed() {
    let settings = OutboxConfig { commit_records: 1, ..settings() };
    let outbox = Outbox::on(Double::new(), &settings, Path::new("double"), clock()).unwrap().0;
    let key = outbox.append_durable(telemetry(1)).unwrap();
    assert_eq!((key.boot, key.seq), (1, 1));
    assert_eq!(outbox.after(None, 10)[0].0, key);
}

#[test]
fn sequences_run_over_all_priorities_from_one_without_gaps() {
    let outbox = on(&Double::new());
    for number in 0..10 {
        outbox.append(if number % 3 == 0 { incident(number) } else { telemetry(number) });
    }
    outbox.flush();
    let mut sequences: Vec<u64> = outbox.after(None, 100).iter().map(|(key, _, _)| key.seq).collect();
    sequences.sort_unstable();
    assert_eq!(sequences, (1..=10).collect::<Vec<_>>());
}

#[test]
fn incidents_leave_before_telemetry_even_when_they_come_later() {
    let outbox = on(&Double::new());
    outbox.append(telemetry(1));
    outbox.append(telemetry(2));
    outbox.flush();
    let mut cursors = Cursors::default();
    cursors.pass(outbox.next(&cursors, 1)[0].key);
    outbox.append(incident(3));
    outbox.flush();
    let numbers: Vec<_> = outbox.next(&cursors, 10).into_iter().map(|stored| stored.record).collect();
    assert_eq!(numbers, [incident(3), telemetry(2)]);
}

#[test]
fn paging_by_cursor_shows_each_record_once() {
    let outbox = on(&Double::new());
    for number in 0..300 {
        outbox.append(if number % 2 == 0 { incident(number) } else { telemetry(number) });
    }
    outbox.flush();
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let page = outbox.after(cursor, 7);
        let Some((last, _, _)) = page.last() else { break };
        cursor = Some(*last);
        seen.extend(page.into_iter().map(|(key, _, _)| key));
    }
    assert_eq!(seen.len(), 300);
    assert!(seen.is_sorted());
}

#[test]
fn an_acknowledged_record_leaves_and_is_counted_once() {
    let outbox = on(&Double::new());
    outbox.append(telemetry(1));
    outbox.flush();
    let key = outbox.after(None, 1)[0].0;
    outbox.acknowledge(vec![key, key]);
    outbox.acknowledge(vec![key]);
    outbox.flush();
    let stats = outbox.stats();
    assert_eq!((stats.acknowledged, stats.depth, stats.bytes, stats.oldest_unsent), (1, 0, 0, None));
    assert_books_balance(&stats);
}

#[test]
fn beyond_the_quota_the_oldest_telemetry_goes_first_counted() {
    let settings = OutboxConfig { max_size: ByteSize(2_000), ..settings() };
    let outbox = Outbox::on(Double::new(), &settings, Path::new("double"), clock()).unwrap().0;
    outbox.append(incident(0));
    for number in 1..200 {
        outbox.append(telemetry(number));
    }
    outbox.flush();
    let stats = outbox.stats();
    let left = outbox.after(None, 1000);
    assert!(stats.bytes <= 2_000 && stats.evicted[&Eviction::Quota] > 0, "{stats:?}");
    assert_eq!(left[0].1, incident(0));
    assert_eq!(left.last().unwrap().1, telemetry(199));
    assert_books_balance(&stats);
}

#[test]
fn beyond_the_age_limit_records_go_counted_but_not_those_of_an_unset_clock() {
    let disk = Double::new();
    let unset = Arc::new(ManualClock::at(Timestamp::EPOCH));
    let outbox = Outbox::on(disk.clone(), &settings(), Path::new("double"), unset).unwrap().0;
    outbox.append(incident(1));
    outbox.close();
    let clock = clock();
    let outbox = Outbox::on(disk, &settings(), Path::new("double"), clock.clone()).unwrap().0;
    outbox.append(telemetry(2));
    outbox.flush();
    clock.advance(Duration::from_secs(31 * 86_400));
    outbox.append(telemetry(3));
    outbox.flush();
    let left: Vec<_> = outbox.after(None, 10).into_iter().map(|(_, record, _)| record).collect();
    assert_eq!(left, [incident(1), telemetry(3)]);
    assert_eq!(outbox.stats().evicted[&Eviction::Age], 1);
    assert_books_balance(&outbox.stats());
}

#[test]
fn what_is_set_aside_is_counted_with_its_reason() {
    let outbox = on(&Double::new());
    outbox.append(telemetry(1));
    outbox.flush();
    let key = outbox.after(None, 1)[0].0;
    outbox.set_aside(key, Eviction::TooLarge);
    outbox.set_aside(key, Eviction::TooLarge);
    outbox.flush();
    assert_eq!(outbox.stats().evicted, [(Eviction::TooLarge, 1)].into());
    assert_books_balance(&outbox.stats());
}

#[test]
fn a_record_too_large_to_store_is_refused_and_counted() {
    let outbox = on(&Double::new());
    outbox.append(Record { body: vec![b' '; 1 << 20], ..telemetry(1) });
    outbox.flush();
    assert_eq!(outbox.stats().refused, [(Refusal::TooLarge, 1)].into());
    assert_books_balance(&outbox.stats());
}

#[test]
fn after_closing_everything_is_refused_and_counted() {
    let disk = Double::new();
    let outbox = on(&disk);
    let other = outbox.clone();
    outbox.append(telemetry(1));
    outbox.close();
    assert_eq!(disk.lock().entries.len(), 1, "closing commits what was handed over");
    other.append(telemetry(2));
    assert!(matches!(other.append_durable(telemetry(3)), Err(OutboxError::Refused(Refusal::Closed))));
    assert_eq!(other.stats().refused, [(Refusal::Closed, 2)].into());
    assert_books_balance(&other.stats());
}

#[test]
fn two_agents_cannot_share_an_outbox() {
    let folder = tempfile::tempdir().unwrap();
    let (_outbox, _) = open(folder.path());
    let error = Outbox::open(&settings(), folder.path(), clock()).err().unwrap();
    assert!(matches!(error, OutboxError::Busy { .. }), "{error}");
    assert!(error.to_string().contains("gateway.data_dir"));
}

#[test]
fn a_large_empty_database_is_replaced_without_a_loss() {
    let disk = Double::new();
    let clock = clock();
    let outbox = Outbox::on(disk.clone(), &settings(), Path::new("double"), clock.clone()).unwrap().0;
    outbox.append(telemetry(1));
    outbox.flush();
    outbox.acknowledge(vec![outbox.after(None, 1)[0].0]);
    outbox.flush();
    disk.lock().footprint = 1 << 30;
    clock.advance(Duration::from_secs(2));
    outbox.flush();
    let footprint = disk.lock().footprint;
    assert_eq!(footprint, 0);
    outbox.append(telemetry(2));
    outbox.flush();
    assert_books_balance(&outbox.stats());
    assert_eq!(outbox.after(None, 1)[0].0.seq, 2);
    outbox.close();
    let (outbox, opening) = Outbox::on(disk, &settings(), Path::new("double"), clock).unwrap();
    assert_eq!((opening.recovered, opening.findings), (1, vec![]));
    assert_books_balance(&outbox.stats());
}
