//! What the rest of the agent holds of the outbox.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::sync::watch;

use super::counters::{Eviction, Refusal};
use super::disk::{Disk, Folder};
use super::error::OutboxError;
use super::inbox::{Command, Handed};
use super::ledger::{Cursors, Stored};
use super::record::{Record, RecordKey};
use super::recovery::Opening;
use super::stats::OutboxStats;
use super::writer::{Shared, Writer};
use crate::clock::Clock;
use crate::config::OutboxConfig;
use crate::time::Timestamp;

/// A handle of the outbox; clones share it. Its calls block, so on an async task use
/// `spawn_blocking`; `acknowledge`, `set_aside` and `stats` return at once.
#[derive(Clone)]
pub struct Outbox {
    thread: Arc<Thread>,
    clock: Arc<dyn Clock>,
}

/// Closes the outbox when the last handle goes.
struct Thread {
    shared: Arc<Shared>,
    handle: Mutex<Option<JoinHandle<()>>>,
}

impl Outbox {
    /// Opens the outbox in `folder`, creating it when missing. Whatever the folder holds, it
    /// opens; what that cost is in the [`Opening`].
    ///
    /// # Errors
    /// When another agent has it open, or the folder cannot be used at all.
    pub fn open(
        settings: &OutboxConfig,
        folder: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<(Outbox, Opening), OutboxError> {
        let disk = Folder::lock(folder, settings.ballast.0)?;
        Self::on(disk, settings, folder, clock)
    }

    pub(super) fn on<D: Disk>(
        disk: D,
        settings: &OutboxConfig,
        folder: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<(Outbox, Opening), OutboxError> {
        let (writer, shared, opening) = Writer::open(disk, folder.to_owned(), settings, clock.clone())?;
        let handle = thread::Builder::new()
            .name("outbox".into())
            .spawn(move || writer.run())
            .map_err(|error| OutboxError::folder(folder, error))?;
        let thread = Arc::new(Thread { shared, handle: Mutex::new(Some(handle)) });
        Ok((Outbox { thread, clock }, opening))
    }

    /// Hands a record over; it is accepted with the next commit. Waits while too many are
    /// waiting already.
    pub fn append(&self, record: Record) {
        let handed = Handed { record, at: self.clock.now(), answer: None };
        if self.thread.shared.inbox.hand_over(handed).is_err() {
            self.count_closed();
        }
    }

    /// Hands a record over and waits until it is accepted, at most about the commit interval on
    /// a sound disk.
    ///
    /// # Errors
    /// When it was refused; it is then counted with the reason.
    pub fn append_durable(&self, record: Record) -> Result<RecordKey, OutboxError> {
        let (answer, answered) = sync_channel(1);
        let handed = Handed { record, at: self.clock.now(), answer: Some(answer) };
        if self.thread.shared.inbox.hand_over(handed).is_err() {
            self.count_closed();
            return Err(OutboxError::Refused(Refusal::Closed));
        }
        answered.recv().unwrap_or(Err(Refusal::Closed)).map_err(OutboxError::Refused)
    }

    /// Returns when everything that was handed over before is accepted, or refused and counted,
    /// or held because the disk fails.
    pub fn flush(&self) {
        let (answer, answered) = sync_channel(1);
        if self.thread.shared.inbox.command(Command::Flush(answer)) {
            // An error means that the outbox was closed meanwhile, which commits as well.
            let _ = answered.recv();
        }
    }

    /// At most `limit` accepted records whose keys come after `cursor`: incidents first, each
    /// kind in the order of acceptance.
    #[must_use]
    pub fn after(&self, cursor: Option<RecordKey>, limit: usize) -> Vec<(RecordKey, Record, Timestamp)> {
        let cursors = cursor.map_or_else(Cursors::default, Cursors::after);
        self.next(&cursors, limit)
            .into_iter()
            .map(|stored| (stored.key, stored.record, stored.accepted))
            .collect()
    }

    /// At most `limit` accepted records beyond the cursors, incidents first.
    #[must_use]
    pub fn next(&self, cursors: &Cursors, limit: usize) -> Vec<Stored> {
        let (answer, answered) = sync_channel(1);
        if !self.thread.shared.inbox.command(Command::Next { cursors: *cursors, limit, answer }) {
            return Vec::new();
        }
        answered.recv().unwrap_or_default()
    }

    /// Removes what the broker has acknowledged.
    pub fn acknowledge(&self, keys: Vec<RecordKey>) {
        // Once closed the records stay and are sent again: a duplicate, no loss.
        self.thread.shared.inbox.command(Command::Acknowledge(keys));
    }

    /// Gives a record up, counted with its reason.
    pub fn set_aside(&self, key: RecordKey, reason: Eviction) {
        self.thread.shared.inbox.command(Command::SetAside(key, reason));
    }

    /// The figures after the last step of the outbox.
    #[must_use]
    pub fn stats(&self) -> OutboxStats {
        let mut stats = self.thread.shared.stats.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let too_late = self.thread.shared.too_late.load(Ordering::Relaxed);
        if too_late > 0 {
            stats.handed_over += too_late;
            *stats.refused.entry(Refusal::Closed).or_default() += too_late;
        }
        stats
    }

    /// Changes with every commit, for who waits for records.
    #[must_use]
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.thread.shared.commits.subscribe()
    }

    /// Accepts what was handed over and closes; other handles refuse from now on.
    pub fn close(self) {
        self.thread.close();
    }

    fn count_closed(&self) {
        self.thread.shared.too_late.fetch_add(1, Ordering::Relaxed);
    }
}

impl Thread {
    fn close(&self) {
        self.shared.inbox.close();
        let handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(handle) = handle {
            // A panic has been printed already; closing must not add another.
            let _ = handle.join();
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.close();
    }
}
