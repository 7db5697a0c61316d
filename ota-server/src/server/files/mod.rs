//! The repository, as static files.
//!
//! Promise: what is served is what lies in the repository folder under the name asked for, and
//! nothing outside `metadata/` and `targets/`. Devices poll `timestamp.json`, so metadata is answered
//! from memory; bundles are streamed, so that a thousand slow downloads cost a thousand small buffers.

mod conditional;
mod handler;
mod memory;
mod name;
mod stream;

pub use handler::get;
pub use memory::Memory;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::local::LocalFileSystem;

/// Where the files come from.
#[derive(Clone, Debug)]
pub struct Files {
    /// The store; a folder today, a bucket later.
    store: Arc<dyn object_store::ObjectStore>,
    /// Metadata in memory.
    pub memory: Arc<Memory>,
}

impl Files {
    /// Serves the repository folder `repo`.
    ///
    /// # Errors
    /// It is not a folder.
    pub fn open(repo: &Path) -> Result<Files, FilesError> {
        let store = LocalFileSystem::new_with_prefix(repo)
            .map_err(|source| FilesError { path: repo.to_owned(), source: source.into() })?;
        let memory = Memory::new(repo.join("metadata"));
        memory.load().map_err(|source| FilesError { path: repo.join("metadata"), source })?;
        Ok(Files { store: Arc::new(store), memory: Arc::new(memory) })
    }
}

/// The repository folder cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}; --repo must name the folder of a repository, see `lineside-ota init`")]
pub struct FilesError {
    path: PathBuf,
    source: std::io::Error,
}
