//! Brings the tables up to date at the start: plain SQL files, applied in order, each once.

use jiff::Timestamp;

use super::{Database, DbError};

/// In order; one that was released is never changed again.
const MIGRATIONS: [(i64, &str); 1] = [(1, include_str!("migrations/0001_start.sql"))];

/// Applies what is missing, all of it or nothing.
pub(super) async fn up(database: &Database, now: Timestamp) -> Result<(), DbError> {
    let mut change = database.begin().await?;
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY, applied BIGINT NOT NULL)",
    )
    .execute(&mut *change)
    .await?;
    let found: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(version), 0) FROM schema_version")
        .fetch_one(&mut *change)
        .await?;
    let known = MIGRATIONS.iter().map(|(version, _)| *version).max().unwrap_or(0);
    if found > known {
        return Err(DbError::Newer { path: database.path().to_owned(), found, known });
    }
    for (version, sql) in MIGRATIONS.iter().filter(|(version, _)| *version > found) {
        sqlx::raw_sql(*sql).execute(&mut *change).await?;
        sqlx::query("INSERT INTO schema_version (version, applied) VALUES ($1, $2)")
            .bind(version)
            .bind(now.as_millisecond())
            .execute(&mut *change)
            .await?;
    }
    change.commit().await?;
    Ok(())
}
