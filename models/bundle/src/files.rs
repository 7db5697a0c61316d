//! Where a bundle's files come from: a folder, a tar, or memory. What they must be is one code.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use crate::error::BundleError;

/// Files with plain names. Errors name the file alone; whoever knows the place puts it before.
pub(crate) trait Files {
    /// How long a file says it is, before anything of it is read.
    fn length(&self, name: &str) -> Result<u64, BundleError>;
    /// A whole file, unless it is longer than `limit`.
    fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, BundleError>;
}

/// What cannot be read, and why.
pub(crate) fn unreadable(name: &str, cause: io::Error) -> BundleError {
    BundleError::Unreadable { file: name.into(), cause }
}

/// Files of a folder.
pub(crate) struct Folder<'a>(pub &'a Path);

impl Files for Folder<'_> {
    /// Of regular files only: a link could lead outside the folder, and a FIFO would block.
    fn length(&self, name: &str) -> Result<u64, BundleError> {
        let metadata = fs::symlink_metadata(self.0.join(name)).map_err(|cause| unreadable(name, cause))?;
        if metadata.is_file() {
            return Ok(metadata.len());
        }
        Err(unreadable(name, io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")))
    }

    fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, BundleError> {
        self.length(name)?;
        let mut bytes = Vec::new();
        // One byte more than allowed tells "too large" from "just fits", without trusting metadata.
        File::open(self.0.join(name))
            .and_then(|opened| opened.take(limit + 1).read_to_end(&mut bytes))
            .map_err(|cause| unreadable(name, cause))?;
        within_limit(name, bytes, limit)
    }
}

/// Files at hand.
impl Files for BTreeMap<String, Vec<u8>> {
    fn length(&self, name: &str) -> Result<u64, BundleError> {
        let found = self.get(name).ok_or_else(|| unreadable(name, io::ErrorKind::NotFound.into()))?;
        Ok(length(found))
    }

    fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, BundleError> {
        let found = self.get(name).ok_or_else(|| unreadable(name, io::ErrorKind::NotFound.into()))?;
        within_limit(name, found.clone(), limit)
    }
}

/// The length in the unit of files.
pub(crate) fn length(bytes: &[u8]) -> u64 {
    // No memory holds more than a u64 can count.
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn within_limit(name: &str, bytes: Vec<u8>, limit: u64) -> Result<Vec<u8>, BundleError> {
    if length(&bytes) <= limit { Ok(bytes) } else { Err(BundleError::TooLarge { file: name.into(), limit }) }
}
