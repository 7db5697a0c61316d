//! Old events go, so that the database does not fill up by itself.

use super::{Database, DbError};

/// Events deleted in a transaction: short enough that reports do not wait for it.
const AT_A_TIME: i64 = 2000;

/// Deletes the events that arrived before `before`, in milliseconds since 1970, and returns their
/// number. How each device stands in each rollout is kept apart from them and stays.
///
/// # Errors
/// The database is away; what was deleted before is.
pub async fn prune(database: &Database, before: i64) -> Result<u64, DbError> {
    let mut pruned = 0;
    loop {
        let mut change = database.begin().await?;
        let done = sqlx::query(
            "DELETE FROM events WHERE (device, attempt, seq) IN \
             (SELECT device, attempt, seq FROM events WHERE received < $1 LIMIT $2)",
        )
        .bind(before)
        .bind(AT_A_TIME)
        .execute(&mut *change)
        .await?;
        change.commit().await?;
        pruned += done.rows_affected();
        if done.rows_affected() < AT_A_TIME.cast_unsigned() {
            return Ok(pruned);
        }
    }
}
