//! A target of known length and digest, into a file, over as many attempts as it takes.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use lineside_bundle::Sha256Hex;
use sha2::{Digest, Sha256};

use super::error::{FetchError, Kind};
use super::http::{Http, Reply, broken};
use super::part::{self, Part};
use super::rate::Meter;
use super::{Wanted, answer};
use crate::clock::Clock;

/// All the memory that a download takes, whatever its size.
pub(super) const BUFFER: usize = 64 << 10;

/// What is asked of a transfer and left to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The least bytes a second.
    pub min_rate: u64,
    /// Over how long they are measured.
    pub window: Duration,
    /// Bytes that must stay free on the disk.
    pub margin: u64,
}

impl Default for Rules {
    /// A model of 20 MB takes less than six hours or is not worth holding a connection for.
    fn default() -> Self {
        Rules { min_rate: 1 << 10, window: Duration::from_secs(30), margin: 64 << 20 }
    }
}

/// Downloads into a folder.
#[derive(Debug)]
pub struct Download {
    folder: PathBuf,
    rules: Rules,
    have: Arc<AtomicU64>,
}

/// A complete, verified and synced file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downloaded {
    /// Where it is: `FOLDER/SHA256.part`.
    pub path: PathBuf,
    /// Bytes that the last attempt took from the network.
    pub fetched: u64,
}

/// How an attempt can end without an error.
enum Attempt {
    Done(Downloaded),
    /// What is on the disk cannot be continued, for this reason.
    StartOver(&'static str),
}

impl Download {
    /// Downloads into `folder`, which is created when needed and belongs to downloads alone.
    #[must_use]
    pub fn new(folder: &Path, rules: Rules) -> Self {
        Download { folder: folder.to_owned(), rules, have: Arc::default() }
    }

    /// Bytes of the current target that are on the disk, for reports from other threads.
    #[must_use]
    pub fn progress(&self) -> Arc<AtomicU64> {
        self.have.clone()
    }

    /// Fetches `want` from `path`: one attempt, which continues what earlier ones left. When the file
    /// is already complete nothing is asked of the server.
    ///
    /// # Errors
    /// By what to do. After [`Kind::TooLong`], [`Kind::HashMismatch`], [`Kind::DiskFull`] and
    /// [`Kind::Storage`] nothing of it is left on the disk; after the others progress is kept.
    pub fn run(
        &self,
        http: &Http,
        path: &str,
        want: &Wanted,
        clock: &dyn Clock,
        stop: &AtomicBool,
    ) -> Result<Downloaded, FetchError> {
        let done = self.attempts(http, path, want, clock, stop);
        // After a failed sync the disk may hold less than it says, and says so only once.
        let spoilt = [Kind::TooLong, Kind::HashMismatch, Kind::DiskFull, Kind::Storage];
        if done.as_ref().is_err_and(|error| spoilt.contains(&error.kind)) {
            self.discard(&want.sha256);
        }
        done
    }

    /// Removes what there is of a target.
    pub fn discard(&self, sha256: &Sha256Hex) {
        part::discard(&self.folder, sha256.as_str());
        self.have.store(0, Ordering::Relaxed);
    }

    /// Removes what earlier downloads left in the folder, except for those in `wanted`.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn keep_only(&self, wanted: &[&Sha256Hex]) -> io::Result<()> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            if !wanted.iter().any(|sha256| stem == Some(sha256.as_str())) {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    fn attempts(
        &self,
        http: &Http,
        path: &str,
        want: &Wanted,
        clock: &dyn Clock,
        stop: &AtomicBool,
    ) -> Result<Downloaded, FetchError> {
        let mut part = Part::open(&self.folder, want)?;
        let transfer = Transfer { download: self, want, clock, stop };
        match transfer.attempt(http, path, &mut part)? {
            Attempt::Done(done) => Ok(done),
            Attempt::StartOver(why) => {
                tracing::info!(path, why, "a download starts over");
                part.reset(None)?;
                match transfer.attempt(http, path, &mut part)? {
                    Attempt::Done(done) => Ok(done),
                    // Once is enough: a server that cannot make up its mind is asked again later.
                    Attempt::StartOver(why) => Err(FetchError::retry(format!("{path}: {why}, twice"))),
                }
            }
        }
    }

    /// Room for what is missing, and for the rest of the system.
    fn check_space(&self, missing: u64) -> Result<(), FetchError> {
        let stat = rustix::fs::statvfs(&self.folder)
            .map_err(|error| FetchError::storage(&self.folder, "see how much is free", &error.into()))?;
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        let needed = missing.saturating_add(self.rules.margin);
        if missing > 0 && free < needed {
            let folder = self.folder.display();
            let detail = format!("{folder}: {free} bytes are free, {needed} are needed; free some space");
            return Err(FetchError::new(Kind::DiskFull, detail));
        }
        Ok(())
    }
}

/// One call of [`Download::run`].
struct Transfer<'a> {
    download: &'a Download,
    want: &'a Wanted,
    clock: &'a dyn Clock,
    stop: &'a AtomicBool,
}

impl Transfer<'_> {
    fn attempt(&self, http: &Http, path: &str, part: &mut Part) -> Result<Attempt, FetchError> {
        self.download.check_space(self.want.length.saturating_sub(part.length()))?;
        self.report(part);
        let mut hasher = part.digest()?;
        let mut joined = part.length() > 0;
        let mut fetched = 0;
        if part.length() < self.want.length {
            let reply = http.open(path, part.resume())?;
            match (reply.status.as_u16(), part.resume()) {
                (200, _) => {
                    // Also when a part was asked for: then this is all of a file, whichever it is.
                    part.reset(answer::strong_etag(&reply.headers))?;
                    (hasher, joined) = (Sha256::new(), false);
                }
                (206, Some(resume)) => {
                    if let Some(why) = self.differs(&reply, resume) {
                        return Ok(Attempt::StartOver(why));
                    }
                }
                (416, Some(_)) => {
                    return Ok(Attempt::StartOver("the server's file ends before what is here"));
                }
                _ => return Err(reply.failure()),
            }
            fetched = self.copy(reply, part, &mut hasher)?;
        }
        if hex::encode(hasher.finalize()) == self.want.sha256.as_str() {
            part.sync()?;
            return Ok(Attempt::Done(Downloaded { path: part.path().to_owned(), fetched }));
        }
        if joined {
            // A power cut may have damaged the older part: only a file in one piece convicts the server.
            return Ok(Attempt::StartOver("what was kept on the disk does not fit"));
        }
        let detail =
            format!("{path}: has not the signed digest {}; it is not what was signed", self.want.sha256);
        Err(FetchError::new(Kind::HashMismatch, detail))
    }

    /// Why the partial answer cannot be joined to what is there, if so.
    fn differs(&self, reply: &Reply, (from, etag): (u64, &str)) -> Option<&'static str> {
        if answer::strong_etag(&reply.headers) != Some(etag) {
            return Some("the server's file has changed");
        }
        match answer::content_range(&reply.headers) {
            Some((first, total)) if first == from && total.is_none_or(|total| total == self.want.length) => {
                None
            }
            _ => Some("the server sends another part than was asked for"),
        }
    }

    /// Copies the body to the part, no further than the signed length; returns the bytes fetched.
    fn copy(&self, reply: Reply, part: &mut Part, hasher: &mut Sha256) -> Result<u64, FetchError> {
        let Reply { url, mut body, .. } = reply;
        let rules = self.download.rules;
        let mut meter = Meter::new(rules.min_rate, rules.window, self.clock.monotonic());
        let mut buffer = vec![0; BUFFER];
        let mut fetched = 0;
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(FetchError::new(Kind::Stopped, format!("{url}: stopped on request")));
            }
            let left = self.want.length - part.length();
            // One byte more than is due tells a longer file from the right one.
            let room = usize::try_from(left).unwrap_or(BUFFER).saturating_add(1).min(BUFFER);
            let count = match body.read(&mut buffer[..room]) {
                Ok(0) if left == 0 => return Ok(fetched),
                // All that was signed is here; how the connection ends does not matter.
                Err(_) if left == 0 => return Ok(fetched),
                Ok(0) => return Err(FetchError::retry(format!("{url}: ended {left} bytes early"))),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(broken(&url, &error)),
                Ok(count) => count,
            };
            if count as u64 > left {
                let detail = format!("{url}: goes on after the {} bytes that were signed", self.want.length);
                return Err(FetchError::new(Kind::TooLong, detail));
            }
            part.append(&buffer[..count])?;
            hasher.update(&buffer[..count]);
            fetched += count as u64;
            self.report(part);
            if !meter.keeps_up(self.clock.monotonic(), count) && part.length() < self.want.length {
                let Rules { min_rate, window, .. } = rules;
                let detail =
                    format!("{url}: slower than {min_rate} bytes a second over {window:?}; progress is kept");
                return Err(FetchError::new(Kind::Slow, detail));
            }
        }
    }

    fn report(&self, part: &Part) {
        self.download.have.store(part.length(), Ordering::Relaxed);
    }
}
