//! Where an archive's bytes are, and how one member of it is read.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that can be read at any place, by several readers at a time.
pub(super) trait Source: Send + Sync + fmt::Debug {
    fn length(&self) -> io::Result<u64>;
    /// Reads some bytes from `at` on; 0 at the end.
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize>;
}

impl Source for File {
    fn length(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        FileExt::read_at(self, into, at)
    }
}

/// Bytes in memory.
pub(super) struct Bytes(pub(super) Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Source for Bytes {
    fn length(&self) -> io::Result<u64> {
        Ok(crate::files::length(&self.0))
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| self.0.get(at..)).unwrap_or_default();
        let read = rest.len().min(into.len());
        into[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }
}

/// A reader that several share: each seeks before it reads.
pub(super) struct Shared<R>(Mutex<R>);

impl<R> Shared<R> {
    pub(super) fn new(reader: R) -> Self {
        Shared(Mutex::new(reader))
    }
}

impl<R> fmt::Debug for Shared<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a reader")
    }
}

impl<R: Read + Seek + Send> Source for Shared<R> {
    fn length(&self) -> io::Result<u64> {
        // A reader that panicked is positioned anew before each use: nothing of it can be half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).seek(SeekFrom::End(0))
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut reader = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reader.seek(SeekFrom::Start(at))?;
        reader.read(into)
    }
}

/// Reads one member straight out of its archive.
#[derive(Clone, Debug)]
pub struct MemberReader {
    source: Arc<dyn Source>,
    start: u64,
    length: u64,
    at: u64,
}

impl MemberReader {
    /// The caller has checked that `start + length` is inside the source.
    pub(super) fn new(source: Arc<dyn Source>, start: u64, length: u64) -> Self {
        MemberReader { source, start, length, at: 0 }
    }

    /// How long the member is.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }
}

impl Read for MemberReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.length.saturating_sub(self.at);
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(into.len());
        if most == 0 {
            return Ok(0);
        }
        let read = self.source.read_at(self.start + self.at, &mut into[..most])?;
        if read == 0 {
            // The file was whole when its headers were read: it has been cut since.
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for MemberReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        let before = || io::Error::new(io::ErrorKind::InvalidInput, "a place before the member's start");
        self.at = at.ok_or_else(before)?;
        Ok(self.at)
    }
}
