//! Where verified metadata is kept between cycles.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// Keeps verified metadata. What it holds is verified again from the factory root at every start, so a
/// store is no secret; but what it loses is no floor any more, so a write must last.
///
/// The names are `root.json`, `root_history/N.root.json`, `timestamp.json`, `snapshot.json`,
/// `targets.json` and `ROLE.json`.
pub trait Store: Send + Sync {
    /// What was stored under `name`.
    ///
    /// # Errors
    /// When there may be something that cannot be read.
    fn load(&self, name: &str) -> io::Result<Option<Vec<u8>>>;

    /// Replaces what is stored under `name`, durably.
    ///
    /// # Errors
    /// When it may not last.
    fn store(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
}

impl<S: Store + ?Sized> Store for Arc<S> {
    fn load(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        (**self).load(name)
    }

    fn store(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        (**self).store(name, bytes)
    }
}

/// Keeps metadata for as long as it lives: for commands that look once.
#[derive(Debug, Default)]
pub struct MemoryStore {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl MemoryStore {
    /// The names of what is stored.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.files().keys().cloned().collect()
    }

    fn files(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn load(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.files().get(name).cloned())
    }

    fn store(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.files().insert(name.into(), bytes.into());
        Ok(())
    }
}
