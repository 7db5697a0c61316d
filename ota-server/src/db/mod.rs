//! The server's state: one SQLite file under the state folder.
//!
//! Promise: what was answered as done is on the disk. WAL with `synchronous = FULL` syncs the log
//! at every commit, so neither `kill -9` nor a power cut takes a commit back. The SQL is kept to
//! what PostgreSQL takes too; what is SQLite's own is in this file.

pub mod devices;
pub mod error;
pub mod events;
mod migrate;
pub mod progress;
pub mod report;
pub mod rollouts;
pub mod tokens;
pub mod writer;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, Transaction};

pub use error::DbError;

/// The database's file in the state folder.
pub const FILE: &str = "ota.sqlite";
/// Held while a server uses the state folder.
const LOCK: &str = "ota.lock";
/// Longer than a batch of reports takes to commit on a slow disk, shorter than a device waits.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// One for the writer of reports, the others for readers; SQLite writes one at a time anyhow.
const CONNECTIONS: u32 = 4;
const PAGE: u64 = 4096;

/// What the database may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Largest size of the file, in MiB; at it, writes are refused and answered 503.
    pub max_mib: u64,
}

impl Default for Limits {
    /// Some 20 million events.
    fn default() -> Self {
        Limits { max_mib: 8192 }
    }
}

/// The open database. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Database {
    pool: SqlitePool,
    path: PathBuf,
    _lock: Option<Arc<File>>,
}

impl Database {
    /// Opens the database in `state` for a server, which has the folder to itself, and brings its
    /// tables up to date.
    ///
    /// # Errors
    /// Another server has it, it cannot be opened, or it was written by a newer version.
    pub async fn open(state: &Path, limits: Limits, now: jiff::Timestamp) -> Result<Database, DbError> {
        std::fs::create_dir_all(state).map_err(|source| DbError::file(state, source))?;
        let lock = lock(&state.join(LOCK))?;
        let path = state.join(FILE);
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("max_page_count", (limits.max_mib.max(1) * 1024 * 1024 / PAGE).to_string());
        let database = Database { pool: pool(options, &path).await?, path, _lock: Some(Arc::new(lock)) };
        migrate::up(&database, now).await?;
        Ok(database)
    }

    /// Opens it for reading alone, also beside a running server.
    ///
    /// # Errors
    /// There is none, or it cannot be opened.
    pub async fn open_to_read(state: &Path) -> Result<Database, DbError> {
        let path = state.join(FILE);
        let options = SqliteConnectOptions::new().filename(&path).read_only(true).busy_timeout(BUSY_TIMEOUT);
        Ok(Database { pool: pool(options, &path).await?, path, _lock: None })
    }

    /// For reading.
    #[must_use]
    pub fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins to write. SQLite takes its one write lock at once, so that a transaction that has read
    /// cannot fail when it comes to write.
    ///
    /// # Errors
    /// The database stayed busy, or is away.
    pub async fn begin(&self) -> Result<Transaction<'static, Sqlite>, DbError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Closes it when what is under way has ended.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

async fn pool(options: SqliteConnectOptions, path: &Path) -> Result<SqlitePool, DbError> {
    SqlitePoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(BUSY_TIMEOUT * 2)
        .connect_with(options)
        .await
        .map_err(|source| DbError::Open { path: path.to_owned(), source })
}

fn lock(path: &Path) -> Result<File, DbError> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|source| DbError::file(path, source))?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| DbError::InUse { path: path.to_owned() })?;
    Ok(file)
}
