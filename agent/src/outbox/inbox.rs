//! The way into the outbox's thread: records in bounded number, commands in between.

use std::collections::VecDeque;
use std::sync::mpsc::SyncSender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::counters::{Eviction, Refusal};
use super::ledger::{Cursors, Stored};
use super::record::{Record, RecordKey};
use crate::time::Timestamp;

/// Records that may wait to be taken: enough for some commits, little enough for a small board.
const MAX_RECORDS: usize = 1024;

/// Bytes of records that may wait to be taken.
const MAX_BYTES: usize = 4 << 20;

/// Tells who handed a record over what became of it.
pub type Answer = SyncSender<Result<RecordKey, Refusal>>;

/// A record that was handed over.
#[derive(Debug)]
pub struct Handed {
    /// The record.
    pub record: Record,
    /// When it was handed over.
    pub at: Timestamp,
    /// Who waits for its commit.
    pub answer: Option<Answer>,
}

impl Handed {
    fn bytes(&self) -> usize {
        self.record.topic.len() + self.record.body.len()
    }
}

/// What else the outbox's thread is asked to do.
#[derive(Debug)]
pub enum Command {
    /// Read records beyond the cursors, incidents first.
    Next { cursors: Cursors, limit: usize, answer: SyncSender<Vec<Stored>> },
    /// The broker has acknowledged these.
    Acknowledge(Vec<RecordKey>),
    /// Give one up.
    SetAside(RecordKey, Eviction),
    /// Commit everything that was handed over before, then answer.
    Flush(SyncSender<()>),
}

/// What the thread takes at once.
#[derive(Debug, Default)]
pub struct Work {
    /// Records, in the order they were handed over.
    pub records: VecDeque<Handed>,
    /// Commands, in the order they were given.
    pub commands: VecDeque<Command>,
    /// Nothing will follow.
    pub closed: bool,
}

/// The way in.
#[derive(Debug, Default)]
pub struct Inbox {
    waiting: Mutex<Waiting>,
    work: Condvar,
    room: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    work: Work,
    bytes: usize,
}

impl Inbox {
    /// Hands a record over, waiting while the inbox is full. Gives it back when closed.
    pub fn hand_over(&self, handed: Handed) -> Result<(), Handed> {
        let mut waiting = self.lock();
        while !waiting.work.closed
            && (waiting.work.records.len() >= MAX_RECORDS || waiting.bytes >= MAX_BYTES)
        {
            waiting = self.room.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        if waiting.work.closed {
            return Err(handed);
        }
        waiting.bytes += handed.bytes();
        waiting.work.records.push_back(handed);
        self.work.notify_one();
        Ok(())
    }

    /// Gives a command. `false` when closed.
    pub fn command(&self, command: Command) -> bool {
        let mut waiting = self.lock();
        if waiting.work.closed {
            return false;
        }
        waiting.work.commands.push_back(command);
        self.work.notify_one();
        true
    }

    /// Lets nothing in any more.
    pub fn close(&self) {
        self.lock().work.closed = true;
        self.work.notify_all();
        self.room.notify_all();
    }

    /// Takes everything that waits, as soon as `enough` records or a command wait, or the limit
    /// has passed.
    pub fn take(&self, enough: usize, limit: Duration) -> Work {
        let idle = |waiting: &mut Waiting| {
            let work = &waiting.work;
            !work.closed
                && work.commands.is_empty()
                && work.records.len() < enough.min(MAX_RECORDS)
                && waiting.bytes < MAX_BYTES
        };
        let (mut waiting, _) =
            self.work.wait_timeout_while(self.lock(), limit, idle).unwrap_or_else(PoisonError::into_inner);
        waiting.bytes = 0;
        let closed = waiting.work.closed;
        let work = std::mem::replace(&mut waiting.work, Work { closed, ..Work::default() });
        drop(waiting);
        self.room.notify_all();
        work
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
