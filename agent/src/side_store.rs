//! A small database in sled that may be lost as a whole: nothing that the agent promises lies in it
//! alone. A damaged one is set aside and begun anew; one that is in use is left where it is; a call
//! that it refuses is logged and passed over.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use tracing::warn;

use crate::durable;

/// sled's page cache; its default is the whole memory of a small board.
const CACHE_BYTES: u64 = 1 << 20;
/// Ending of a database that was set aside.
const ASIDE: &str = "damaged";
/// How sled says that its file is locked, for which it has no kind of error.
pub(crate) const LOCKED: &str = "could not acquire lock";
/// Whoever closed it may hold the lock for a moment longer: threads of sled let go of it by themselves.
const LOCK_LOOK: Duration = Duration::from_millis(20);
/// Looks at a locked database, two seconds in all, before it is given up.
const LOCK_LOOKS: usize = 100;

/// A small database that may be lost as a whole. `T` holds its trees.
pub struct SideStore<T> {
    folder: PathBuf,
    /// What is kept in it, for messages.
    what: &'static str,
    trees: Option<T>,
}

impl<T> SideStore<T> {
    /// Opens the database in `folder`; a damaged one is set aside for an empty one.
    #[must_use]
    pub fn open(
        folder: &Path,
        what: &'static str,
        trees: impl Fn(sled::Db) -> Result<T, sled::Error>,
    ) -> Self {
        let open = || {
            guarded(|| {
                let db = sled::Config::new().path(folder).cache_capacity(CACHE_BYTES).open()?;
                // Damage inside shows only when it is read.
                for name in db.tree_names() {
                    db.open_tree(name)?.iter().try_for_each(|entry| entry.map(drop))?;
                }
                trees(db)
            })
        };
        let mut first = open();
        for _ in 0..LOCK_LOOKS {
            if !first.as_ref().is_err_and(|error| is_locked(error)) {
                break;
            }
            thread::sleep(LOCK_LOOK);
            first = open();
        }
        let opened = first.or_else(|error| {
            if is_locked(&error) {
                return Err(error);
            }
            warn!(folder = %folder.display(), error, "{what}: damaged, begins anew");
            set_aside(folder).map_err(|error| error.to_string())?;
            open()
        });
        let trees = opened.map_err(|error| warn!(error, "{what}: cannot be kept")).ok();
        SideStore { folder: folder.to_owned(), what, trees }
    }

    /// Where it lies.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Does something with its trees; `None` where it cannot be done.
    pub fn with<R>(&self, call: impl FnOnce(&T) -> Result<R, sled::Error>) -> Option<R> {
        let trees = self.trees.as_ref()?;
        guarded(|| call(trees)).map_err(|error| warn!(error, "{}", self.what)).ok()
    }
}

fn is_locked(error: &str) -> bool {
    error.contains(LOCKED)
}

/// A damaged file makes sled panic.
fn guarded<R>(call: impl FnOnce() -> Result<R, sled::Error>) -> Result<R, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("the database gave up".to_owned()),
    }
}

fn set_aside(folder: &Path) -> io::Result<()> {
    let aside = folder.with_extension(ASIDE);
    if aside.exists() {
        fs::remove_dir_all(&aside)?;
    }
    durable::rename(folder, &aside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_is_in_use_is_never_taken_for_a_damaged_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let first = SideStore::open(&path, "the store", Ok);
        first.with(|db: &sled::Db| db.insert("key", "value").and_then(|_| db.flush())).unwrap();
        let second = SideStore::open(&path, "the store", Ok);
        assert_eq!(second.with(|db: &sled::Db| db.get("key")), None, "somebody else has it");
        drop(first);
        let kept = SideStore::open(&path, "the store", Ok).with(|db: &sled::Db| db.get("key")).unwrap();
        assert_eq!(kept.as_deref(), Some(&b"value"[..]));
        assert!(!path.with_extension(ASIDE).exists());
    }
}
