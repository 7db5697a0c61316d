//! What the installer of updates needs of a file system, and nothing more, so that a test can put a
//! model of a disk under it and look at every state in which a power cut may leave it.
//!
//! What holds after a power cut:
//!
//! - [`Disk::write`], [`Disk::rename`] and [`Disk::remove`] promise nothing by themselves: each may be
//!   lost, a later one may be kept without an earlier one, and what was written may be there in part,
//!   or as zeros.
//! - [`Disk::sync`] makes the content of a file durable, not its name.
//! - [`Disk::sync_folder`] makes the names in one folder durable, not the content behind them. A
//!   rename from one folder into another is durable when both folders are synced.
//! - [`Disk::create_folder`] is durable when it returns.
//! - [`replace`] puts these together: after `Ok` the new content stands, after `Err` or a power cut
//!   within it the old content or the new one, whole. A file beside it, ending in `.new`, may be left
//!   over; it means nothing, and the next `replace` overwrites it.
//!
//! Only files are renamed or removed; folders stay. One writer at a time.

#[cfg(test)]
pub(crate) mod page_cache;
mod path;
mod real;

use std::io;
use std::path::PathBuf;

use lineside_bundle::Sha256Hex;

pub use path::parent;
pub use real::RealDisk;

/// A folder of files that can be made durable. Paths are relative to it, with `/` between their
/// parts; the empty path is the folder itself. A path that leads out of it is refused with
/// [`io::ErrorKind::InvalidInput`].
pub trait Disk: Send + Sync {
    /// The whole of a file; for small files.
    ///
    /// # Errors
    /// What the file system answers.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;

    /// Whether there is a file or folder of this name.
    fn exists(&self, path: &str) -> bool;

    /// The names in a folder, sorted; none when the folder is missing.
    ///
    /// # Errors
    /// What the file system answers, and names that are not UTF-8.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;

    /// Creates a folder and those above it, durably; one that is there already is made durable.
    ///
    /// # Errors
    /// What the file system answers, and [`io::ErrorKind::NotADirectory`] where a file is in the way.
    fn create_folder(&self, path: &str) -> io::Result<()>;

    /// Creates a file, or empties it, and writes `bytes`; not durable. After an error the file may
    /// hold a part of them.
    ///
    /// # Errors
    /// What the file system answers.
    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// Makes the content of a file durable. After an error the content must be written again: a
    /// second sync may say `Ok` and have written nothing.
    ///
    /// # Errors
    /// What the file system answers.
    fn sync(&self, path: &str) -> io::Result<()>;

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// What the file system answers.
    fn sync_folder(&self, path: &str) -> io::Result<()>;

    /// Gives a file another name, over the file that has it; not durable.
    ///
    /// # Errors
    /// What the file system answers, and [`io::ErrorKind::IsADirectory`] for a folder.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file; not durable. A missing one is fine.
    ///
    /// # Errors
    /// What the file system answers, and [`io::ErrorKind::IsADirectory`] for a folder.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// Where the file lies for the operating system; `None` for a model of a disk, and for a path
    /// that leads out.
    fn real_path(&self, path: &str) -> Option<PathBuf>;

    /// The SHA-256 of a file of any size, in bounded memory.
    ///
    /// # Errors
    /// What the file system answers.
    fn digest(&self, path: &str) -> io::Result<Sha256Hex>;

    /// The length of a file in bytes.
    ///
    /// # Errors
    /// What the file system answers.
    fn length(&self, path: &str) -> io::Result<u64>;
}

/// Replaces a file, durably: after `Ok` a power cut keeps the new content; after an error, or a
/// power cut within, the file is whole, the old one or the new one.
///
/// # Errors
/// What the file system answers; the file beside is then removed where that is possible, because on
/// a full disk its space is what is missing.
pub fn replace(disk: &dyn Disk, path: &str, bytes: &[u8]) -> io::Result<()> {
    let beside = format!("{path}.new");
    let written = disk
        .write(&beside, bytes)
        .and_then(|()| disk.sync(&beside))
        .and_then(|()| disk.rename(&beside, path));
    if let Err(error) = written {
        // The first error is the one to tell; the left-over file means nothing to anyone.
        let _ = disk.remove(&beside);
        return Err(error);
    }
    disk.sync_folder(parent(path))
}
