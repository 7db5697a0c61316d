//! The thread that owns the store: group commits, housekeeping, and what to do when the store
//! fails.
//!
//! When a commit fails, its records stay here under the keys they were given. The store is
//! closed, the ballast released when the disk is full, the store opened again (set aside when
//! damaged) and the same entries written again; entries that had arrived after all are only
//! overwritten. While the store cannot be opened, a bounded number of records is held and the
//! rest refused, counted.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::counters::{Loss, Refusal, Tally};
use super::disk::Disk;
use super::inbox::{Answer, Command, Handed, Inbox, Work};
use super::ledger::{Ledger, Limits};
use super::mark::Mark;
use super::record::RecordKey;
use super::recovery::{self, Finding, Opening};
use super::stats::OutboxStats;
use super::store::{Entry, StoreError};
use super::{OutboxError, value};
use crate::clock::Clock;
use crate::config::OutboxConfig;

/// How often space is looked at, limits are enforced and the mark is written.
const HOUSEKEEPING: Duration = Duration::from_secs(1);

/// Commits are at least this far apart unless many records wait: a sync on a flash card takes 5
/// to 50 ms.
const MIN_COMMIT_INTERVAL: Duration = Duration::from_millis(5);

/// Records held while the store cannot be written: about a second at a high rate.
const MAX_HELD: usize = 2048;

/// An empty database this large is replaced by a fresh one: sled's files never shrink.
const RECREATE_BYTES: u64 = 32 << 20;

/// What other threads see.
#[derive(Debug)]
pub struct Shared {
    /// The way in.
    pub inbox: Inbox,
    /// The figures after the last step.
    pub stats: Mutex<OutboxStats>,
    /// Records handed over after the outbox was closed.
    pub too_late: AtomicU64,
    /// Changes with every commit.
    pub commits: watch::Sender<u64>,
}

/// The owner of the store.
pub struct Writer<D: Disk> {
    disk: D,
    folder: PathBuf,
    ledger: Option<Ledger<D::Store>>,
    settings: OutboxConfig,
    clock: Arc<dyn Clock>,
    shared: Arc<Shared>,
    tally: Tally,
    boot: u32,
    next_seq: u64,
    pending: VecDeque<Handed>,
    /// Entries with their keys, left over from a commit that failed.
    held: Vec<(RecordKey, Entry)>,
    /// Who waits for what is held.
    answers: Vec<(RecordKey, Answer)>,
    /// Stored when the ledger was last sound.
    stored: u64,
    failure: Option<StoreError>,
    refusal: Option<Refusal>,
    mark: Mark,
    last_commit: Duration,
    last_housekeeping: Duration,
}

impl<D: Disk> Writer<D> {
    /// Opens the store.
    ///
    /// # Errors
    /// When the folder cannot be used at all.
    pub fn open(
        mut disk: D,
        folder: PathBuf,
        settings: &OutboxConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Arc<Shared>, Opening), OutboxError> {
        let (ledger, opening) = recovery::open(&mut disk, &folder, clock.now())?;
        disk.restore_ballast(settings.min_free.0);
        let mut tally = Tally { recovered: opening.recovered, ..Tally::default() };
        for finding in &opening.findings {
            if let Finding::Lost { reason, records, .. } = finding {
                tally.recovered += records;
                tally.lose(*reason, *records);
            }
        }
        let shared = Arc::new(Shared {
            inbox: Inbox::default(),
            stats: Mutex::default(),
            too_late: AtomicU64::new(0),
            commits: watch::Sender::new(0),
        });
        let now = clock.monotonic();
        let mut writer = Writer {
            stored: ledger.stored(),
            ledger: Some(ledger),
            disk,
            folder,
            settings: settings.clone(),
            clock,
            shared: shared.clone(),
            tally,
            boot: opening.boot,
            next_seq: 1,
            pending: VecDeque::new(),
            held: Vec::new(),
            answers: Vec::new(),
            failure: None,
            refusal: None,
            mark: Mark::default(),
            last_commit: now,
            last_housekeeping: now,
        };
        writer.housekeeping();
        writer.publish_stats();
        Ok((writer, shared, opening))
    }

    /// Works until the inbox is closed.
    pub fn run(mut self) {
        // Whatever ends this thread, nobody may wait for it for ever.
        let _close = CloseOnDrop(self.shared.clone());
        let enough = usize::try_from(self.settings.commit_records).unwrap_or(usize::MAX).max(1);
        loop {
            let missing = enough.saturating_sub(self.pending.len()).max(1);
            let work = self.shared.inbox.take(missing, self.until_commit().min(HOUSEKEEPING));
            if !self.step(work) {
                return;
            }
        }
    }

    /// Does what was taken from the inbox. `false` when it was the last.
    pub fn step(&mut self, work: Work) -> bool {
        self.tally.handed_over += work.records.len() as u64;
        self.pending.extend(work.records);
        let mut flushed = Vec::new();
        for command in work.commands {
            self.obey(command, &mut flushed);
        }
        let full = self.pending.len() >= self.settings.commit_records as usize;
        if full || work.closed || self.until_commit().is_zero() {
            self.commit();
        }
        if work.closed {
            self.refuse_the_rest();
            self.housekeeping();
        } else if self.clock.monotonic().saturating_sub(self.last_housekeeping) >= HOUSEKEEPING {
            self.housekeeping();
        }
        self.publish_stats();
        for answer in flushed {
            let _ = answer.send(());
        }
        !work.closed
    }

    fn obey(&mut self, command: Command, flushed: &mut Vec<std::sync::mpsc::SyncSender<()>>) {
        match command {
            Command::Next { cursors, limit, answer } => {
                let found = self.with_ledger(|ledger, tally| ledger.next(&cursors, limit, tally));
                let _ = answer.send(found.unwrap_or_default());
            }
            Command::Acknowledge(keys) => {
                self.with_ledger(|ledger, tally| ledger.acknowledge(&keys, tally));
            }
            Command::SetAside(key, reason) => {
                self.with_ledger(|ledger, tally| ledger.set_aside(key, reason, tally));
            }
            Command::Flush(answer) => {
                self.commit();
                flushed.push(answer);
            }
        }
    }

    /// How long until the next commit is due. It is due whether or not anything waits, so that a
    /// record waits at most one interval.
    fn until_commit(&self) -> Duration {
        let interval = self.settings.commit_interval.0.max(MIN_COMMIT_INTERVAL);
        self.last_commit.saturating_add(interval).saturating_sub(self.clock.monotonic())
    }

    /// Commits everything that waits, or refuses it with a reason.
    fn commit(&mut self) {
        self.last_commit = self.clock.monotonic();
        if self.ledger.is_none() {
            self.reopen();
        }
        self.key_the_pending();
        if self.held.is_empty() {
            return;
        }
        // A second attempt on a store that was opened again; a third would meet the same trouble.
        for _ in 0..2 {
            if self.try_commit() || self.ledger.is_none() {
                return;
            }
        }
    }

    /// Gives keys to what waits, as far as it may be stored.
    fn key_the_pending(&mut self) {
        for handed in std::mem::take(&mut self.pending) {
            let reason = if self.refusal.is_some() {
                self.refusal
            } else if self.held.len() >= MAX_HELD {
                Some(Refusal::StorageFailed)
            } else {
                None
            };
            let key = RecordKey { priority: handed.record.priority, boot: self.boot, seq: self.next_seq };
            let entry = match reason {
                Some(reason) => Err(reason),
                None => value::encode(key, &handed.record, handed.at).ok_or(Refusal::TooLarge),
            };
            match entry {
                Ok(value) => {
                    self.next_seq += 1;
                    self.held.push((key, (key.to_bytes(), value)));
                    self.answers.extend(handed.answer.map(|answer| (key, answer)));
                }
                Err(reason) => self.refuse(reason, handed.answer),
            }
        }
    }

    /// Writes what is held. On failure the store is opened again; `false` asks for another try.
    fn try_commit(&mut self) -> bool {
        let Some(ledger) = self.ledger.as_mut() else { return false };
        if let Err(error) = ledger.commit(&self.held) {
            self.fail(error);
            return false;
        }
        self.stored = ledger.stored();
        self.tally.accepted += self.held.len() as u64;
        self.held.clear();
        for (key, answer) in self.answers.drain(..) {
            let _ = answer.send(Ok(key));
        }
        let limits = self.limits();
        let now = self.clock.now();
        self.with_ledger(|ledger, tally| ledger.enforce(limits, now, tally));
        self.shared.commits.send_modify(|commits| *commits += 1);
        true
    }

    /// Calls the ledger; on failure closes the store and opens it again.
    fn with_ledger<T>(
        &mut self,
        call: impl FnOnce(&mut Ledger<D::Store>, &mut Tally) -> Result<T, StoreError>,
    ) -> Option<T> {
        let ledger = self.ledger.as_mut()?;
        match call(ledger, &mut self.tally) {
            Ok(value) => {
                self.stored = ledger.stored();
                Some(value)
            }
            Err(error) => {
                self.fail(error);
                None
            }
        }
    }

    /// Closes the store that failed and opens it again.
    fn fail(&mut self, error: StoreError) {
        tracing::error!(%error, folder = %self.folder.display(), "the outbox's database failed; opening it again");
        self.failure = Some(error);
        let ledger = self.ledger.take();
        // Closing writes once more, which on a failed database may panic as well.
        let _ = catch_unwind(AssertUnwindSafe(move || drop(ledger)));
        self.reopen();
    }

    fn limits(&self) -> Limits {
        Limits { max_bytes: self.settings.max_size.0, max_age: self.settings.max_age.0 }
    }

    /// Opens the store again after a failure and corrects the books by what is really there.
    fn reopen(&mut self) {
        if self.failure == Some(StoreError::Full) {
            self.disk.release_ballast();
        }
        match recovery::open_store(&mut self.disk) {
            Ok(opened) => {
                for finding in &opened.findings {
                    tracing::warn!("{finding}");
                }
                let mut ledger = opened.ledger;
                let committed = self.held.first().map_or(self.next_seq, |(key, _)| key.seq) - 1;
                ledger.take_over(self.boot, committed);
                self.tally.lose(Loss::BadValue, opened.census.bad.min(self.stored));
                self.stored -= opened.census.bad.min(self.stored);
                self.ledger = Some(ledger);
                self.failure = None;
                self.reconcile();
            }
            Err(error) => self.failure = Some(error),
        }
    }

    /// Corrects the books after the store was opened again: what is missing is lost, and what is
    /// there again because its removal was lost will be sent once more.
    fn reconcile(&mut self) {
        let Some(ledger) = self.ledger.as_ref() else { return };
        let Ok(arrived) = ledger.holds(self.held.iter().map(|(key, _)| *key)) else { return };
        let there = ledger.stored() - arrived;
        self.tally.lose(Loss::SetAside, self.stored.saturating_sub(there));
        self.tally.recovered += there.saturating_sub(self.stored);
        self.stored = there;
    }

    /// Looks at the space, replaces a large empty store, writes the mark.
    fn housekeeping(&mut self) {
        self.last_housekeeping = self.clock.monotonic();
        self.refusal = match self.disk.space() {
            Ok(space) => space.refuses(self.settings.min_free.0),
            Err(error) => {
                tracing::warn!(%error, folder = %self.folder.display(), "cannot tell how much space is free");
                None
            }
        };
        if self.refusal.is_none() {
            self.disk.restore_ballast(self.settings.min_free.0);
        }
        let limits = self.limits();
        let now = self.clock.now();
        self.with_ledger(|ledger, tally| ledger.enforce(limits, now, tally));
        self.write_mark();
        self.replace_if_large();
    }

    /// Says outside the store how much is durable.
    fn write_mark(&mut self) -> bool {
        let Some(Ok(oldest)) = self.ledger.as_ref().map(Ledger::oldest) else { return false };
        let Some(ledger) = self.ledger.as_ref() else { return false };
        let durable = ledger.last_seq();
        let acknowledged = oldest
            .iter()
            .map(|stored| if stored.key.boot == self.boot { stored.key.seq - 1 } else { 0 })
            .min()
            .unwrap_or(durable);
        let mark = Mark { boot: self.boot, durable, acknowledged, stored: ledger.stored() };
        if mark == self.mark {
            return true;
        }
        match self.disk.write_mark(mark) {
            Ok(()) => self.mark = mark,
            Err(error) => {
                tracing::warn!(%error, folder = %self.folder.display(), "cannot write the outbox's mark")
            }
        }
        self.mark == mark
    }

    /// Replaces an empty store whose files have grown large.
    fn replace_if_large(&mut self) {
        let empty = self.ledger.as_ref().is_some_and(|ledger| ledger.stored() == 0) && self.held.is_empty();
        let large = self
            .ledger
            .as_ref()
            .and_then(|ledger| ledger.footprint().ok())
            .is_some_and(|bytes| bytes > RECREATE_BYTES);
        // Only once the mark says that nothing is stored is an empty store no loss.
        if !(empty && large && self.write_mark()) {
            return;
        }
        drop(self.ledger.take().map(Ledger::into_store));
        if let Err(error) = self.disk.discard() {
            tracing::warn!(%error, folder = %self.folder.display(), "cannot replace the outbox's large empty database");
        }
        self.reopen();
    }

    /// At the end nothing may vanish without a count.
    fn refuse_the_rest(&mut self) {
        self.tally.refuse(Refusal::StorageFailed, self.held.len() as u64);
        self.held.clear();
        for (_, answer) in self.answers.drain(..) {
            let _ = answer.send(Err(Refusal::StorageFailed));
        }
    }

    fn refuse(&mut self, reason: Refusal, answer: Option<Answer>) {
        self.tally.refuse(reason, 1);
        if let Some(answer) = answer {
            let _ = answer.send(Err(reason));
        }
    }

    fn publish_stats(&self) {
        let mut stats = self.shared.stats.lock().unwrap_or_else(PoisonError::into_inner);
        stats.count(&self.tally);
        stats.boot = self.boot;
        stats.depth = self.stored;
        stats.waiting = (self.pending.len() + self.held.len()) as u64;
        stats.failure = match (&self.failure, self.refusal) {
            (Some(error), _) => Some(error.to_string()),
            (None, Some(reason)) => Some(format!("nothing is written: {reason}")),
            (None, None) => None,
        };
        if let Some(ledger) = &self.ledger {
            stats.bytes = ledger.bytes();
            if let Ok(oldest) = ledger.oldest() {
                stats.oldest_unsent = oldest.iter().map(|stored| stored.accepted).min();
            }
        }
    }
}

struct CloseOnDrop(Arc<Shared>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.inbox.close();
    }
}
