//! Why the outbox cannot serve.

use std::path::{Path, PathBuf};

use super::counters::Refusal;

/// Why the outbox cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// Another process has it open.
    #[error(
        "{path}: another agent has this outbox open; stop it, or give this one a `gateway.data_dir` of its own"
    )]
    Busy {
        /// The lock file.
        path: PathBuf,
    },
    /// The folder cannot be used.
    #[error(
        "{path}: {cause}; check that the folder exists on a disk with free space and that the agent may write there"
    )]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// What the file system answers.
        cause: String,
    },
    /// The record was not accepted, and is counted with this reason.
    #[error("the record was not accepted: {0}")]
    Refused(Refusal),
}

impl OutboxError {
    pub(super) fn folder(path: &Path, cause: impl ToString) -> Self {
        OutboxError::Folder { path: path.to_owned(), cause: cause.to_string() }
    }
}
