//! What the outbox needs of a database: so little that a double which fails on command can
//! stand in for it.

use super::key::KeyBytes;

/// A key and its value.
pub type Entry = (KeyBytes, Vec<u8>);

/// An ordered map with one small state value beside it. Every call that changes records changes
/// the state in the same atomic step.
pub trait Store: Send {
    /// Writes entries and the state, all or nothing. After `Ok` they survive a power cut.
    ///
    /// # Errors
    /// Whether anything was written is then unknown until the store is opened again.
    fn put(&mut self, entries: &[Entry], state: &[u8]) -> Result<(), StoreError>;

    /// Removes entries and writes the state, all or nothing. It need not survive a power cut: a
    /// lost removal costs only a duplicate.
    ///
    /// # Errors
    /// As for `put`.
    fn remove(&mut self, keys: &[KeyBytes], state: &[u8]) -> Result<(), StoreError>;

    /// The value of a key.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn get(&self, key: &KeyBytes) -> Result<Option<Vec<u8>>, StoreError>;

    /// At most `limit` entries with keys beyond `after`, in order of their keys.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn scan(&self, after: Option<&KeyBytes>, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// The state as last written; `None` in a fresh store.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn state(&self) -> Result<Option<Vec<u8>>, StoreError>;

    /// Bytes the store takes on disk.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn footprint(&self) -> Result<u64, StoreError>;
}

/// Why a store does not answer. In each case it must be closed and opened again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The disk is full: it helps to free space.
    #[error("the disk is full")]
    Full,
    /// The file system answered with an error: it may help to try again.
    #[error("the file system answers: {0}")]
    Io(String),
    /// It cannot be used for now, through no fault of its own, so it must stay where it is.
    #[error("it cannot be used: {0}")]
    Unavailable(String),
    /// Its files are damaged: it must be set aside.
    #[error("its files are damaged: {0}")]
    Damaged(String),
}
