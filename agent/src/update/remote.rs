//! Where a repository is: at a server, or in a folder such as a USB stick. Both are verified alike.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lineside_bundle::trust::{FolderSource, Source, Target};
use sha2::{Digest, Sha256};

use super::fetch::{Download, FetchError, Http, HttpSource, Rules, Wanted};
use crate::clock::Clock;

/// Copied at once.
const CHUNK: usize = 64 << 10;

/// The reason of a fetch that the agent's own end broke off.
pub const STOPPED: &str = "stopped";

/// A repository.
pub trait Remote: Send + Sync {
    /// Its metadata and small targets.
    fn source(&self) -> Box<dyn Source>;

    /// Fetches a target into `folder`, whole and with the digest that was signed.
    ///
    /// # Errors
    /// Why it could not be fetched; what was fetched so far may be used by the next attempt.
    fn fetch(&self, target: &Target, folder: &Path, stop: &AtomicBool) -> Result<PathBuf, Unfetched>;
}

/// Why a target could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfetched {
    /// The stable word, such as `hash_mismatch`.
    pub reason: &'static str,
    /// For people.
    pub detail: String,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl Unfetched {
    fn new(reason: &'static str, detail: impl Into<String>) -> Self {
        Unfetched { reason, detail: detail.into(), retry_after: None }
    }
}

impl From<FetchError> for Unfetched {
    fn from(error: FetchError) -> Self {
        Unfetched { reason: error.kind.reason(), retry_after: error.kind.retry_after(), detail: error.detail }
    }
}

/// An OTA server.
pub struct HttpRemote {
    http: Http,
    rules: Rules,
    clock: Arc<dyn Clock>,
}

impl HttpRemote {
    /// The repository that `http` reaches, fetched by `rules`.
    #[must_use]
    pub fn new(http: Http, rules: Rules, clock: Arc<dyn Clock>) -> Self {
        HttpRemote { http, rules, clock }
    }
}

impl Remote for HttpRemote {
    fn source(&self) -> Box<dyn Source> {
        Box::new(HttpSource::new(self.http.clone()))
    }

    fn fetch(&self, target: &Target, folder: &Path, stop: &AtomicBool) -> Result<PathBuf, Unfetched> {
        let download = Download::new(folder, self.rules);
        let want = Wanted { sha256: target.sha256.clone(), length: target.length };
        let path = format!("targets/{}", target.path);
        Ok(download.run(&self.http, &path, &want, self.clock.as_ref(), stop)?.path)
    }
}

/// A repository in a folder.
pub struct FolderRemote {
    source: Arc<FolderSource>,
}

impl FolderRemote {
    /// The repository in `base`.
    #[must_use]
    pub fn new(base: &Path) -> Self {
        FolderRemote { source: Arc::new(FolderSource::new(base)) }
    }
}

impl Remote for FolderRemote {
    fn source(&self) -> Box<dyn Source> {
        Box::new(Arc::clone(&self.source))
    }

    fn fetch(&self, target: &Target, folder: &Path, stop: &AtomicBool) -> Result<PathBuf, Unfetched> {
        let from = self.source.target_path(&target.path);
        let to = folder.join(format!("{}.part", target.sha256));
        copy(&from, &to, target, stop).inspect_err(|_| {
            // A copy is quick to begin again.
            let _ = fs::remove_file(&to);
        })?;
        Ok(to)
    }
}

fn copy(from: &Path, to: &Path, target: &Target, stop: &AtomicBool) -> Result<(), Unfetched> {
    let failed = |error: std::io::Error| {
        let reason = match error.kind() {
            std::io::ErrorKind::NotFound => "gone",
            std::io::ErrorKind::StorageFull => "disk_full",
            _ => "unreachable",
        };
        Unfetched::new(reason, format!("{}: {error}", from.display()))
    };
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut input = File::open(from).map_err(failed)?.take(target.length.saturating_add(1));
    let mut output = File::create(to).map_err(failed)?;
    let (mut digest, mut length, mut chunk) = (Sha256::new(), 0_u64, vec![0; CHUNK]);
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(Unfetched::new(STOPPED, "the agent stops"));
        }
        let read = input.read(&mut chunk).map_err(failed)?;
        if read == 0 {
            break;
        }
        length += read as u64;
        digest.update(&chunk[..read]);
        output.write_all(&chunk[..read]).map_err(failed)?;
    }
    output.sync_all().map_err(failed)?;
    let found = hex::encode(digest.finalize());
    if length > target.length {
        return Err(Unfetched::new("too_long", format!("longer than the {} bytes signed", target.length)));
    }
    if found != target.sha256.as_str() {
        return Err(Unfetched::new("hash_mismatch", format!("{found} instead of {}", target.sha256)));
    }
    Ok(())
}
