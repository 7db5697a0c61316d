//! Follows the chain from its start.

use sqlx::SqlitePool;

use super::{Entry, GENESIS, read};
use crate::db::DbError;

/// Entries read at a time.
const PAGE: i64 = 1000;

/// The last entry: what to keep elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number; 0 when the log is empty.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
}

/// The first entry that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit log is broken at entry {seq}: {why}")]
pub struct Broken {
    /// Its number, or where one is missing.
    pub seq: i64,
    /// What is wrong.
    pub why: String,
}

/// Checks every entry, and, when given, that the log still holds a head that was kept elsewhere.
/// `Ok(Err(_))` names the first entry that does not hold.
///
/// # Errors
/// The database is away.
pub async fn verify(pool: &SqlitePool, kept: Option<&Head>) -> Result<Result<Head, Broken>, DbError> {
    let mut head = Head { seq: 0, hash: GENESIS.to_owned() };
    let mut found_kept = kept.is_none();
    loop {
        let page = read(pool, head.seq, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for entry in page {
            if let Err(why) = follows(&entry, &head) {
                return Ok(Err(Broken { seq: head.seq + 1, why }));
            }
            head = Head { seq: entry.seq, hash: entry.hash };
            found_kept |= kept == Some(&head);
        }
    }
    if let (false, Some(kept)) = (found_kept, kept) {
        let why = if head.seq < kept.seq {
            "it is missing: the log was cut"
        } else {
            "it is not the one that was kept"
        };
        return Ok(Err(Broken { seq: kept.seq, why: why.to_owned() }));
    }
    Ok(Ok(head))
}

fn follows(entry: &Entry, head: &Head) -> Result<(), String> {
    if entry.seq != head.seq + 1 {
        return Err(format!("it is missing; the next one there is {}", entry.seq));
    }
    if entry.prev != head.hash {
        return Err("it does not follow the entry before it".to_owned());
    }
    if entry.hash != entry.digest() {
        return Err("its content is not what was recorded".to_owned());
    }
    Ok(())
}
