use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::super::fixture::{MODELS, NOW, Repo, time};
use super::super::{MemoryStore, Source, SourceError, Store, TrustError, Verifier};
use super::Device;

/// A disk that can be full or unreadable, and counts writes.
#[derive(Default)]
struct Disk {
    kept: MemoryStore,
    full: AtomicBool,
    unreadable: Mutex<Option<&'static str>>,
    writes: AtomicUsize,
}

impl Store for Disk {
    fn load(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        if *self.unreadable.lock().unwrap() == Some(name) {
            return Err(io::Error::other("bad sector"));
        }
        self.kept.load(name)
    }

    fn store(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        if self.full.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.kept.store(name, bytes)
    }
}

fn open(repo: &Repo, disk: &Arc<Disk>) -> Result<Verifier, TrustError> {
    Verifier::open(&repo.get("1.root.json"), Box::new(repo.served.clone()), Box::new(disk.clone()))
}

#[test]
fn a_floor_that_cannot_be_written_stops_the_cycle() {
    let mut repo = Repo::new();
    repo.add(MODELS, "models/detector/x.tar", b"weights");
    repo.publish();
    let disk = Arc::new(Disk::default());
    let mut verifier = open(&repo, &disk).unwrap();
    disk.full.store(true, Ordering::Relaxed);
    let error = verifier.refresh(time(NOW)).unwrap_err();
    assert_eq!(error.reason(), "store");
    assert!(error.to_string().starts_with("timestamp.json: "), "{error}");
    assert_eq!(verifier.target("models/detector/x.tar").unwrap_err().reason(), "stale_metadata");
    assert_eq!(
        open(&repo, &Arc::new(Disk { full: true.into(), ..Disk::default() })).unwrap_err().reason(),
        "store"
    );
}

#[test]
fn a_floor_that_cannot_be_read_stops_the_cycle() {
    for name in ["timestamp.json", "snapshot.json"] {
        let repo = Repo::new();
        let disk = Arc::new(Disk::default());
        open(&repo, &disk).unwrap().refresh(time(NOW)).unwrap();
        *disk.unreadable.lock().unwrap() = Some(name);
        assert_eq!(open(&repo, &disk).unwrap().refresh(time(NOW)).unwrap_err().reason(), "store", "{name}");
    }
}

#[test]
fn a_cycle_without_news_writes_nothing_and_asks_for_two_files() {
    let mut repo = Repo::new();
    repo.add(MODELS, "models/detector/x.tar", b"weights");
    repo.publish();
    let disk = Arc::new(Disk::default());
    let cycle = || {
        let mut verifier = open(&repo, &disk).unwrap();
        verifier.refresh(time(NOW)).unwrap();
        assert!(verifier.target("models/detector/x.tar").unwrap().is_some());
    };
    cycle();
    repo.served.asked.lock().unwrap().clear();
    let writes = disk.writes.load(Ordering::Relaxed);
    cycle();
    assert_eq!(disk.writes.load(Ordering::Relaxed), writes);
    assert_eq!(*repo.served.asked.lock().unwrap(), ["2.root.json", "timestamp.json"]);
}

#[test]
fn a_kept_role_that_was_damaged_is_fetched_again() {
    let mut repo = Repo::new();
    repo.add(MODELS, "models/detector/x.tar", b"weights");
    repo.publish();
    let device = Device::of(&repo);
    device.cycle(&repo).unwrap().target("models/detector/x.tar").unwrap();
    for name in device.store.names() {
        device.store.store(&name, b"{\"signed\":").unwrap();
    }
    let mut verifier = device.cycle(&repo).unwrap();
    assert!(verifier.target("models/detector/x.tar").unwrap().is_some());
    assert_eq!(device.kept(MODELS), Some(1));
}

/// A server that is busy.
struct Busy;

impl Source for Busy {
    fn metadata(&self, _: &str, _: u64) -> Result<Option<Vec<u8>>, SourceError> {
        let later = Some(std::time::Duration::from_secs(120));
        Err(SourceError::unreachable("503 Service Unavailable").with_retry_after(later))
    }

    fn target(&self, _: &str, _: u64) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(None)
    }
}

#[test]
fn what_the_server_asks_for_is_passed_on() {
    let repo = Repo::new();
    let mut verifier =
        Verifier::open(&repo.get("1.root.json"), Box::new(Busy), Box::new(MemoryStore::default())).unwrap();
    let error = verifier.refresh(time(NOW)).unwrap_err();
    assert_eq!((error.reason(), error.retry_after().unwrap().as_secs()), ("unreachable", 120));
}

#[test]
fn a_file_that_is_not_there_is_told_by_its_name() {
    let repo = Repo::new();
    repo.served.files.lock().unwrap().remove("1.snapshot.json").unwrap();
    let error = Device::of(&repo).cycle(&repo).unwrap_err();
    assert_eq!(error.reason(), "not_found");
    assert!(error.to_string().contains("1.snapshot.json"), "{error}");
}
