//! Free space and inodes, and the floor below which nothing more is written.

use std::io;
use std::path::Path;

use super::counters::Refusal;

/// Below so many free inodes nothing more is written: the database and the mark create a few
/// files each, and the rest of the system needs some too.
const MIN_FREE_INODES: u64 = 64;

/// What a file system has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Free bytes for a process without privileges.
    pub bytes: u64,
    /// Free inodes; `None` where the file system does not count them.
    pub inodes: Option<u64>,
}

impl Space {
    /// What the file system that holds `folder` has left.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn of(folder: &Path) -> io::Result<Self> {
        let stat = rustix::fs::statvfs(folder)?;
        Ok(Space {
            bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
            inodes: (stat.f_files > 0).then_some(stat.f_favail),
        })
    }

    /// Why nothing may be written, if so.
    #[must_use]
    pub fn refuses(self, min_free: u64) -> Option<Refusal> {
        if self.bytes < min_free {
            Some(Refusal::DiskFloor)
        } else if self.inodes.is_some_and(|inodes| inodes < MIN_FREE_INODES) {
            Some(Refusal::InodeFloor)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_inodes_each_have_a_floor() {
        let space = Space { bytes: 1000, inodes: Some(1000) };
        assert_eq!(space.refuses(1000), None);
        assert_eq!(space.refuses(1001), Some(Refusal::DiskFloor));
        assert_eq!(Space { inodes: Some(3), ..space }.refuses(0), Some(Refusal::InodeFloor));
        assert_eq!(Space { inodes: None, ..space }.refuses(0), None);
    }

    #[test]
    fn this_machine_has_space() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Space::of(folder.path()).unwrap().bytes > 0);
    }
}
