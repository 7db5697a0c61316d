//! One-time enrolment tokens. Only their hashes are kept: who reads the database can enrol nobody.

use sha2::{Digest, Sha256};
use sqlx::{Row, Sqlite, Transaction};

use super::DbError;

/// A token's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// When it stops to work, in milliseconds since 1970.
    pub expires: i64,
    /// The one device that it is for, and whose key it may replace; empty for any new device.
    pub bound_device: String,
    /// Who used it; empty for nobody yet.
    pub used_by: String,
}

/// What is kept of a token. A plain hash is enough: a token is 32 random bytes, there is no list of
/// likely ones to try.
#[must_use]
pub fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// Keeps a new token.
///
/// # Errors
/// The database is away.
pub async fn add(
    change: &mut Transaction<'static, Sqlite>,
    token: &str,
    note: &str,
    bound_device: &str,
    (created, expires): (i64, i64),
) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO tokens (hash, note, created, expires, bound_device, used, used_by) \
         VALUES ($1, $2, $3, $4, $5, 0, '')",
    )
    .bind(hash(token))
    .bind(note)
    .bind(created)
    .bind(expires)
    .bind(bound_device)
    .execute(&mut **change)
    .await?;
    Ok(())
}

/// Finds a token.
///
/// # Errors
/// The database is away.
pub async fn find(change: &mut Transaction<'static, Sqlite>, token: &str) -> Result<Option<Token>, DbError> {
    let row = sqlx::query("SELECT expires, bound_device, used_by FROM tokens WHERE hash = $1")
        .bind(hash(token))
        .fetch_optional(&mut **change)
        .await?;
    row.map(|row| {
        Ok(Token { expires: row.try_get(0)?, bound_device: row.try_get(1)?, used_by: row.try_get(2)? })
    })
    .transpose()
}

/// Marks a token as used up by `device`.
///
/// # Errors
/// The database is away.
pub async fn spend(
    change: &mut Transaction<'static, Sqlite>,
    token: &str,
    device: &str,
    now: i64,
) -> Result<(), DbError> {
    sqlx::query("UPDATE tokens SET used = $1, used_by = $2 WHERE hash = $3")
        .bind(now)
        .bind(device)
        .bind(hash(token))
        .execute(&mut **change)
        .await?;
    Ok(())
}
