//! Writes reports in batches.
//!
//! Promise: a report that is answered [`Taken`] is committed, and so survives `kill -9` and a power
//! cut. A sync for each report would be the limit of the whole server, so those that arrive within
//! some milliseconds share one. A report that comes again, late or out of order changes nothing but
//! the events not yet known.

use std::time::Duration;

use sqlx::{Sqlite, Transaction};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::report::{Event, Report};
use super::{Database, DbError, progress};

/// How long the first report of a batch waits for others: little beside the sync that follows.
const GATHER: Duration = Duration::from_millis(5);
/// Most reports in a batch: more would hold the write lock, and a device's answer, too long.
const BATCH: usize = 256;
/// Reports that may wait: some seconds of work. One more is answered 503 rather than kept waiting.
const WAITING: usize = 4096;

/// A report is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Whether its counter was above the last one.
    pub advanced: bool,
    /// Events that were not known before.
    pub new_events: u32,
    /// Whether one of those ends an attempt.
    pub decided: bool,
}

/// Why a report was not taken; it is worth another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// Too many wait already.
    Full,
    /// The database is busy, full or away.
    Database,
    /// The server stops.
    Stopping,
}

struct Job {
    report: Report,
    now: i64,
    done: oneshot::Sender<Result<Taken, NotTaken>>,
}

/// Where reports are handed in. When the last one is dropped, the writer finishes and ends.
#[derive(Clone, Debug)]
pub struct Writer(mpsc::Sender<Job>);

impl Writer {
    /// Starts the writer as a task.
    #[must_use]
    pub fn start(database: Database) -> (Writer, tokio::task::JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Writer(sender), tokio::spawn(run(database, receiver)))
    }

    /// Hands a report in and waits until it is committed.
    ///
    /// # Errors
    /// It was not; nothing of it is kept, or it may come again without harm.
    pub async fn write(&self, report: Report, now: i64) -> Result<Taken, NotTaken> {
        let (done, answer) = oneshot::channel();
        self.0.try_send(Job { report, now, done }).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => NotTaken::Full,
            mpsc::error::TrySendError::Closed(_) => NotTaken::Stopping,
        })?;
        answer.await.unwrap_or(Err(NotTaken::Stopping))
    }
}

async fn run(database: Database, mut jobs: mpsc::Receiver<Job>) {
    let mut batch = Vec::with_capacity(BATCH);
    while let Some(first) = jobs.recv().await {
        batch.push(first);
        let until = Instant::now() + GATHER;
        while batch.len() < BATCH {
            let room = BATCH - batch.len();
            match timeout_at(until, jobs.recv_many(&mut batch, room)).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
        match commit(&database, &batch).await {
            Ok(taken) => {
                for (job, taken) in batch.drain(..).zip(taken) {
                    // A device that has gone asks again and finds its report known.
                    let _ = job.done.send(Ok(taken));
                }
            }
            Err(error) => {
                tracing::warn!(reports = batch.len(), %error, "reports were not taken");
                for job in batch.drain(..) {
                    let _ = job.done.send(Err(NotTaken::Database));
                }
            }
        }
    }
}

async fn commit(database: &Database, batch: &[Job]) -> Result<Vec<Taken>, DbError> {
    let mut change = database.begin().await?;
    let mut taken = Vec::with_capacity(batch.len());
    for job in batch {
        taken.push(take(&mut change, &job.report, job.now).await?);
    }
    change.commit().await?;
    Ok(taken)
}

async fn take(
    change: &mut Transaction<'static, Sqlite>,
    report: &Report,
    now: i64,
) -> Result<Taken, DbError> {
    let advanced = advance(change, report, now).await?;
    let mut taken = Taken { advanced, new_events: 0, decided: false };
    for event in &report.events {
        if add(change, &report.device, event, now).await? {
            taken.new_events += 1;
            if !event.rollout.is_empty() {
                progress::take(change, &report.device, report.counter.cast_signed(), event, now).await?;
                taken.decided |= !event.outcome().is_empty();
            }
        }
    }
    Ok(taken)
}

async fn advance(
    change: &mut Transaction<'static, Sqlite>,
    report: &Report,
    now: i64,
) -> Result<bool, DbError> {
    let json = |e: serde_json::Error| DbError::Damaged {
        table: "devices",
        key: report.device.clone(),
        why: e.to_string(),
    };
    let done = sqlx::query(
        "UPDATE devices SET counter = $1, reported = $2, device_group = $3, agent = $4, arch = $5, tags = $6, \
         models = $7 WHERE device = $8 AND counter < $1",
    )
    .bind(report.counter.cast_signed())
    .bind(now)
    .bind(&report.group)
    .bind(&report.agent)
    .bind(&report.arch)
    .bind(serde_json::to_string(&report.tags).map_err(json)?)
    .bind(serde_json::to_string(&report.models).map_err(json)?)
    .bind(&report.device)
    .execute(&mut **change)
    .await?;
    Ok(done.rows_affected() > 0)
}

async fn add(
    change: &mut Transaction<'static, Sqlite>,
    device: &str,
    event: &Event,
    now: i64,
) -> Result<bool, DbError> {
    let done = sqlx::query(
        "INSERT INTO events (device, attempt, seq, model, release_number, rollout, phase, reason, detail, \
         device_time, received) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         ON CONFLICT (device, attempt, seq) DO NOTHING",
    )
    .bind(device)
    .bind(&event.attempt)
    .bind(event.seq.cast_signed())
    .bind(&event.model)
    .bind(event.release.cast_signed())
    .bind(&event.rollout)
    .bind(&event.phase)
    .bind(&event.reason)
    .bind(&event.detail)
    .bind(&event.time)
    .bind(now)
    .execute(&mut **change)
    .await?;
    Ok(done.rows_affected() > 0)
}
