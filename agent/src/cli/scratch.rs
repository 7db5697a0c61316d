//! A folder that is gone when the command ends.

use std::io;
use std::path::{Path, PathBuf};

/// A folder that is gone when the command ends.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// A new folder among the system's temporary ones.
    pub(super) fn new(purpose: &str) -> io::Result<Self> {
        let folder = std::env::temp_dir();
        // The process's number sets two commands apart, the counter two folders of one.
        for at in 0..u32::MAX {
            let path = folder.join(format!("lineside-{purpose}-{}-{at}", std::process::id()));
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Scratch { path }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, "no name is left for a temporary folder"))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is left to the system, which empties its temporary folders.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_folders_differ_and_are_gone_with_their_owner() {
        let (one, other) = (Scratch::new("test").unwrap(), Scratch::new("test").unwrap());
        assert_ne!(one.path(), other.path());
        let path = one.path().to_owned();
        std::fs::write(path.join("file"), "content").unwrap();
        drop(one);
        assert!(!path.exists() && other.path().exists());
    }
}
