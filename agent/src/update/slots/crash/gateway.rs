//! A gateway on a modelled disk that keeps a record of what it was promised.

use std::io;
use std::sync::Arc;

use lineside_bundle::Sha256Hex;
use lineside_bundle::trust::Store;

use crate::time::Timestamp;
use crate::update::disk::Disk;
use crate::update::disk::page_cache::PageCacheDisk;
use crate::update::slots::{Opener, Slots};
use crate::update::state::{ModelState, Slot};
use crate::update::state_file;
use crate::update::trust_store::TrustStore;

pub(super) const NOW: Timestamp = Timestamp::EPOCH;
pub(super) const FACTORY: u32 = 1;
const MODEL: &str = "detector";
const STATE: &str = "models/detector/state.json";
const METADATA: &str = "timestamp.json";

/// What a power cut may leave after an operation: exactly one state when it said `Ok`, and what it
/// tried besides when it failed.
#[derive(Clone, Debug)]
pub(super) struct Possible {
    pub(super) states: Vec<ModelState>,
    pub(super) metadata: Vec<u32>,
}

pub(super) struct Gateway {
    pub(super) disk: Arc<PageCacheDisk>,
    slots: Option<Slots>,
    trust: TrustStore,
    /// Before the first operation, and after each.
    pub(super) history: Vec<Possible>,
    /// Operations that failed.
    pub(super) failed: Vec<String>,
    /// An operation that fails is the last of this process.
    pub(super) dies_at_an_error: bool,
    dead: bool,
}

impl Gateway {
    /// A gateway that has this disk and has not started.
    pub(super) fn new(disk: PageCacheDisk) -> Gateway {
        let possible = Possible { states: vec![raw(&disk)], metadata: vec![metadata(&disk)] };
        let disk = Arc::new(disk);
        let trust = TrustStore::new(disk.clone());
        let (failed, history) = (Vec::new(), vec![possible]);
        Gateway { disk, slots: None, trust, history, failed, dies_at_an_error: false, dead: false }
    }

    pub(super) fn slots(&self) -> &Slots {
        self.slots.as_ref().unwrap()
    }

    pub(super) fn running(&self) -> bool {
        self.slots.is_some()
    }

    /// The process starts, again or for the first time.
    pub(super) fn restart(&mut self) {
        if self.dead && self.dies_at_an_error {
            return;
        }
        self.dead = false;
        self.slots = None;
        self.trust = TrustStore::new(self.disk.clone());
        let tried = self
            .last()
            .states
            .iter()
            .flat_map(|state| [state.started(NOW).0, state.reverted("start_not_counted", NOW).0]);
        let tried: Vec<_> = tried.collect();
        let failures = self.disk.failures();
        let opened = Slots::open(self.disk.clone(), MODEL, FACTORY, Opener::Agent, NOW);
        let opened = opened.map(|(slots, opening)| {
            assert!(!opening.state_lost);
            self.slots = Some(slots);
        });
        if opened.is_ok() && self.disk.failures() > failures {
            // It runs, but what it wrote down may not last.
            let mut now = self.last().clone();
            now.states.extend(tried);
            return self.close("start", None, now);
        }
        self.note("start", opened, tried);
    }

    /// All of it: download, trial, commit.
    pub(super) fn install(&mut self, release: u32) {
        self.bring(release);
        self.commit();
    }

    /// Downloads a release and puts it on trial; once more when that fails, as the next poll does.
    pub(super) fn bring(&mut self, release: u32) {
        let failed = self.failed.len();
        self.bring_once(release);
        if self.failed.len() > failed {
            self.bring_once(release);
        }
    }

    fn bring_once(&mut self, release: u32) {
        if !self.running() {
            return;
        }
        let state = self.slots().state();
        if state.refuses(&slot(release).sha256, release > state.floor).is_some() {
            return;
        }
        let slot = slot(release);
        if !self.slots().has(&slot.sha256) {
            let fetched =
                self.fetch(release).and_then(|part| self.slots.as_mut().unwrap().admit(&part, &slot.sha256));
            let ok = fetched.is_ok();
            self.note("fetch and admit", fetched, vec![]);
            if !ok {
                return;
            }
        }
        let tried = self.slots().state().on_trial(slot.clone(), "a".into(), "r".into());
        let activated = self.slots.as_mut().unwrap().activate(slot, "a".into(), "r".into());
        self.note("activate", activated, vec![tried]);
    }

    /// As a download does it: in pieces, synced, with its name. One that is complete is not fetched
    /// again, and one that could not be synced is dropped.
    fn fetch(&self, release: u32) -> io::Result<String> {
        let bytes = bundle(release);
        let folder = self.slots().download_folder();
        let part = format!("{folder}/{}.part", Sha256Hex::of(&bytes));
        self.disk.create_folder(&folder)?;
        if self.disk.read(&part).ok().as_ref() != Some(&bytes) {
            for piece in 1..=2 {
                self.disk.write(&part, &bytes[..bytes.len() * piece / 2])?;
            }
        }
        if let Err(error) = self.disk.sync(&part) {
            self.disk.remove(&part)?;
            return Err(error);
        }
        self.disk.sync_folder(&folder)?;
        Ok(part)
    }

    pub(super) fn commit(&mut self) {
        if self.running() && self.slots().state().trial.is_some() {
            let tried = self.slots().state().committed();
            let committed = self.slots.as_mut().unwrap().commit();
            self.note("commit", committed, vec![tried]);
        }
    }

    pub(super) fn revert(&mut self, reason: &str) {
        if self.running() && self.slots().state().active.is_some() {
            let tried = self.slots().state().reverted(reason, NOW).0;
            let (_, saved) = self.slots.as_mut().unwrap().revert(reason, NOW);
            self.note("revert", saved, vec![tried]);
            if self.running() {
                let again = self.slots.as_mut().unwrap().persist();
                self.note("persist", again, vec![]);
            }
        }
    }

    pub(super) fn pin(&mut self, pinned: bool) {
        if self.running() {
            let tried = ModelState { pinned, ..self.slots().state().clone() };
            let changed = self.slots.as_mut().unwrap().change(|state| state.pinned = pinned);
            self.note("pin", changed, vec![tried]);
        }
    }

    /// Verified metadata of a version is kept.
    pub(super) fn trust(&mut self, version: u32) {
        if !self.running() {
            return;
        }
        let stored = self.trust.store(METADATA, &version.to_le_bytes());
        let mut now = self.last().clone();
        match &stored {
            Ok(()) => now.metadata = vec![version],
            Err(_) => now.metadata.push(version),
        }
        self.close("trust", stored.err(), now);
    }

    fn last(&self) -> &Possible {
        self.history.last().unwrap()
    }

    fn note(&mut self, what: &str, done: io::Result<()>, tried: Vec<ModelState>) {
        let mut now = self.last().clone();
        match (&done, &self.slots) {
            (Ok(()), Some(slots)) => now.states = vec![slots.state().clone()],
            _ => now.states.extend(tried),
        }
        self.close(what, done.err(), now);
    }

    fn close(&mut self, what: &str, error: Option<io::Error>, now: Possible) {
        if let Some(error) = error {
            self.failed.push(format!("{what}: {error}"));
            if self.dies_at_an_error {
                (self.slots, self.dead) = (None, true);
            }
        }
        self.history.push(now);
        self.disk.mark("done");
    }
}

/// What the state file says.
pub(super) fn raw(disk: &PageCacheDisk) -> ModelState {
    match disk.read(STATE) {
        Ok(bytes) => state_file::decode(&bytes).expect("the state file is whole"),
        Err(_) => ModelState { floor: FACTORY, ..ModelState::default() },
    }
}

/// The version of the metadata that is kept.
pub(super) fn metadata(disk: &PageCacheDisk) -> u32 {
    let kept = disk.read(&format!("trust/{METADATA}"));
    kept.map_or(0, |bytes| u32::from_le_bytes(bytes.try_into().expect("the metadata is whole")))
}

pub(super) fn bundle(release: u32) -> Vec<u8> {
    format!("bundle of release {release}").into_bytes()
}

pub(super) fn slot(release: u32) -> Slot {
    Slot { sha256: Sha256Hex::of(&bundle(release)), release, version: format!("1.{release}.0") }
}
