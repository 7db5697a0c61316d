use super::*;
use crate::update::disk::RealDisk;
use crate::update::state::TRIAL_STARTS;

const NOW: Timestamp = Timestamp::EPOCH;
const FACTORY: u32 = 1;

struct Rig {
    folder: tempfile::TempDir,
}

impl Rig {
    fn new() -> Self {
        Rig { folder: tempfile::tempdir().unwrap() }
    }

    fn open(&self) -> (Slots, Opening) {
        let disk = Arc::new(RealDisk::new(self.folder.path().to_owned()));
        Slots::open(disk, "detector", FACTORY, Opener::Agent, NOW).unwrap()
    }

    fn download(&self, slots: &mut Slots, release: u32) -> Slot {
        let bytes = format!("bundle of release {release}").into_bytes();
        let sha256 = Sha256Hex::of(&bytes);
        let folder = self.folder.path().join(slots.download_folder());
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("part"), bytes).unwrap();
        slots.admit(&format!("{}/part", slots.download_folder()), &sha256).unwrap();
        Slot { sha256, release, version: format!("1.{release}.0") }
    }

    fn committed(&self, release: u32) -> Slots {
        let (mut slots, _) = self.open();
        let slot = self.download(&mut slots, release);
        slots.activate(slot, "a".into(), String::new()).unwrap();
        slots.commit().unwrap();
        slots
    }

    fn spoil(&self, slots: &Slots, slot: &Slot) {
        std::fs::write(slots.path(slot).unwrap(), b"other bytes").unwrap();
    }
}

#[test]
fn a_fresh_gateway_runs_the_factory_model() {
    let (slots, opening) = Rig::new().open();
    assert_eq!(opening, Opening::default());
    assert_eq!((&slots.state().active, slots.state().floor), (&None, FACTORY));
}

#[test]
fn row_1_bytes_with_another_digest_never_become_a_slot() {
    let rig = Rig::new();
    let mut slots = rig.committed(2);
    let folder = rig.folder.path().join(slots.download_folder());
    std::fs::write(folder.join("part"), b"changed on the way").unwrap();
    let part = format!("{}/part", slots.download_folder());
    let error = slots.admit(&part, &Sha256Hex::of(b"what was signed")).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert_eq!(slots.state().active.as_ref().unwrap().release, 2);
}

#[test]
fn row_31_a_release_that_fails_goes_back_and_is_denied_over_a_restart() {
    let rig = Rig::new();
    let mut slots = rig.committed(2);
    let bad = rig.download(&mut slots, 3);
    slots.activate(bad.clone(), "b".into(), "r".into()).unwrap();
    let (reverted, saved) = slots.revert("load_failed", NOW);
    saved.unwrap();
    assert_eq!(reverted.unwrap().failed, bad);
    drop(slots);
    let (slots, opening) = rig.open();
    assert_eq!(opening, Opening::default());
    assert_eq!(slots.state().active.as_ref().unwrap().release, 2);
    assert!(slots.state().denied.contains_key(&bad.sha256));
}

#[test]
fn row_28_a_trial_without_a_verdict_ends_after_its_starts() {
    let rig = Rig::new();
    let mut slots = rig.committed(2);
    let new = rig.download(&mut slots, 3);
    slots.activate(new, "b".into(), "r".into()).unwrap();
    drop(slots);
    for _ in 0..TRIAL_STARTS {
        assert_eq!(rig.open().0.state().active.as_ref().unwrap().release, 3);
    }
    let (slots, opening) = rig.open();
    assert_eq!(opening.reverted[0].reason, "crash_loop");
    assert_eq!(slots.state().active.as_ref().unwrap().release, 2);
}

#[test]
fn a_damaged_slot_does_not_run_and_the_one_before_does() {
    let rig = Rig::new();
    let mut slots = rig.committed(2);
    let new = rig.download(&mut slots, 3);
    slots.activate(new.clone(), "b".into(), "r".into()).unwrap();
    slots.commit().unwrap();
    rig.spoil(&slots, &new);
    let (slots, opening) = rig.open();
    assert_eq!(opening.reverted[0].reason, "slot_damaged");
    assert_eq!(slots.state().active.as_ref().unwrap().release, 2);
    assert!(!slots.state().safe_mode);
    assert_eq!(slots.state().refuses(&new.sha256, false), None, "it had proven itself: fetch it again");
}

#[test]
fn row_34_with_both_slots_bad_the_factory_model_runs_in_safe_mode() {
    let rig = Rig::new();
    let mut slots = rig.committed(2);
    let old = slots.state().active.clone().unwrap();
    let new = rig.download(&mut slots, 3);
    slots.activate(new.clone(), "b".into(), "r".into()).unwrap();
    rig.spoil(&slots, &new);
    rig.spoil(&slots, &old);
    let (slots, opening) = rig.open();
    assert_eq!(opening.reverted.len(), 2);
    assert!(slots.state().safe_mode && slots.state().active.is_none());
}

#[test]
fn a_damaged_state_is_set_aside_and_the_factory_model_runs() {
    let rig = Rig::new();
    drop(rig.committed(2));
    let file = rig.folder.path().join("models/detector/state.json");
    std::fs::write(&file, b"{}").unwrap();
    let (slots, opening) = rig.open();
    assert!(opening.state_lost && slots.state().safe_mode && slots.state().active.is_none());
    assert!(file.with_extension("json.damaged").exists());
}

#[test]
fn slots_that_nothing_needs_are_removed() {
    let rig = Rig::new();
    let mut slots = rig.committed(2);
    for release in 3..6 {
        let slot = rig.download(&mut slots, release);
        slots.activate(slot, "b".into(), "r".into()).unwrap();
        slots.commit().unwrap();
    }
    let folder = rig.folder.path().join("models/detector");
    let tars = std::fs::read_dir(folder).unwrap().flatten();
    let tars = tars.filter(|file| file.path().extension().is_some_and(|e| e == "tar"));
    assert_eq!(tars.count(), 2, "the active one and the one that comes back");
}
