//! Enrolled devices: who they are, and what they last said of themselves.

use std::collections::BTreeMap;

use sqlx::{Row, Sqlite, SqlitePool, Transaction};

use super::DbError;

/// A device as the database knows it. The fields from `group` on are empty until its first report.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Device {
    /// Its name.
    pub device: String,
    /// Its ed25519 public key, in hex.
    pub public_key: String,
    /// When it was enrolled, in milliseconds since 1970.
    pub enrolled: i64,
    /// When it last reported; 0 for never.
    pub reported: i64,
    /// The group that it follows.
    pub group: String,
    /// The agent's version.
    pub agent: String,
    /// What it runs on.
    pub arch: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its models, as it reported them.
    pub models: serde_json::Value,
}

const COLUMNS: &str = "SELECT device, public_key, enrolled, reported, device_group, agent, arch, tags, models \
                       FROM devices";

/// The public key of a device, in hex.
///
/// # Errors
/// The database is away.
pub async fn key(pool: &SqlitePool, device: &str) -> Result<Option<String>, DbError> {
    Ok(sqlx::query_scalar("SELECT public_key FROM devices WHERE device = $1")
        .bind(device)
        .fetch_optional(pool)
        .await?)
}

/// Enrols a device, or gives it another key. Its counter starts again, because so does the device's.
///
/// # Errors
/// The database is away.
pub async fn put(
    change: &mut Transaction<'static, Sqlite>,
    device: &str,
    public_key: &str,
    now: i64,
) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO devices (device, public_key, enrolled, counter, reported, device_group, agent, arch, tags, \
         models) VALUES ($1, $2, $3, -1, 0, '', '', '', '{}', '{}') \
         ON CONFLICT (device) DO UPDATE SET public_key = excluded.public_key, enrolled = excluded.enrolled, \
         counter = -1",
    )
    .bind(device)
    .bind(public_key)
    .bind(now)
    .execute(&mut **change)
    .await?;
    sqlx::query("UPDATE progress SET counter = -1 WHERE device = $1")
        .bind(device)
        .execute(&mut **change)
        .await?;
    Ok(())
}

/// Takes a device's enrolment away. Whether there was one.
///
/// # Errors
/// The database is away.
pub async fn remove(change: &mut Transaction<'static, Sqlite>, device: &str) -> Result<bool, DbError> {
    let done =
        sqlx::query("DELETE FROM devices WHERE device = $1").bind(device).execute(&mut **change).await?;
    Ok(done.rows_affected() > 0)
}

/// The devices of a group, or, with none given, all, by name.
///
/// # Errors
/// The database is away or holds what it cannot have been given.
pub async fn list(pool: &SqlitePool, group: Option<&str>) -> Result<Vec<Device>, DbError> {
    let sql = match group {
        Some(_) => format!("{COLUMNS} WHERE device_group = $1 ORDER BY device"),
        None => format!("{COLUMNS} ORDER BY device"),
    };
    // Made of this file's constants alone.
    let query = sqlx::query(sqlx::AssertSqlSafe(sql));
    let query = match group {
        Some(group) => query.bind(group.to_owned()),
        None => query,
    };
    query.fetch_all(pool).await?.iter().map(read).collect()
}

fn read(row: &sqlx::sqlite::SqliteRow) -> Result<Device, DbError> {
    let device: String = row.try_get(0)?;
    let damaged =
        |e: serde_json::Error| DbError::Damaged { table: "devices", key: device.clone(), why: e.to_string() };
    Ok(Device {
        public_key: row.try_get(1)?,
        enrolled: row.try_get(2)?,
        reported: row.try_get(3)?,
        group: row.try_get(4)?,
        agent: row.try_get(5)?,
        arch: row.try_get(6)?,
        tags: serde_json::from_str(row.try_get(7)?).map_err(damaged)?,
        models: serde_json::from_str(row.try_get(8)?).map_err(damaged)?,
        device,
    })
}
