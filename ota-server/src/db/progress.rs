//! Where each device stands in each rollout.
//!
//! A device's newest word counts: within an attempt the higher `seq`, between attempts the report
//! with the higher counter. How its last attempt *ended* is kept beside it, so that a device that
//! fails and tries again is still one that failed.

use sqlx::{Row, Sqlite, SqlitePool, Transaction};

use super::DbError;
use super::report::Event;
use crate::rollouts::thresholds::Sample;

/// A device's standing in a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The device.
    pub device: String,
    /// Its newest phase.
    pub phase: String,
    /// When its first event arrived, in milliseconds since 1970.
    pub begun: i64,
    /// How its last attempt ended: `committed`, `rolled_back`, `failed`, or empty while undecided.
    pub outcome: String,
    /// Why, for the last two; for `rejected`, why it was.
    pub reason: String,
    /// When that was heard.
    pub decided: i64,
}

const PUT: &str = "INSERT INTO progress (rollout, device, attempt, seq, counter, phase, reason, begun, updated, \
    outcome, outcome_reason, decided) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10, $11) \
    ON CONFLICT (rollout, device) DO UPDATE SET attempt = excluded.attempt, seq = excluded.seq, \
    counter = excluded.counter, phase = excluded.phase, reason = excluded.reason, updated = excluded.updated, \
    outcome = CASE WHEN excluded.outcome <> '' THEN excluded.outcome ELSE progress.outcome END, \
    outcome_reason = CASE WHEN excluded.outcome <> '' THEN excluded.outcome_reason \
    ELSE progress.outcome_reason END, \
    decided = CASE WHEN excluded.outcome <> '' THEN excluded.decided ELSE progress.decided END \
    WHERE (progress.attempt = excluded.attempt AND progress.seq < excluded.seq) \
    OR (progress.attempt <> excluded.attempt AND progress.counter <= excluded.counter)";

/// For an end that arrives after what came later: it counts when nothing newer was decided.
const LATE: &str = "UPDATE progress SET outcome = $1, outcome_reason = $2, decided = $3 \
    WHERE rollout = $4 AND device = $5 AND outcome = ''";

/// Takes a new event of a rollout in.
pub(super) async fn take(
    change: &mut Transaction<'static, Sqlite>,
    device: &str,
    counter: i64,
    event: &Event,
    now: i64,
) -> Result<(), DbError> {
    let outcome = event.outcome();
    let decided = if outcome.is_empty() { 0 } else { now };
    let put = sqlx::query(PUT)
        .bind(&event.rollout)
        .bind(device)
        .bind(&event.attempt)
        .bind(event.seq.cast_signed())
        .bind(counter)
        .bind(&event.phase)
        .bind(&event.reason)
        .bind(now)
        .bind(outcome)
        .bind(&event.reason)
        .bind(decided)
        .execute(&mut **change)
        .await?;
    if put.rows_affected() == 0 && !outcome.is_empty() {
        sqlx::query(LATE)
            .bind(outcome)
            .bind(&event.reason)
            .bind(decided)
            .bind(&event.rollout)
            .bind(device)
            .execute(&mut **change)
            .await?;
    }
    Ok(())
}

/// The standing of every device that said something of a rollout.
///
/// # Errors
/// The database is away.
pub async fn of(pool: &SqlitePool, rollout: &str) -> Result<Vec<Standing>, DbError> {
    let rows = sqlx::query(
        "SELECT device, phase, begun, outcome, CASE WHEN phase = 'rejected' THEN reason ELSE outcome_reason END, \
         decided FROM progress WHERE rollout = $1",
    )
    .bind(rollout)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Standing {
                device: row.try_get(0)?,
                phase: row.try_get(1)?,
                begun: row.try_get(2)?,
                outcome: row.try_get(3)?,
                reason: row.try_get(4)?,
                decided: row.try_get(5)?,
            })
        })
        .collect()
}

/// What the thresholds of a rollout are judged on: what ended since `from`, and what began between
/// then and `settled`. Counted by the database, because it is asked with every batch of reports.
///
/// # Errors
/// The database is away.
pub async fn sample(pool: &SqlitePool, rollout: &str, from: i64, settled: i64) -> Result<Sample, DbError> {
    let row = sqlx::query(
        "SELECT COALESCE(SUM(CASE WHEN decided >= $2 AND outcome = 'committed' THEN 1 ELSE 0 END), 0), \
         COALESCE(SUM(CASE WHEN decided >= $2 AND outcome = 'rolled_back' THEN 1 ELSE 0 END), 0), \
         COALESCE(SUM(CASE WHEN decided >= $2 AND outcome = 'failed' THEN 1 ELSE 0 END), 0), \
         COALESCE(SUM(CASE WHEN begun >= $2 AND begun <= $3 THEN 1 ELSE 0 END), 0), \
         COALESCE(SUM(CASE WHEN begun >= $2 AND begun <= $3 AND outcome = 'committed' THEN 1 ELSE 0 END), 0) \
         FROM progress WHERE rollout = $1",
    )
    .bind(rollout)
    .bind(from)
    .bind(settled)
    .fetch_one(pool)
    .await?;
    let number = |column: usize| Ok::<_, DbError>(row.try_get::<i64, _>(column)?.cast_unsigned());
    Ok(Sample {
        committed: number(0)?,
        rolled_back: number(1)?,
        failed: number(2)?,
        settled: number(3)?,
        settled_committed: number(4)?,
    })
}
