//! Between the core and the world: everything the core reads or keeps goes through here.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sigstore_tuf::transport::FetchFuture;
use sigstore_tuf::{Error as CoreError, MetadataStore, Repository, Snapshot};

use crate::digest::Sha256Hex;

use super::error::TrustError;
use super::source::Source;
use super::store::Store;
use super::{LEASE_LIMIT, floor, keys, names, strict_json};

/// Source and store, and what went wrong with them that the core would not tell.
pub(super) struct Gate {
    source: Box<dyn Source>,
    store: Box<dyn Store>,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    /// Why a file was refused in this step.
    refusal: Option<TrustError>,
    /// The file last asked for that is not there.
    missing: Option<String>,
    /// The first failure of the store, which the core only logs.
    store: Option<(String, io::Error)>,
    /// The root that is trusted now.
    root: Vec<u8>,
    /// Digests of delegated roles by the names they are served under, from the trusted snapshot.
    pins: BTreeMap<String, (String, Sha256Hex)>,
    /// What `timestamp.json` must be under a lease.
    lease: Option<Sha256Hex>,
}

impl Gate {
    pub(super) fn new(source: Box<dyn Source>, store: Box<dyn Store>) -> Arc<Self> {
        Arc::new(Gate { source, store, notes: Mutex::default() })
    }

    /// Whether metadata may reach the core at all.
    pub(super) fn inspect(name: &str, bytes: &[u8]) -> Result<(), TrustError> {
        strict_json::check(bytes).map_err(|refused| TrustError::malformed(name, refused.to_string()))?;
        keys::check(bytes).map_err(|problem| TrustError::malformed(name, problem))
    }

    /// What a step of the core came to, told with what the core does not know. A store that failed
    /// once fails every step: what it lost is no floor any more.
    pub(super) fn settle<T>(&self, result: Result<T, CoreError>) -> Result<T, TrustError> {
        let mut notes = self.notes();
        let (refusal, missing) = (notes.refusal.take(), notes.missing.take());
        if let Some((name, cause)) = &notes.store {
            let cause = io::Error::new(cause.kind(), cause.to_string());
            return Err(TrustError::Store { name: name.clone(), cause });
        }
        result.map_err(|error| match (error, refusal, missing) {
            (CoreError::Transport { .. }, Some(refusal), _) => refusal,
            (CoreError::Transport { .. }, None, Some(missing)) => TrustError::NotFound(missing),
            (error, _, _) => error.into(),
        })
    }

    /// The delegated roles that a trusted snapshot pins by digest: a kept copy with that digest is
    /// what the repository would send.
    pub(super) fn pin(&self, snapshot: &Snapshot, consistent: bool) {
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
        let pins = snapshot.meta.iter().filter_map(|(file, meta)| {
            let digest = meta.hashes.as_ref()?.get("sha256")?;
            let digest = Sha256Hex::try_from(digest.clone()).ok()?;
            // Other names are served under an encoded form, which is not worth knowing here.
            let plain = file != "targets.json" && file.bytes().all(unreserved);
            let served = if consistent { format!("{}.{file}", meta.version) } else { file.clone() };
            plain.then(|| (served, (file.clone(), digest)))
        });
        self.notes().pins = pins.collect();
    }

    pub(super) fn unpin(&self) {
        self.notes().pins.clear();
    }

    /// Under a lease, `timestamp.json` is the one it names or none.
    pub(super) fn expect_timestamp(&self, digest: Option<Sha256Hex>) {
        self.notes().lease = digest;
    }

    /// The digest of the timestamp that was kept.
    pub(super) fn kept_timestamp(&self) -> Result<Option<Sha256Hex>, TrustError> {
        Ok(self.load("timestamp.json")?.map(|bytes| Sha256Hex::of(&bytes)))
    }

    /// The lease, if the repository has one.
    pub(super) fn lease(&self) -> Result<Option<Vec<u8>>, TrustError> {
        self.receive("lease.json", LEASE_LIMIT)
    }

    /// A small target, of exactly `length` bytes.
    pub(super) fn target(&self, path: &str, length: u64) -> Result<Vec<u8>, TrustError> {
        names::clean_path(path).map_err(|problem| TrustError::malformed(path, problem))?;
        let bytes = self.source.target(path, length).map_err(|e| TrustError::source(path, length, e))?;
        bytes.ok_or_else(|| TrustError::NotFound(path.into()))
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file of the repository, within its limit.
    fn receive(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, TrustError> {
        names::clean_path(name).map_err(|problem| TrustError::malformed(name, problem))?;
        let bytes = self.source.metadata(name, limit).map_err(|e| TrustError::source(name, limit, e))?;
        match bytes {
            Some(bytes) if bytes.len() as u64 > limit => {
                Err(TrustError::TooLarge { name: name.into(), limit })
            }
            other => Ok(other),
        }
    }

    fn fetch(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, TrustError> {
        if let Some(kept) = self.kept_as_pinned(name)? {
            return Ok(Some(kept));
        }
        let Some(bytes) = self.receive(name, limit)? else {
            self.notes().missing = Some(name.into());
            return Ok(None);
        };
        Self::inspect(name, &bytes)?;
        if name == "timestamp.json"
            && self.notes().lease.as_ref().is_some_and(|digest| *digest != Sha256Hex::of(&bytes))
        {
            return Err(TrustError::Mismatch("timestamp.json: not the one that lease.json names".into()));
        }
        if is_snapshot(name)
            && let Some(kept) = self.load("snapshot.json")?
        {
            floor::check(&self.notes().root, &kept, &bytes)?;
        }
        Ok(Some(bytes))
    }

    /// A delegated role from the store, if it is the very file that the snapshot pins.
    fn kept_as_pinned(&self, served: &str) -> Result<Option<Vec<u8>>, TrustError> {
        let Some((file, digest)) = self.notes().pins.get(served).cloned() else { return Ok(None) };
        Ok(self.load(&file)?.filter(|bytes| Sha256Hex::of(bytes) == digest))
    }

    /// What was kept. What is damaged there counts as lost, because it would not verify either.
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, TrustError> {
        names::clean_path(name).map_err(|problem| TrustError::malformed(name, problem))?;
        let bytes = self.store.load(name).map_err(|cause| self.store_failed(name, cause))?;
        Ok(bytes.filter(|bytes| Self::inspect(name, bytes).is_ok()))
    }

    fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), TrustError> {
        names::clean_path(name).map_err(|problem| TrustError::malformed(name, problem))?;
        if name == "root.json" {
            self.notes().root = bytes.to_vec();
        }
        // `N.snapshot.json` says what `snapshot.json` says, and would pile up for ever.
        let piles_up = is_snapshot(name) && name != "snapshot.json";
        // Flash wears, and a cycle mostly brings nothing new.
        if piles_up || self.load(name)?.is_some_and(|kept| kept == bytes) {
            return Ok(());
        }
        self.store.store(name, bytes).map_err(|cause| self.store_failed(name, cause))
    }

    /// Remembers the first failure, and gives one to hand on.
    fn store_failed(&self, name: &str, cause: io::Error) -> TrustError {
        let told = io::Error::new(cause.kind(), cause.to_string());
        self.notes().store.get_or_insert_with(|| (name.into(), cause));
        TrustError::Store { name: name.into(), cause: told }
    }
}

/// `snapshot.json` or `N.snapshot.json`.
fn is_snapshot(name: &str) -> bool {
    name == "snapshot.json"
        || name
            .strip_suffix(".snapshot.json")
            .is_some_and(|version| version.bytes().all(|b| b.is_ascii_digit()))
}

/// The gate as the core's transport and store: its futures are always ready.
pub(super) struct Door(pub(super) Arc<Gate>);

impl Repository for Door {
    fn fetch_metadata<'a>(&'a self, name: &'a str, max_length: u64) -> FetchFuture<'a> {
        let answer = self.0.fetch(name, max_length).map_err(|refusal| {
            let told = CoreError::transport(refusal.to_string());
            self.0.notes().refusal = Some(refusal);
            told
        });
        Box::pin(std::future::ready(answer))
    }

    fn fetch_target<'a>(&'a self, path: &'a str, _: u64) -> FetchFuture<'a> {
        // The core buffers whole targets; `Verifier::read` and the installer do without it.
        Box::pin(std::future::ready(Err(CoreError::transport(format!("{path}: not read through the core")))))
    }
}

impl MetadataStore for Door {
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, CoreError> {
        self.0.load(name).map_err(|e| CoreError::transport(e.to_string()))
    }

    fn store(&self, name: &str, bytes: &[u8]) -> Result<(), CoreError> {
        self.0.keep(name, bytes).map_err(|e| CoreError::transport(e.to_string()))
    }
}
