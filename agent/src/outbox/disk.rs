//! The folder of the outbox: the database, the mark, the ballast, the lock, and what was set
//! aside.
//!
//! ```text
//! <folder>/lock         held for as long as the outbox is open
//! <folder>/db/          the database
//! <folder>/mark         what was durable
//! <folder>/ballast      deleted to get the database open again on a full disk
//! <folder>/damaged/     the last database that was set aside
//! ```

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::error::OutboxError;
use super::ledger::{Census, Ledger};
use super::mark::{Mark, Reading};
use super::sled_store::SledStore;
use super::space::Space;
use super::store::{Store, StoreError};
use crate::durable;

/// How long opening and reading the whole database may take. 64 MiB read in some seconds from a
/// slow card; a damaged file can make sled loop for ever.
const OPEN_LIMIT: Duration = Duration::from_secs(90);

/// How long a locked database is waited for. We hold the folder's lock, so nobody uses it; but
/// sled leaves its lock to the closing of its file, of which a child process that is just being
/// started holds a copy for a moment.
const LOCK_LIMIT: Duration = Duration::from_secs(2);

/// Pause between two looks at a locked database.
const LOCK_POLL: Duration = Duration::from_millis(20);

/// Bytes of the ballast that are written at once.
const CHUNK: usize = 64 << 10;

/// What the writer needs of the disk; a double stands in for it in tests.
pub trait Disk: Send + 'static {
    /// The kind of store on it.
    type Store: Store;

    /// Opens the store and reads it whole.
    fn open(&mut self) -> Result<(Ledger<Self::Store>, Census), StoreError>;

    /// Throws away what can be rebuilt but may keep the store from opening. Says whether there
    /// was anything.
    fn repair(&mut self) -> io::Result<bool>;

    /// Moves the store out of the way, so that `open` creates a fresh one. Says where to.
    fn set_aside(&mut self) -> io::Result<PathBuf>;

    /// Deletes an empty store, so that `open` creates a fresh one.
    fn discard(&mut self) -> io::Result<()>;

    /// Frees the ballast. Says whether there was any.
    fn release_ballast(&mut self) -> bool;

    /// Creates the ballast where there is none, leaving at least `min_free` bytes.
    fn restore_ballast(&mut self, min_free: u64);

    /// Reads the mark.
    fn read_mark(&mut self) -> io::Result<Reading>;

    /// Replaces the mark, durably.
    fn write_mark(&mut self, mark: Mark) -> io::Result<()>;

    /// What the file system has left.
    fn space(&self) -> io::Result<Space>;
}

/// The folder on a real disk.
pub struct Folder {
    root: PathBuf,
    ballast_bytes: u64,
    lock: File,
}

impl Folder {
    /// Creates the folder when missing and locks it.
    ///
    /// # Errors
    /// When it cannot be created, or another process holds the lock.
    pub fn lock(root: &Path, ballast_bytes: u64) -> Result<Self, OutboxError> {
        fs::create_dir_all(root).map_err(|error| OutboxError::folder(root, error))?;
        let path = root.join("lock");
        let lock = File::create(&path).map_err(|error| OutboxError::folder(&path, error))?;
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| OutboxError::Busy { path })?;
        Ok(Folder { root: root.to_owned(), ballast_bytes, lock })
    }

    fn db(&self) -> PathBuf {
        self.root.join("db")
    }

    fn ballast(&self) -> PathBuf {
        self.root.join("ballast")
    }

    /// Deletes files of the database whose name fits. Says whether there were any.
    fn delete_where(&self, fits: impl Fn(&str) -> bool) -> io::Result<bool> {
        let entries = match fs::read_dir(self.db()) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let mut any = false;
        for entry in entries {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(&fits) {
                fs::remove_file(entry.path())?;
                any = true;
            }
        }
        Ok(any)
    }
}

impl Disk for Folder {
    type Store = SledStore;

    fn open(&mut self) -> Result<(Ledger<SledStore>, Census), StoreError> {
        // A snapshot that was being written when the power went: sled refuses to open beside it
        // though it holds nothing of its own.
        self.delete_where(|name| name.starts_with("snap.") && name.ends_with(".generating"))
            .map_err(|error| StoreError::Io(error.to_string()))?;
        let folder = self.db();
        let (answer, opened) = mpsc::sync_channel(1);
        thread::Builder::new()
            .name("outbox-open".into())
            .spawn(move || {
                // After the limit nobody listens any more.
                let _ = answer.send(open_unlocked(&folder).and_then(Ledger::open));
            })
            .map_err(|error| StoreError::Io(error.to_string()))?;
        match opened.recv_timeout(OPEN_LIMIT) {
            Ok(result) => result,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                Err(StoreError::Damaged(format!("it does not open within {} s", OPEN_LIMIT.as_secs())))
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                Err(StoreError::Damaged("the database gave up while it was read".into()))
            }
        }
    }

    fn repair(&mut self) -> io::Result<bool> {
        // sled rebuilds a missing snapshot from its log.
        self.delete_where(|name| name.starts_with("snap."))
    }

    fn set_aside(&mut self) -> io::Result<PathBuf> {
        // One is kept for the curious; more would eat the disk that the outbox needs.
        let aside = self.root.join("damaged");
        if aside.exists() {
            fs::remove_dir_all(&aside)?;
        }
        durable::rename(&self.db(), &aside)?;
        Ok(aside)
    }

    fn discard(&mut self) -> io::Result<()> {
        fs::remove_dir_all(self.db())?;
        durable::sync_folder(&self.db())
    }

    fn release_ballast(&mut self) -> bool {
        fs::remove_file(self.ballast()).is_ok()
    }

    fn restore_ballast(&mut self, min_free: u64) {
        let path = self.ballast();
        let room = self.space().is_ok_and(|space| space.bytes >= min_free.saturating_add(self.ballast_bytes));
        if self.ballast_bytes == 0 || path.exists() || !room {
            return;
        }
        if let Err(error) = fill(&path, self.ballast_bytes) {
            // Half a ballast helps nobody; without one the outbox still works.
            tracing::warn!(%error, path = %path.display(), "cannot reserve space for a full disk");
            let _ = fs::remove_file(&path);
        }
    }

    fn read_mark(&mut self) -> io::Result<Reading> {
        Mark::read(&self.root.join("mark"))
    }

    fn write_mark(&mut self, mark: Mark) -> io::Result<()> {
        mark.write(&self.root.join("mark"))
    }

    fn space(&self) -> io::Result<Space> {
        Space::of(&self.root)
    }
}

fn open_unlocked(folder: &Path) -> Result<SledStore, StoreError> {
    let polls = LOCK_LIMIT.as_millis() / LOCK_POLL.as_millis();
    for _ in 0..polls {
        match SledStore::open(folder) {
            Err(StoreError::Unavailable(_)) => thread::sleep(LOCK_POLL),
            result => return result,
        }
    }
    SledStore::open(folder)
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Closing is not enough: a child process that is just being started holds a copy.
        let _ = rustix::fs::flock(&self.lock, rustix::fs::FlockOperation::Unlock);
    }
}

/// Writes a file of `bytes` bytes that really take their space, also where the file system
/// compresses or leaves out zeros.
fn fill(path: &Path, bytes: u64) -> io::Result<()> {
    let chunk: Vec<u8> = (0..CHUNK as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut file = File::create(path)?;
    let mut left = bytes;
    while left > 0 {
        let now = left.min(CHUNK as u64);
        file.write_all(&chunk[..usize::try_from(now).unwrap_or(CHUNK)])?;
        left -= now;
    }
    file.sync_all()
}
