//! Tests of the outbox as a whole. Their names are its promises.

mod damage;
mod failing_disk;
mod model;
mod promises;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::double::Double;
use super::{Opening, Outbox, OutboxStats, Priority, Record};
use crate::clock::ManualClock;
use crate::config::{ByteSize, OutboxConfig, Span};
use crate::time::Timestamp;

/// Commits happen on `flush` alone: the clock stands still and no batch fills up.
fn settings() -> OutboxConfig {
    OutboxConfig {
        commit_records: u32::MAX,
        commit_interval: Span(Duration::from_secs(1)),
        min_free: ByteSize(0),
        ballast: ByteSize(0),
        ..OutboxConfig::default()
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp::from_millis(1_795_248_000_000)))
}

fn open(folder: &Path) -> (Outbox, Opening) {
    Outbox::open(&settings(), folder, clock()).unwrap()
}

fn on(disk: &Double) -> Outbox {
    Outbox::on(disk.clone(), &settings(), Path::new("double"), clock()).unwrap().0
}

fn telemetry(number: u64) -> Record {
    Record {
        priority: Priority::Telemetry,
        topic: "data".into(),
        body: format!("{{\"n\":{number}}}").into_bytes(),
    }
}

fn incident(number: u64) -> Record {
    Record { priority: Priority::Incident, ..telemetry(number) }
}

/// The two equations at the head of the room.
fn assert_books_balance(stats: &OutboxStats) {
    assert_eq!(
        stats.recovered + stats.accepted,
        stats.acknowledged + stats.depth + stats.evicted_total() + stats.lost_total(),
        "{stats:?}"
    );
    assert_eq!(stats.handed_over, stats.accepted + stats.refused_total() + stats.waiting, "{stats:?}");
}
