//! The rollouts' rows: each with its document, as it is to be published.

use sqlx::{Row, Sqlite, SqlitePool, Transaction};

use super::DbError;
use crate::rollouts::thresholds::Thresholds;
use lineside_bundle::Rollout;

/// A rollout as the server keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The document of its newest revision.
    pub document: Rollout,
    /// The newest revision that is signed and served; under the document's while one is under way.
    pub published_revision: i64,
    /// Whether it is the newest of its group and model: the one that devices see.
    pub live: bool,
    /// Its limits.
    pub thresholds: Thresholds,
    /// What ended before, in milliseconds since 1970, is not judged again: when it was last resumed.
    pub judged_from: i64,
    /// Why it is paused or aborted; empty while it runs.
    pub pause_reason: String,
    /// When it was made.
    pub created: i64,
    /// When it was last changed.
    pub updated: i64,
}

const SELECT: &str = "SELECT id, document, published_revision, live, thresholds, judged_from, pause_reason, \
                      created, updated FROM rollouts";

/// All rollouts, or one, newest first.
///
/// # Errors
/// The database is away or holds what it cannot have been given.
pub async fn list(pool: &SqlitePool, id: Option<&str>) -> Result<Vec<Kept>, DbError> {
    // Made of this file's constants alone.
    let sql = match id {
        Some(_) => format!("{SELECT} WHERE id = $1"),
        None => format!("{SELECT} ORDER BY created DESC, id DESC"),
    };
    let query = sqlx::query(sqlx::AssertSqlSafe(sql));
    let query = match id {
        Some(id) => query.bind(id.to_owned()),
        None => query,
    };
    query.fetch_all(pool).await?.iter().map(read).collect()
}

/// The rollouts that devices see: the newest of each group and model.
///
/// # Errors
/// As [`list`].
pub async fn live(pool: &SqlitePool) -> Result<Vec<Kept>, DbError> {
    // Made of this file's constants alone.
    let sql = sqlx::AssertSqlSafe(format!("{SELECT} WHERE live = 1"));
    sqlx::query(sql).fetch_all(pool).await?.iter().map(read).collect()
}

/// A rollout within a change.
///
/// # Errors
/// As [`list`].
pub async fn find(change: &mut Transaction<'static, Sqlite>, id: &str) -> Result<Option<Kept>, DbError> {
    let sql = format!("{SELECT} WHERE id = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.to_owned()).fetch_optional(&mut **change).await?;
    row.as_ref().map(read).transpose()
}

/// Keeps a rollout, new or changed.
///
/// # Errors
/// The database is away.
pub async fn put(change: &mut Transaction<'static, Sqlite>, kept: &Kept) -> Result<(), DbError> {
    let json = |e: serde_json::Error| damaged(&kept.document.id, e.to_string());
    sqlx::query(
        "INSERT INTO rollouts (id, model, device_group, live, document, revision, published_revision, thresholds, \
         judged_from, pause_reason, created, updated) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT (id) DO UPDATE SET live = excluded.live, document = excluded.document, \
         revision = excluded.revision, published_revision = excluded.published_revision, \
         judged_from = excluded.judged_from, pause_reason = excluded.pause_reason, updated = excluded.updated",
    )
    .bind(&kept.document.id)
    .bind(&kept.document.model)
    .bind(&kept.document.group)
    .bind(i64::from(kept.live))
    .bind(serde_json::to_string(&kept.document).map_err(json)?)
    .bind(i64::from(kept.document.revision))
    .bind(kept.published_revision)
    .bind(serde_json::to_string(&kept.thresholds).map_err(json)?)
    .bind(kept.judged_from)
    .bind(&kept.pause_reason)
    .bind(kept.created)
    .bind(kept.updated)
    .execute(&mut **change)
    .await?;
    Ok(())
}

/// Marks the other rollouts of a group and model as replaced.
///
/// # Errors
/// The database is away.
pub async fn supersede(change: &mut Transaction<'static, Sqlite>, by: &Rollout) -> Result<(), DbError> {
    sqlx::query("UPDATE rollouts SET live = 0 WHERE model = $1 AND device_group = $2 AND id <> $3")
        .bind(&by.model)
        .bind(&by.group)
        .bind(&by.id)
        .execute(&mut **change)
        .await?;
    Ok(())
}

/// Notes that a revision is served.
///
/// # Errors
/// The database is away.
pub async fn published(change: &mut Transaction<'static, Sqlite>, document: &Rollout) -> Result<(), DbError> {
    sqlx::query("UPDATE rollouts SET published_revision = $1 WHERE id = $2 AND published_revision < $1")
        .bind(i64::from(document.revision))
        .bind(&document.id)
        .execute(&mut **change)
        .await?;
    Ok(())
}

fn read(row: &sqlx::sqlite::SqliteRow) -> Result<Kept, DbError> {
    let id: String = row.try_get(0)?;
    let json = |e: serde_json::Error| damaged(&id, e.to_string());
    Ok(Kept {
        document: serde_json::from_str(row.try_get(1)?).map_err(json)?,
        published_revision: row.try_get(2)?,
        live: row.try_get::<i64, _>(3)? != 0,
        thresholds: serde_json::from_str(row.try_get(4)?).map_err(json)?,
        judged_from: row.try_get(5)?,
        pause_reason: row.try_get(6)?,
        created: row.try_get(7)?,
        updated: row.try_get(8)?,
    })
}

fn damaged(id: &str, why: String) -> DbError {
    DbError::Damaged { table: "rollouts", key: id.to_owned(), why }
}
