//! The store on sled 0.34.
//!
//! sled's `flush` hands the pages to the kernel but never waits for the disk
//! (spacejam/sled#1452), so each commit is followed by `fdatasync` on its file. A damaged file
//! makes sled panic, at opening or later, so every call is guarded and a panic becomes
//! [`StoreError::Damaged`].

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use rustix::io::Errno;

use super::key::{KEY_BYTES, KeyBytes};
use super::store::{Entry, Store, StoreError};
use crate::side_store::LOCKED;

/// sled's page cache. Its default of 1 GiB is the whole memory of a small board; the outbox reads
/// in order and gains nothing from more.
const CACHE_BYTES: u64 = 8 << 20;

/// sled's own flusher, which also collects garbage; our commits do not rely on it.
const FLUSH_EVERY_MS: u64 = 500;

/// The key of the state. It sorts behind every record.
const STATE: &[u8] = &[0xff];

/// The file in sled's folder that holds the records.
const DATA_FILE: &str = "db";

/// The store on sled.
pub struct SledStore {
    db: sled::Db,
    data: File,
}

impl SledStore {
    /// Opens or creates the database in `folder`. This may panic inside sled, hang, or take long
    /// on a damaged file; the panic is caught, the rest is the caller's to watch.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        guarded(|| {
            let db = sled::Config::new()
                .path(folder)
                .cache_capacity(CACHE_BYTES)
                .flush_every_ms(Some(FLUSH_EVERY_MS))
                .open()
                .map_err(classify)?;
            let data = File::open(folder.join(DATA_FILE)).map_err(io)?;
            // A fresh database's name must survive as well.
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
            crate::durable::sync_folder(folder).map_err(io)?;
            Ok(SledStore { db, data })
        })
    }
}

impl Store for SledStore {
    fn put(&mut self, entries: &[Entry], state: &[u8]) -> Result<(), StoreError> {
        guarded(|| {
            let mut batch = sled::Batch::default();
            for (key, value) in entries {
                batch.insert(key, value.as_slice());
            }
            batch.insert(STATE, state);
            self.db.apply_batch(batch).map_err(classify)?;
            self.db.flush().map_err(classify)?;
            self.data.sync_data().map_err(io)
        })
    }

    fn remove(&mut self, keys: &[KeyBytes], state: &[u8]) -> Result<(), StoreError> {
        guarded(|| {
            let mut batch = sled::Batch::default();
            for key in keys {
                batch.remove(key);
            }
            batch.insert(STATE, state);
            self.db.apply_batch(batch).map_err(classify)
        })
    }

    fn get(&self, key: &KeyBytes) -> Result<Option<Vec<u8>>, StoreError> {
        guarded(|| Ok(self.db.get(key).map_err(classify)?.map(|value| value.to_vec())))
    }

    fn scan(&self, after: Option<&KeyBytes>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        guarded(|| {
            let range = match after {
                // No key is longer, so the next possible one is this with a zero behind it.
                Some(key) => self.db.range([key.as_slice(), &[0]].concat()..),
                None => self.db.range::<Vec<u8>, _>(..),
            };
            let mut entries = Vec::new();
            for entry in range {
                let (key, value) = entry.map_err(classify)?;
                if entries.len() == limit {
                    break;
                }
                if let Ok(key) = <KeyBytes>::try_from(key.as_ref()) {
                    entries.push((key, value.to_vec()));
                }
            }
            Ok(entries)
        })
    }

    fn state(&self) -> Result<Option<Vec<u8>>, StoreError> {
        guarded(|| Ok(self.db.get(STATE).map_err(classify)?.map(|value| value.to_vec())))
    }

    fn footprint(&self) -> Result<u64, StoreError> {
        guarded(|| self.db.size_on_disk().map_err(classify))
    }
}

const _: () = assert!(STATE.len() != KEY_BYTES, "the state's key must not be a record's");

/// Turns a panic inside sled into an error.
fn guarded<T>(call: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    // After an error the store is closed and opened again: nothing half-changed is used.
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("the database gave up");
        Err(StoreError::Damaged(text.to_owned()))
    })
}

fn classify(error: sled::Error) -> StoreError {
    match error {
        sled::Error::Io(error) => io(error),
        error => StoreError::Damaged(error.to_string()),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is passed to map_err")]
fn io(error: std::io::Error) -> StoreError {
    use std::io::ErrorKind as Kind;
    let text = error.to_string();
    let out_of_files = [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error).map(Some);
    match error.kind() {
        Kind::StorageFull | Kind::QuotaExceeded => StoreError::Full,
        Kind::PermissionDenied | Kind::ReadOnlyFilesystem => StoreError::Unavailable(text),
        _ if out_of_files.contains(&error.raw_os_error()) => StoreError::Unavailable(text),
        _ if text.contains(LOCKED) => StoreError::Unavailable(text),
        _ => StoreError::Io(text),
    }
}
