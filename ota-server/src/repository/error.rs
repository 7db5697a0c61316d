//! Why the repository refuses.

use std::path::PathBuf;

use lineside_bundle::BundleError;
use lineside_bundle::patch::PatchError;

use super::change::Missing;
use crate::keys::KeyError;
use crate::tuf::TufError;

/// Why the repository refuses.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// A file cannot be read or written.
    #[error("{file}: {cause}", file = file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the file system answered.
        cause: std::io::Error,
    },
    /// There is no repository.
    #[error("{folder}: holds no repository; make one with `lineside-ota init`", folder = folder.display())]
    NoRepository {
        /// The folder.
        folder: PathBuf,
    },
    /// There is a repository where one was to be made.
    #[error("{folder}: holds a repository already; choose another folder", folder = folder.display())]
    Exists {
        /// The folder.
        folder: PathBuf,
    },
    /// A file is not the one that its pin names, or not signed to its threshold.
    #[error("{file}: {problem}", file = file.display())]
    Untrusted {
        /// The file.
        file: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// Signatures are missing.
    #[error("not signed to the threshold: {}; nothing was changed", list(.0))]
    Missing(Vec<Missing>),
    /// A change was made on a state that is no longer the latest.
    #[error(
        "{what} version {found} was prepared, but version {expected} is next: something else was put in \
        place meanwhile; prepare the change again"
    )]
    Overtaken {
        /// The role.
        what: String,
        /// The version prepared.
        found: u64,
        /// The version that is next.
        expected: u64,
    },
    /// Something asked for is impossible.
    #[error("{0}")]
    Refused(String),
    /// Metadata is malformed.
    #[error("{file}: {cause}", file = file.display())]
    Metadata {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        cause: TufError,
    },
    /// Metadata cannot be written.
    #[error(transparent)]
    Tuf(#[from] TufError),
    /// A signer failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The bundle is refused.
    #[error("{file}: {cause}", file = file.display())]
    Bundle {
        /// The archive.
        file: PathBuf,
        /// Why.
        cause: Box<BundleError>,
    },
    /// A patch could not be made.
    #[error("no patch from {file}: {cause}", file = file.display())]
    Patch {
        /// The older bundle.
        file: PathBuf,
        /// Why.
        cause: PatchError,
    },
}

fn list(missing: &[Missing]) -> String {
    missing.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
