//! Which file is written, which ones go.
//!
//! A device has a folder of segments, `00000001.rows` and so on. Only the newest is written, always
//! at its end; a new one begins when it is full. What was written is synced now and then, not with
//! every window: it is there to be refitted from, and a card has only so many writes. After a crash
//! the newest segment is cut behind its last whole row and goes on.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::row::Row;
use super::segment::{self, Header};
use crate::durable;
use crate::outbox::Space;
use crate::time::Timestamp;

/// Segments are this share of what a device may keep: so much goes at once.
const SHARE: u64 = 16;
/// A segment is at most so large, since it is read as a whole …
const LARGEST_SEGMENT: u64 = 4 << 20;
/// … and at least so, since every file costs a block and an inode.
const SMALLEST_SEGMENT: u64 = 16 << 10;
/// So many bytes of rows wait for a sync at most: fast windows are written before their time.
const PENDING: usize = 64 << 10;
/// Ending of a segment.
const ENDING: &str = "rows";

/// How much a device may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long.
    pub keep: Duration,
    /// Bytes of its files.
    pub bytes: u64,
    /// Free space on the disk below which nothing is written.
    pub min_free: u64,
}

/// What is kept of a device, in figures.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Kept {
    /// Windows in its files.
    pub windows: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// Windows that are not there any more or never were, by reason.
    pub dropped: BTreeMap<String, u64>,
}

/// A file, as far as it must be known to let it go.
#[derive(Debug)]
struct Known {
    number: u64,
    bytes: u64,
    rows: u64,
    newest: Option<Timestamp>,
}

/// Keeps the windows of one device.
#[derive(Debug)]
pub struct Recorder {
    folder: PathBuf,
    header: Header,
    limits: Limits,
    /// Oldest first; the last one is written while there is a `file`.
    segments: VecDeque<Known>,
    file: Option<File>,
    /// Rows that were not handed to the system yet, and how many.
    pending: Vec<u8>,
    pending_rows: u64,
    newest: Option<Timestamp>,
    dropped: BTreeMap<String, u64>,
}

impl Recorder {
    /// Goes on with what the folder holds, which is created when missing.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn open(folder: &Path, header: Header, limits: Limits) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut recorder = Recorder {
            folder: folder.to_owned(),
            header,
            limits,
            segments: VecDeque::new(),
            file: None,
            pending: Vec::new(),
            pending_rows: 0,
            newest: None,
            dropped: BTreeMap::new(),
        };
        for number in numbers(folder)? {
            recorder.meet(number)?;
        }
        Ok(recorder)
    }

    /// Takes a file of an earlier start into account; the newest is written on if it fits.
    fn meet(&mut self, number: u64) -> io::Result<()> {
        // The one before is not the newest after all.
        self.file = None;
        let path = self.path(number);
        let bytes = fs::read(&path)?;
        let Some(found) = segment::read(&bytes) else {
            // The cut was within its first block: there is nothing in it.
            return fs::remove_file(&path);
        };
        let newest = found.rows.iter().map(|row| row.time).max();
        let mut known = Known { number, bytes: bytes.len() as u64, rows: found.rows.len() as u64, newest };
        if found.header == self.header {
            let mut file = OpenOptions::new().write(true).open(&path)?;
            file.set_len(found.usable as u64)?;
            file.seek(SeekFrom::End(0))?;
            known.bytes = found.usable as u64;
            self.file = Some(file);
        }
        self.newest = self.newest.max(newest);
        self.segments.push_back(known);
        Ok(())
    }

    /// Takes a window. It reaches the disk with the next [`Recorder::sync`]; returns whether that
    /// should be now.
    pub fn push(&mut self, row: &Row) -> bool {
        row.write(&mut self.pending);
        self.pending_rows += 1;
        self.newest = self.newest.max(Some(row.time));
        self.pending.len() >= PENDING
    }

    /// Writes what was taken since, syncs it, and lets go what is too old or too much.
    ///
    /// # Errors
    /// What the file system answers; what could not be written is counted and forgotten.
    pub fn sync(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.evict();
        let rows = std::mem::take(&mut self.pending_rows);
        let pending = std::mem::take(&mut self.pending);
        let written = match Space::of(&self.folder)?.refuses(self.limits.min_free) {
            Some(refusal) => {
                self.drop_counted(refusal.name(), rows);
                return Ok(());
            }
            None => self.write(&pending, rows),
        };
        if written.is_err() {
            self.drop_counted("failed", rows);
            // Half a row may stand at its end: the next one begins in a file of its own.
            self.file = None;
        }
        written
    }

    fn write(&mut self, bytes: &[u8], rows: u64) -> io::Result<()> {
        let full = self.segments.back().is_some_and(|newest| newest.bytes >= self.segment_bytes());
        if full {
            self.file = None;
        }
        if self.file.is_none() {
            self.begin()?;
        }
        let (Some(file), Some(newest)) = (&mut self.file, self.segments.back_mut()) else { return Ok(()) };
        file.write_all(bytes)?;
        file.sync_data()?;
        newest.bytes += bytes.len() as u64;
        newest.rows += rows;
        newest.newest = newest.newest.max(self.newest);
        Ok(())
    }

    fn begin(&mut self) -> io::Result<()> {
        let number = self.segments.back().map_or(1, |newest| newest.number + 1);
        let path = self.path(number);
        let mut file = File::create(&path)?;
        let header = self.header.to_bytes();
        file.write_all(&header)?;
        file.sync_all()?;
        durable::sync_folder(&path)?;
        self.segments.push_back(Known { number, bytes: header.len() as u64, rows: 0, newest: None });
        self.file = Some(file);
        Ok(())
    }

    /// Makes room for what waits, and lets go what is too old.
    fn evict(&mut self) {
        let coming = (self.pending.len() + self.header.to_bytes().len()) as u64;
        while let Some(oldest) = self.segments.front() {
            let over = self.bytes() + coming > self.limits.bytes;
            let horizon = self.newest.map(|newest| newest.minus(self.limits.keep));
            let old = oldest.newest < horizon && oldest.newest.is_some();
            let reason = match (over, old) {
                (true, _) => "quota",
                (false, true) => "age",
                (false, false) => return,
            };
            let (path, rows) = (self.path(oldest.number), oldest.rows);
            // Somebody may have deleted it by hand; what cannot be deleted is tried again at the next start.
            let _ = fs::remove_file(path);
            self.segments.pop_front();
            if self.segments.is_empty() {
                self.file = None;
            }
            self.drop_counted(reason, rows);
        }
    }

    fn drop_counted(&mut self, reason: &str, rows: u64) {
        *self.dropped.entry(reason.to_owned()).or_default() += rows;
    }

    /// What is kept, in figures.
    #[must_use]
    pub fn kept(&self) -> Kept {
        let windows = self.segments.iter().map(|segment| segment.rows).sum();
        Kept { windows, bytes: self.bytes(), dropped: self.dropped.clone() }
    }

    fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    fn segment_bytes(&self) -> u64 {
        (self.limits.bytes / SHARE).clamp(SMALLEST_SEGMENT, LARGEST_SEGMENT)
    }

    fn path(&self, number: u64) -> PathBuf {
        path(&self.folder, number)
    }
}

/// The file of a segment.
#[must_use]
pub fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:08}.{ENDING}"))
}

/// The numbers of the segments in a folder, oldest first; none where there is no folder.
///
/// # Errors
/// What the file system answers.
pub fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let stem: Option<u64> =
            path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        if path.extension().is_some_and(|ending| ending == ENDING) {
            numbers.extend(stem);
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

#[cfg(test)]
mod tests;
