//! What can go wrong with the database.

use std::path::{Path, PathBuf};

/// Why the database did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The state folder cannot be used.
    #[error("{path}: {source}; check the folder given as --state and who may write in it")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It cannot be opened.
    #[error("{path}: cannot open the database: {source}; check that --state names the server's state folder")]
    Open {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// Another server uses the folder.
    #[error("{path}: another server uses this state folder; stop it, or give this one its own --state")]
    InUse {
        /// The lock.
        path: PathBuf,
    },
    /// A newer version wrote it.
    #[error(
        "{path}: schema {found}, this version knows {known}; run the newer lineside-ota, or restore a backup"
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// What is in it.
        found: i64,
        /// What this version knows.
        known: i64,
    },
    /// Something in it cannot be read.
    #[error("the {table} row of {key} cannot be read: {why}; restore the database from a backup")]
    Damaged {
        /// The table.
        table: &'static str,
        /// The row.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// Busy, full, or away: worth another try.
    #[error("the database cannot be used now: {0}")]
    Unavailable(#[from] sqlx::Error),
}

impl DbError {
    pub(super) fn file(path: &Path, source: std::io::Error) -> DbError {
        DbError::File { path: path.to_owned(), source }
    }
}
