//! A disk in memory that knows what a power cut may leave of it.
//!
//! It records every step and, for every point between two steps, builds the states in which ext4 or
//! xfs, or anything that keeps POSIX's word and no more, may come up again:
//!
//! - *Content* that was written and not yet synced is the old content, empty, the first half, all but
//!   the last byte, zeros at its full length, or whole. An earlier unsynced write counts the same.
//! - *Names* (a file or folder created, a file renamed or removed) that the sync of their folder does
//!   not cover yet are lost or kept, each for itself: any subset, also within one folder, where a real
//!   journal would keep their order. Those that are kept take effect in the order they were made.
//! - A rename is one step also between two folders: both names change or neither. It is certain only
//!   when both folders are synced, where a journal would need one.
//! - A rename may last before the content of the file it names.
//! - `sync` makes content last and not the name, although ext4 does both; `sync_folder` makes names
//!   last and not the content.
//!
//! This is worse than any one file system, so what stands here stands there. Not modelled: sectors
//! that rot, content in which new and old bytes mix, a disk that lies about its flush.
//!
//! Errors: see [`Fault`]. A `write` that fails leaves a file with half the bytes. After a `sync` that
//! failed, what was written before it never becomes certain: a further `sync` says `Ok` and does
//! nothing, as Linux does once it has reported the error. A `rename`, `remove` or creation that fails
//! changes nothing. After a `sync_folder` that failed, the next one covers the names.

mod crash;
mod image;
mod log;
#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lineside_bundle::Sha256Hex;

use super::Disk;
use super::path::{check, parent, steps};
pub(crate) use image::Image;
pub(crate) use log::Fault;
use log::{Effect, Kind, Log, Node};

/// A disk in memory whose power can be cut.
#[derive(Debug, Default)]
pub(crate) struct PageCacheDisk {
    log: Mutex<Log>,
}

impl PageCacheDisk {
    /// An empty disk.
    pub(crate) fn new() -> PageCacheDisk {
        PageCacheDisk::default()
    }

    /// How many steps were made: the range of `at` for [`PageCacheDisk::fail_at`].
    pub(crate) fn steps(&self) -> usize {
        self.log().calls
    }

    /// Lets step `at`, counted from 0 at the start of this disk, fail. Only what changes the disk or
    /// syncs it is a step; reading never fails.
    pub(crate) fn fail_at(&self, at: usize, fault: Fault) {
        self.log().fault = Some((at, fault));
    }

    /// How many steps have failed.
    pub(crate) fn failures(&self) -> usize {
        self.log().failures
    }

    /// No step fails any more.
    pub(crate) fn heal(&self) {
        self.log().fault = None;
    }

    /// The disk as it comes up after it was shut down in order.
    pub(crate) fn settled(&self) -> PageCacheDisk {
        crash::settled(&self.log()).boot()
    }

    /// Says that the caller has now been promised something; [`Image::promised`] asks for it.
    pub(crate) fn mark(&self, promise: &'static str) {
        self.log().record(format!("mark {promise}"), vec![Effect::Mark(promise)]);
    }

    /// What a power cut before the first step, between two steps or after the last may leave: for
    /// each of these moments all combinations of what is not certain yet, or, where there are more
    /// than `limit`, a sample drawn with `seed`. The sample always has all lost, all kept, each one
    /// alone lost, each one alone kept, and each file alone torn in every way. The same state with
    /// the same promises comes once.
    pub(crate) fn crash_states(&self, limit: usize, seed: u64) -> impl Iterator<Item = Image> + use<> {
        self.crash_states_from(0, limit, seed)
    }

    /// The same for the moments from after the step `first` on, marks counted.
    pub(crate) fn crash_states_from(
        &self,
        first: usize,
        limit: usize,
        seed: u64,
    ) -> impl Iterator<Item = Image> + use<> {
        crash::states(&self.log(), first, limit, seed)
    }

    /// How many steps were recorded, marks counted: as `first` of the above, the moment now.
    pub(crate) fn recorded(&self) -> usize {
        self.log().steps.len()
    }

    // A test that panicked while it held the lock says so itself.
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for PageCacheDisk {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let log = self.log();
        Ok(log.content(log.file(path)?).bytes.to_vec())
    }

    fn exists(&self, path: &str) -> bool {
        self.log().node(path).is_ok()
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let log = self.log();
        match log.node(folder) {
            Ok(Node::Folder) => Ok(log.names_in(folder)),
            Ok(Node::File(_)) => Err(io::ErrorKind::NotADirectory.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn create_folder(&self, path: &str) -> io::Result<()> {
        check(path)?;
        let mut log = self.log();
        for step in steps(path) {
            match log.node(step) {
                Ok(Node::Folder) => {}
                Ok(Node::File(_)) => return Err(io::ErrorKind::NotADirectory.into()),
                Err(_) => {
                    let created = Effect::names(vec![(step.to_owned(), Some(Node::Folder))]);
                    log.step(Kind::Other, format!("create folder {step}"), vec![created], vec![])?;
                }
            }
            log.sync_folder(parent(step))?;
        }
        Ok(())
    }

    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let mut log = self.log();
        let mut created = None;
        let inode = match log.node(path) {
            Ok(Node::File(inode)) => inode,
            Ok(Node::Folder) => return Err(io::ErrorKind::IsADirectory.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                log.is_folder(parent(path))?;
                let inode = log.new_inode();
                created = Some(Effect::names(vec![(path.to_owned(), Some(Node::File(inode)))]));
                inode
            }
            Err(error) => return Err(error),
        };
        let effects = |bytes| {
            let mut effects: Vec<Effect> = created.iter().cloned().collect();
            effects.push(Effect::data(inode, path, bytes));
            effects
        };
        log.step(Kind::Other, format!("write {path}"), effects(bytes), effects(&bytes[..bytes.len() / 2]))
    }

    fn sync(&self, path: &str) -> io::Result<()> {
        let mut log = self.log();
        let inode = log.file(path)?;
        let failed = vec![Effect::SyncFailed(inode)];
        log.step(Kind::Other, format!("sync {path}"), vec![Effect::Sync(inode)], failed)
    }

    fn sync_folder(&self, path: &str) -> io::Result<()> {
        self.log().sync_folder(path)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        check(to)?;
        let mut log = self.log();
        let inode = log.file(from)?;
        match log.node(to) {
            Ok(Node::Folder) => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(Node::File(_)) => {}
            Err(_) => log.is_folder(parent(to))?,
        }
        if from == to {
            return Ok(());
        }
        let names = vec![(from.to_owned(), None), (to.to_owned(), Some(Node::File(inode)))];
        log.step(Kind::Other, format!("rename {from} -> {to}"), vec![Effect::names(names)], vec![])
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut log = self.log();
        match log.node(path) {
            Ok(Node::File(_)) => {
                let names = Effect::names(vec![(path.to_owned(), None)]);
                log.step(Kind::Remove, format!("remove {path}"), vec![names], vec![])
            }
            Ok(Node::Folder) => Err(io::ErrorKind::IsADirectory.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn real_path(&self, _: &str) -> Option<PathBuf> {
        None
    }

    fn digest(&self, path: &str) -> io::Result<Sha256Hex> {
        let log = self.log();
        Ok(log.content(log.file(path)?).digest.as_ref().clone())
    }

    fn length(&self, path: &str) -> io::Result<u64> {
        let log = self.log();
        Ok(log.content(log.file(path)?).bytes.len() as u64)
    }
}
