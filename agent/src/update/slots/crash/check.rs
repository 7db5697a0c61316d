//! What must hold in every state that a power cut leaves.

use std::collections::HashSet;

use super::gateway::{FACTORY, Gateway, NOW, bundle, metadata, raw};
use crate::update::disk::Disk;
use crate::update::disk::page_cache::Image;
use crate::update::state::ModelState;

/// Combinations for each moment beyond which a sample is drawn: none in a row of steps that succeed.
pub(super) const ALL: usize = 4096;
const SEED: u64 = 27;

/// Looks at states and counts them.
#[derive(Default)]
pub(super) struct Checks {
    /// States looked at.
    pub(super) states: usize,
    /// Those that were different disks: how one comes up depends on nothing else.
    disks: HashSet<[u8; 32]>,
}

impl Checks {
    /// How many different disks came up.
    pub(super) fn disks(&self) -> usize {
        self.disks.len()
    }

    /// Looks at every state that a power cut after step `first` may leave: it is one that was promised,
    /// or what was being made of it, and comes up as such. Returns the disks not seen before, and
    /// gateways that have started from them.
    pub(super) fn after_power_cut(
        &mut self,
        gateway: &Gateway,
        first: usize,
        limit: usize,
        name: &str,
    ) -> Vec<(Image, Gateway)> {
        let mut new = Vec::new();
        for image in gateway.disk.crash_states_from(first, limit, SEED) {
            self.states += 1;
            let up = image.boot();
            // What was promised, and what the operation that was cut off was about to do.
            let within: Vec<_> = gateway.history.iter().skip(image.promises()).take(2).collect();
            let found = raw(&up);
            let states: Vec<_> = within.iter().flat_map(|possible| &possible.states).collect();
            assert!(states.contains(&&found), "{name}: {image}: {found:#?} is none of {states:#?}");
            let kept = metadata(&up);
            let known = within.iter().any(|possible| possible.metadata.contains(&kept));
            assert!(known, "{name}: {image}: metadata {kept}");
            if self.disks.insert(image.digest()) {
                let recovered = comes_up(&image, &found, name);
                new.push((image, recovered));
            }
        }
        new
    }
}

/// Comes up with what the state file says, and no less.
fn comes_up(image: &Image, found: &ModelState, name: &str) -> Gateway {
    let mut gateway = Gateway::new(image.boot());
    gateway.restart();
    assert_eq!(*gateway.slots().state(), found.started(NOW).0, "{name}: {image}");
    sound_in_memory(&gateway, &format!("{name}: {image}"));
    gateway
}

/// The same disk comes up the same once more, and a complete install works, and lasts.
pub(super) fn goes_on(image: &Image, came_up: &ModelState, name: &str) {
    let mut gateway = Gateway::new(image.boot());
    gateway.restart();
    assert_eq!(gateway.slots().state(), came_up, "{name}: {image}: a second boot differs");
    gateway.pin(false);
    gateway.install(9);
    assert!(gateway.failed.is_empty(), "{name}: {image}: {:?}", gateway.failed);
    sound_in_memory(&gateway, name);
    for last in gateway.disk.crash_states_from(gateway.disk.recorded(), ALL, SEED) {
        let state = raw(&last.boot());
        assert_eq!((state.active.unwrap().release, state.floor), (9, 9), "{name}: {image}, then {last}");
    }
}

/// One model is active, whole and not denied; the floor has not fallen.
pub(super) fn sound_in_memory(gateway: &Gateway, name: &str) {
    if !gateway.running() {
        return;
    }
    let state = gateway.slots().state();
    assert!(state.floor >= FACTORY && !state.safe_mode, "{name}: {state:#?}");
    if let Some(active) = &state.active {
        let file = gateway.disk.read(&format!("models/detector/{}.tar", active.sha256));
        assert_eq!(file.unwrap(), bundle(active.release), "{name}");
        assert!(!state.denied.contains_key(&active.sha256), "{name}: a denied release is active");
    }
}
