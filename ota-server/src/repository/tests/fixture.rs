//! A repository in a temporary folder, and devices that read it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use jiff::{SignedDuration, Timestamp};
use lineside_bundle::archive;
use lineside_bundle::trust::{FolderSource, MemoryStore, Target, TrustError, Verifier};

use crate::keys::{PublicKey, Signer};
use crate::repository::{InitialKeys, PublishOptions, Published, Repository, RepositoryError, Terms, store};

pub const CATALOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/catalog/detector");

/// The key that everyone can make from a number.
pub fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

pub fn public(number: u8) -> PublicKey {
    key(number).public()
}

pub fn noon() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

pub fn hours(hours: i64) -> Timestamp {
    noon() + SignedDuration::from_hours(hours)
}

pub fn terms() -> Terms {
    Terms::at(noon())
}

/// Root keys 1, 2, 3, of which two sign; targets keys 11 and 12; online key 21.
pub struct Fixture {
    pub folder: tempfile::TempDir,
    pub repository: Repository,
}

pub const ROOT: [u8; 3] = [1, 2, 3];
pub const TARGETS: [u8; 2] = [11, 12];
pub const ONLINE: u8 = 21;
pub const ALL: [u8; 6] = [1, 2, 3, 11, 12, 21];

/// The keys of these numbers, ready to sign.
pub fn with<T>(numbers: &[u8], work: impl FnOnce(&[&dyn Signer]) -> T) -> T {
    let keys: Vec<SigningKey> = numbers.iter().map(|number| key(*number)).collect();
    let signers: Vec<&dyn Signer> = keys.iter().map(|key| key as &dyn Signer).collect();
    work(&signers)
}

pub fn initial(targets_threshold: u64) -> InitialKeys {
    InitialKeys {
        root: ROOT.map(public).to_vec(),
        root_threshold: 2,
        targets: TARGETS.map(public).to_vec(),
        targets_threshold,
        online: public(ONLINE),
    }
}

impl Fixture {
    /// A new repository whose offline roles need so many targets keys.
    pub fn new(targets_threshold: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::at(&folder.path().join("repository"));
        with(&ALL, |all| repository.init(&initial(targets_threshold), all, &terms())).unwrap();
        Fixture { folder, repository }
    }

    /// One with release 1 of the detector and a rollout of it.
    pub fn with_release() -> Self {
        let fixture = Fixture::new(1);
        fixture.publish(1).unwrap();
        fixture.roll_out(1, 1).unwrap();
        fixture
    }

    /// A bundle of the detector with this release.
    pub fn bundle(&self, release: u32) -> PathBuf {
        let file = self.folder.path().join(format!("detector-{release}.tar"));
        fs::write(&file, bundle(release)).unwrap();
        file
    }

    pub fn publish(&self, release: u32) -> Result<Published, RepositoryError> {
        let file = self.bundle(release);
        with(&[11, ONLINE], |signers| {
            self.repository.publish(&file, signers, &PublishOptions::default(), &terms())
        })
    }

    pub fn document(&self, release: u32, revision: u64) -> Vec<u8> {
        let releases = self.repository.state().unwrap().releases("detector");
        let named = releases.iter().find(|published| published.info.release == release).unwrap();
        serde_json::to_vec(&serde_json::json!({
            "schema": 1, "id": "r-1", "revision": revision, "model": "detector", "group": "default",
            "release": release, "target": named.target, "sha256": named.sha256, "salt": "9f",
            "start": "2026-11-21T10:00:00Z", "ramp": [{"after_s": 0, "percent": 100}], "state": "running"}))
        .unwrap()
    }

    pub fn roll_out(&self, release: u32, revision: u64) -> Result<(), RepositoryError> {
        let document = self.document(release, revision);
        with(&[ONLINE], |online| self.repository.add_rollout(&document, online, &terms())).map(|_| ())
    }

    pub fn path(&self) -> &Path {
        self.repository.folder()
    }

    pub fn metadata(&self, name: &str) -> PathBuf {
        self.path().join(store::METADATA).join(name)
    }

    /// The first root: what devices are built with.
    pub fn factory_root(&self) -> Vec<u8> {
        fs::read(self.metadata("1.root.json")).unwrap()
    }

    pub fn device(&self) -> Device {
        Device { factory_root: self.factory_root(), store: Arc::default() }
    }
}

/// The tar of the detector with this release.
pub fn bundle(release: u32) -> Vec<u8> {
    let read = |name: &str| fs::read(Path::new(CATALOG).join(name)).unwrap();
    let manifest = String::from_utf8(read("manifest.toml")).unwrap();
    let manifest = manifest
        .replace("release = 1\n", &format!("release = {release}\n"))
        .replace("version = \"1.0.0\"", &format!("version = \"1.{release}.0\""));
    let (model, golden, card) = (read("model.onnx"), read("golden.json"), read("card.md"));
    let mut tar = Vec::new();
    let members = [
        ("manifest.toml", manifest.as_bytes()),
        ("model.onnx", &model),
        ("golden.json", &golden),
        ("card.md", &card),
    ];
    archive::write(&members, &mut tar).unwrap();
    tar
}

/// A device: its factory root, and what it has kept.
#[derive(Clone)]
pub struct Device {
    pub factory_root: Vec<u8>,
    pub store: Arc<MemoryStore>,
}

impl Device {
    /// A refresh against the repository in `folder`.
    pub fn look(&self, folder: &Path, now: Timestamp) -> Result<Verifier, TrustError> {
        let source = Box::new(FolderSource::new(folder));
        let mut verifier = Verifier::open(&self.factory_root, source, Box::new(self.store.clone()))?;
        verifier.refresh(now)?;
        Ok(verifier)
    }

    /// What it sees under this name.
    pub fn sees(&self, folder: &Path, target: &str) -> Option<Target> {
        self.look(folder, noon()).unwrap().target(target).unwrap()
    }
}

/// Copies a folder of files and folders.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let place = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &place);
        } else {
            fs::copy(&path, &place).unwrap();
        }
    }
}

/// Every file below `folder` but the lock, with its content.
pub fn contents(folder: &Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    let mut all = std::collections::BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(contents(&path));
        } else if path.file_name().is_some_and(|name| name != ".lock") {
            all.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    all
}
