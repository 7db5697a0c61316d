//! Who did what: an append-only log whose entries hold each other in place.
//!
//! Promise: an entry that was changed, taken out or put in between breaks the chain at that entry,
//! and [`verify()`] names it. Each entry's hash covers the hash before it. What a chain cannot show by
//! itself is a cut at its end; for that, keep the head that `audit verify` prints somewhere else and
//! give it to the next one.

mod entry;
mod verify;

#[cfg(test)]
mod tests;

pub use entry::{Entry, GENESIS};
pub use verify::{Broken, Head, verify};

use jiff::Timestamp;
use sqlx::{Row, Sqlite, SqlitePool, Transaction};

use crate::db::DbError;

/// What is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act<'a> {
    /// `operator`, `server`, or `device:NAME`.
    pub actor: &'a str,
    /// What was done, such as `rollout.pause`.
    pub action: &'a str,
    /// To what.
    pub subject: &'a str,
    /// The rest, small. Never a secret.
    pub detail: serde_json::Value,
}

/// Appends an entry in the same transaction as the act itself, so that there is neither without the
/// other.
///
/// # Errors
/// The database is away.
pub async fn append(
    change: &mut Transaction<'static, Sqlite>,
    act: Act<'_>,
    now: Timestamp,
) -> Result<(), DbError> {
    let last = sqlx::query("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
        .fetch_optional(&mut **change)
        .await?;
    let (seq, prev) = match last {
        Some(row) => (row.try_get::<i64, _>(0)? + 1, row.try_get(1)?),
        None => (1, GENESIS.to_owned()),
    };
    let entry = Entry::new(seq, now, act, prev);
    sqlx::query(
        "INSERT INTO audit (seq, time, actor, action, subject, detail, prev, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(entry.seq)
    .bind(&entry.time)
    .bind(&entry.actor)
    .bind(&entry.action)
    .bind(&entry.subject)
    .bind(&entry.detail)
    .bind(&entry.prev)
    .bind(&entry.hash)
    .execute(&mut **change)
    .await?;
    // The log of the system, if it is sent away, is a second witness.
    tracing::info!(
        seq = entry.seq,
        actor = entry.actor,
        action = entry.action,
        subject = entry.subject,
        hash = entry.hash,
        "audit"
    );
    Ok(())
}

/// The entries after `after`, oldest first, at most `most`.
///
/// # Errors
/// The database is away.
pub async fn read(pool: &SqlitePool, after: i64, most: i64) -> Result<Vec<Entry>, DbError> {
    let rows = sqlx::query(
        "SELECT seq, time, actor, action, subject, detail, prev, hash FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2",
    )
    .bind(after)
    .bind(most)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Entry {
                seq: row.try_get(0)?,
                time: row.try_get(1)?,
                actor: row.try_get(2)?,
                action: row.try_get(3)?,
                subject: row.try_get(4)?,
                detail: row.try_get(5)?,
                prev: row.try_get(6)?,
                hash: row.try_get(7)?,
            })
        })
        .collect()
}
