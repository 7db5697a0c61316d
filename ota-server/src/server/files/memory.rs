//! Metadata in memory.
//!
//! The whole map is replaced at once, so that a reader never sees half of a publication. It is
//! looked at once a second whether `timestamp.json` is another file; what it does not hold, such as a
//! file written since, is read from the disk.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use axum::body::Bytes;
use axum::http::HeaderValue;
use sha2::{Digest, Sha256};

/// Larger files are streamed from the disk; the metadata of a thousand models is a third of it.
pub(super) const FILE_MAX: u64 = 1024 * 1024;
/// What all of it may take; the newest files go first.
const TOTAL_MAX: u64 = 64 * 1024 * 1024;
/// Not versioned and not announced by a new timestamp, so memory could not know that it changed.
const LEASE: &str = "lease.json";
/// Changes with every publication.
const TIMESTAMP: &str = "timestamp.json";

/// A file with its answer's headers, ready to be cloned.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its bytes.
    pub bytes: Bytes,
    /// Its strong tag.
    pub etag: HeaderValue,
}

/// What tells one `timestamp.json` from the next: a replaced file has another inode, or time, or size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mark(u64, i64, i64, u64);

#[derive(Debug, Default)]
struct Content {
    files: HashMap<String, Held>,
    mark: Mark,
}

/// The metadata folder's files, in memory.
#[derive(Debug)]
pub struct Memory {
    folder: PathBuf,
    content: RwLock<Arc<Content>>,
}

impl Memory {
    /// Holds nothing yet.
    pub(super) fn new(folder: PathBuf) -> Memory {
        Memory { folder, content: RwLock::default() }
    }

    fn content(&self) -> Arc<Content> {
        // Only whole maps are put in, so what a panicking writer left is whole.
        Arc::clone(&self.content.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A file, when it is held.
    #[must_use]
    pub fn get(&self, file: &str) -> Option<Held> {
        self.content().files.get(file).cloned()
    }

    /// Reads everything again when `timestamp.json` is another file. Whether it was.
    ///
    /// # Errors
    /// The folder cannot be read; what was held stays.
    pub fn load_if_changed(&self) -> io::Result<bool> {
        if mark(&self.folder)? == self.content().mark {
            return Ok(false);
        }
        self.load().map(|()| true)
    }

    /// Reads everything again.
    ///
    /// # Errors
    /// The folder cannot be read; what was held stays.
    pub fn load(&self) -> io::Result<()> {
        // Taken before: a publication while this reads is seen by the next look.
        let mark = mark(&self.folder)?;
        let content = Arc::new(Content { files: files(&self.folder)?, mark });
        *self.content.write().unwrap_or_else(PoisonError::into_inner) = content;
        Ok(())
    }
}

fn mark(folder: &Path) -> io::Result<Mark> {
    match fs::metadata(folder.join(TIMESTAMP)) {
        Ok(meta) => Ok(Mark(meta.ino(), meta.mtime(), meta.mtime_nsec(), meta.size())),
        // A repository that was not published yet.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Mark::default()),
        Err(error) => Err(error),
    }
}

fn files(folder: &Path) -> io::Result<HashMap<String, Held>> {
    let mut found: Vec<(String, Metadata)> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (Ok(name), meta) = (entry.file_name().into_string(), entry.metadata()?) else { continue };
        let wanted = name.ends_with(".json") && !name.starts_with('.') && name != LEASE;
        if wanted && meta.is_file() && meta.len() <= FILE_MAX {
            found.push((name, meta));
        }
    }
    found.sort_by_key(|(name, meta)| std::cmp::Reverse((name == TIMESTAMP, meta.mtime(), meta.mtime_nsec())));
    let mut files = HashMap::new();
    let mut total = 0;
    for (name, meta) in found {
        total += meta.len();
        if total > TOTAL_MAX {
            break;
        }
        let bytes = fs::read(folder.join(&name))?;
        files.insert(name, Held::of(bytes.into()));
    }
    Ok(files)
}

impl Held {
    /// A file of these bytes, whether they come from memory or from the disk.
    pub(super) fn of(bytes: Bytes) -> Held {
        // Half of the digest tells any two versions of a file apart.
        let digest = hex::encode(&Sha256::digest(&bytes)[..16]);
        let etag =
            HeaderValue::from_str(&format!("\"{digest}\"")).expect("hex digits in quotes are a header value");
        Held { bytes, etag }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_follows_timestamp_json_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let beside = folder.path().join(".new");
            fs::write(&beside, text).unwrap();
            rustix::fs::rename(&beside, folder.path().join(name)).unwrap();
        };
        put(TIMESTAMP, "{\"version\":1}");
        put("1.root.json", "root");
        put(LEASE, "lease");
        let memory = Memory::new(folder.path().to_owned());
        memory.load().unwrap();
        assert_eq!(memory.get("1.root.json").unwrap().bytes, "root");
        assert!(memory.get(LEASE).is_none(), "a lease is read from the disk each time");

        put("2.snapshot.json", "snapshot");
        assert!(!memory.load_if_changed().unwrap());
        let before = memory.get(TIMESTAMP).unwrap().etag;
        put(TIMESTAMP, "{\"version\":2}");
        assert!(memory.load_if_changed().unwrap());
        assert_ne!(memory.get(TIMESTAMP).unwrap().etag, before);
        assert_eq!(memory.get("2.snapshot.json").unwrap().bytes, "snapshot");
    }
}
