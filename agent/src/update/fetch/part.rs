//! What has arrived so far: `SHA256.part`, and beside it `SHA256.json` with what is needed to
//! continue.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::answer::is_strong;
use super::error::FetchError;
use super::{Wanted, download::BUFFER};
use crate::durable;

/// A longer note is not ours.
const MAX_NOTE: u64 = 4 << 10;

/// Bytes after which they are pushed to the disk: little to lose, and little for the system to hold
/// back for a slow card.
const SYNC_EVERY: u64 = 8 << 20;

/// What `SHA256.json` holds.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    /// The strong entity tag of the file that the bytes are from.
    etag: String,
    /// The signed length.
    length: u64,
}

/// An open part file.
pub(super) struct Part {
    path: PathBuf,
    note: PathBuf,
    file: File,
    length: u64,
    unsynced: u64,
    etag: Option<String>,
    wanted: u64,
}

impl Part {
    /// Opens or creates the part of `want` in `folder`. What can be neither continued nor be complete
    /// is dropped.
    pub fn open(folder: &Path, want: &Wanted) -> Result<Self, FetchError> {
        fs::create_dir_all(folder)
            .map_err(|error| FetchError::storage(folder, "create the folder", &error))?;
        let (path, note) = paths(folder, want.sha256.as_str());
        let failed = |error: io::Error| FetchError::storage(&path, "open it", &error);
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let etag = read_note(&note).filter(|kept| kept.length == want.length && is_strong(&kept.etag));
        let etag = etag.map(|kept| kept.etag);
        let mut part = Part { path, note, file, length, unsynced: 0, etag, wanted: want.length };
        let complete = length == want.length;
        if length > want.length || (part.etag.is_none() && !complete) {
            part.reset(None)?;
        }
        Ok(part)
    }

    /// Where the bytes are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes are there.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// From where, and of what, a transfer can be continued.
    pub fn resume(&self) -> Option<(u64, &str)> {
        self.etag.as_deref().filter(|_| self.length > 0).map(|etag| (self.length, etag))
    }

    /// Starts over, for a file with this tag. In this order no power cut leaves bytes of one file
    /// with the tag of another.
    pub fn reset(&mut self, etag: Option<&str>) -> Result<(), FetchError> {
        self.etag = None;
        remove(&self.note).map_err(|error| FetchError::storage(&self.note, "remove it", &error))?;
        self.truncate().map_err(|error| FetchError::storage(&self.path, "empty it", &error))?;
        if let Some(etag) = etag {
            let note = Note { etag: etag.to_owned(), length: self.wanted };
            let failed = |error: io::Error| FetchError::storage(&self.note, "write it", &error);
            let bytes = serde_json::to_vec(&note).map_err(|error| failed(error.into()))?;
            durable::replace(&self.note, &bytes).map_err(failed)?;
            self.etag = Some(note.etag);
        }
        Ok(())
    }

    fn truncate(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        (self.length, self.unsynced) = (0, 0);
        self.file.sync_all()
    }

    /// The digest of what is there so far, read from the disk; afterwards bytes can be appended.
    pub fn digest(&mut self) -> Result<Sha256, FetchError> {
        let mut hasher = Sha256::new();
        self.hash_into(&mut hasher).map_err(|error| FetchError::storage(&self.path, "read it", &error))?;
        Ok(hasher)
    }

    fn hash_into(&mut self, hasher: &mut Sha256) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut buffer = vec![0; BUFFER];
        let mut left = self.length;
        while left > 0 {
            let room = usize::try_from(left).unwrap_or(BUFFER).min(BUFFER);
            self.file.read_exact(&mut buffer[..room])?;
            hasher.update(&buffer[..room]);
            left -= room as u64;
        }
        Ok(())
    }

    /// Appends bytes.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        let failed = |error: io::Error| FetchError::storage(&self.path, "write it", &error);
        self.file.write_all(bytes).map_err(failed)?;
        self.length += bytes.len() as u64;
        self.unsynced += bytes.len() as u64;
        if self.unsynced >= SYNC_EVERY {
            self.file.sync_data().map_err(failed)?;
            self.unsynced = 0;
        }
        Ok(())
    }

    /// Makes the bytes and the name durable.
    pub fn sync(&self) -> Result<(), FetchError> {
        let synced = self.file.sync_all().and_then(|()| durable::sync_folder(&self.path));
        synced.map_err(|error| FetchError::storage(&self.path, "sync it", &error))
    }
}

/// Removes part and note of a digest. What cannot be removed is said and does not hide why the
/// download failed.
pub(super) fn discard(folder: &Path, sha256: &str) {
    let (path, note) = paths(folder, sha256);
    // A note whose writing failed half-way stands beside its place.
    let beside = note.with_extension("new");
    for path in [beside, note, path] {
        if let Err(error) = remove(&path) {
            tracing::warn!(path = %path.display(), %error, "a file of a failed download cannot be removed");
        }
    }
}

fn paths(folder: &Path, sha256: &str) -> (PathBuf, PathBuf) {
    (folder.join(format!("{sha256}.part")), folder.join(format!("{sha256}.json")))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The note, if it is whole: one that is not only costs a fresh start.
fn read_note(path: &Path) -> Option<Note> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MAX_NOTE).read_to_end(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}
