use std::fs;

use super::fixture::*;
use crate::repository::key_change::KeyRole;
use crate::repository::{Applied, Change, KeyChange, RepositoryError, Terms, commit, store};
use crate::tuf::{Envelope, MetaFile, Role, Snapshot, Timestamp};

fn swap(role: KeyRole, old: u8, new: u8, is_stolen: bool) -> KeyChange {
    KeyChange {
        add: vec![(role, public(new))],
        remove: vec![(role, public(old).id())],
        threshold: vec![],
        is_stolen,
    }
}

fn hold(fixture: &Fixture, change: &KeyChange, keys: &[u8]) -> Result<Applied, RepositoryError> {
    let mut change = fixture.repository.propose_keys(change, &terms())?;
    for number in keys {
        change.sign(&key(*number))?;
    }
    with(keys, |signers| fixture.repository.apply(&change, signers, &terms()))
}

#[test]
fn a_root_key_is_rotated_by_the_old_threshold_and_the_new_one() {
    let fixture = Fixture::with_release();
    let device = fixture.device();
    device.look(fixture.path(), noon()).unwrap();
    let applied = hold(&fixture, &swap(KeyRole::Root, 3, 4, false), &[1, 4, 2, ONLINE]).unwrap();
    assert_eq!(applied.root, 2);
    assert_eq!(device.look(fixture.path(), noon()).unwrap().root_version(), 2);
    fixture.repository.verify(Some(&fixture.factory_root()), noon()).unwrap();
}

#[test]
fn a_ceremony_does_not_finish_until_both_thresholds_are_met_and_names_who_is_missing() {
    let fixture = Fixture::with_release();
    let keys = KeyChange { threshold: vec![(KeyRole::Root, 3)], ..swap(KeyRole::Root, 3, 4, false) };
    let mut change = fixture.repository.propose_keys(&keys, &terms()).unwrap();
    change.names = [(2, "bert"), (4, "dora")].map(|(number, name)| (public(number).id(), name.into())).into();
    let finish = |change: &Change| {
        with(&[ONLINE], |online| fixture.repository.apply(change, online, &terms())).map(|_| ())
    };
    change.sign(&key(1)).unwrap();
    let error = finish(&change).unwrap_err().to_string();
    assert!(error.contains("root, by its present keys has 1 of 2"), "{error}");
    assert!(error.contains("root, by its new keys has 1 of 3"), "{error}");
    assert!(error.contains("bert") && error.contains("dora"), "{error}");
    change.sign(&key(2)).unwrap();
    let error = finish(&change).unwrap_err().to_string();
    assert!(!error.contains("present keys") && error.contains("dora") && !error.contains("bert"), "{error}");
    // The key that leaves may sign for the old threshold, but counts for nothing in the new one.
    change.sign(&key(3)).unwrap();
    assert!(finish(&change).is_err());
    change.sign(&key(4)).unwrap();
    finish(&change).unwrap();
    assert_eq!(fixture.repository.state().unwrap().root.signed.version, 2);
}

#[test]
fn a_targets_key_is_rotated_with_every_role_it_signs() {
    let fixture = Fixture::with_release();
    let device = fixture.device();
    device.look(fixture.path(), noon()).unwrap();
    let keys = swap(KeyRole::Targets, 11, 13, false);
    hold(&fixture, &keys, &[1, 2, 12, ONLINE]).unwrap();
    let mut verifier = device.look(fixture.path(), noon()).unwrap();
    assert!(verifier.target("models/detector/detector-1.1.0-r1.tar").unwrap().is_some());
    assert!(matches!(fixture.publish(2), Err(RepositoryError::Missing(_))), "the old key signs no more");
    let file = fixture.bundle(2);
    with(&[13, ONLINE], |keys| fixture.repository.publish(&file, keys, &Default::default(), &terms()))
        .unwrap();
    assert!(device.sees(fixture.path(), "models/detector/detector-1.2.0-r2.tar").is_some());
}

#[test]
fn the_online_key_is_rotated_and_rollouts_go_on() {
    let fixture = Fixture::with_release();
    let device = fixture.device();
    device.look(fixture.path(), noon()).unwrap();
    hold(&fixture, &swap(KeyRole::Online, ONLINE, 22, false), &[1, 2, 11, ONLINE, 22]).unwrap();
    assert!(device.sees(fixture.path(), "rollouts/default/detector.json").is_some());
    assert!(with(&[ONLINE], |old| fixture.repository.refresh(old, &terms())).is_err());
    with(&[22], |new| fixture.repository.refresh(new, &terms())).unwrap();
}

/// What a thief of the online key can do to devices and to the disk: versions at the end of counting.
fn thief(fixture: &Fixture) {
    let state = fixture.repository.state().unwrap();
    let far = (1_u64 << 63) - 1;
    let mut snapshot = Envelope::unsigned(Snapshot { version: far, ..state.snapshot.signed.clone() });
    snapshot.sign(&key(ONLINE)).unwrap();
    let bytes = snapshot.to_bytes().unwrap();
    let meta = [("snapshot.json".to_owned(), MetaFile::of(far, &bytes))].into();
    let mut timestamp = Envelope::unsigned(Timestamp::new(far, hours(24), meta));
    timestamp.sign(&key(ONLINE)).unwrap();
    fs::write(fixture.metadata(&format!("{far}.snapshot.json")), bytes).unwrap();
    fs::write(fixture.metadata("timestamp.json"), timestamp.to_bytes().unwrap()).unwrap();
}

#[test]
fn row_15_devices_recover_from_versions_that_a_stolen_online_key_drove_up() {
    let fixture = Fixture::with_release();
    let snapshots = fixture.repository.state().unwrap().snapshot.signed.version;
    let device = fixture.device();
    thief(&fixture);
    let verifier = device.look(fixture.path(), noon()).unwrap();
    assert_eq!(verifier.timestamp_version(), Some((1 << 63) - 1));
    let error = with(&[ONLINE], |online| fixture.repository.refresh(online, &terms())).unwrap_err();
    assert!(error.to_string().contains("revoke"), "{error}");

    hold(&fixture, &swap(KeyRole::Online, ONLINE, 22, true), &[1, 2, 11, 22]).unwrap();
    let state = fixture.repository.state().unwrap();
    assert_eq!(state.snapshot.signed.version, snapshots + 1, "a name that was served is not used again");
    let mut verifier = device.look(fixture.path(), noon()).unwrap();
    assert_eq!(verifier.timestamp_version(), Some(1));
    assert!(verifier.target("models/detector/detector-1.1.0-r1.tar").unwrap().is_some());
    // What the thief may have rolled out ends; the next rollout is seen.
    assert_eq!(verifier.target("rollouts/default/detector.json").unwrap(), None);
    let document = fixture.document(1, 1);
    with(&[22], |online| fixture.repository.add_rollout(&document, online, &terms())).unwrap();
    assert!(device.sees(fixture.path(), "rollouts/default/detector.json").is_some());
}

#[test]
fn after_the_revocation_the_thief_is_not_heard() {
    let fixture = Fixture::with_release();
    hold(&fixture, &swap(KeyRole::Online, ONLINE, 22, true), &[1, 2, 11, 22]).unwrap();
    let device = fixture.device();
    device.look(fixture.path(), noon()).unwrap();
    thief(&fixture_with_old_key(&fixture));
    assert!(device.look(fixture.path(), noon()).is_err());
}

/// The thief only needs the state; the repository is the same.
fn fixture_with_old_key(fixture: &Fixture) -> Fixture {
    Fixture { folder: tempfile::tempdir().unwrap(), repository: fixture.repository.clone() }
}

#[test]
fn a_key_is_not_removed_when_too_few_are_left() {
    let fixture = Fixture::new(2);
    let keys = KeyChange { remove: vec![(KeyRole::Targets, public(12).id())], ..KeyChange::default() };
    let error = fixture.repository.propose_keys(&keys, &terms()).unwrap_err().to_string();
    assert!(error.contains("give a new key"), "{error}");
    let unknown = KeyChange { remove: vec![(KeyRole::Root, public(9).id())], ..KeyChange::default() };
    assert!(fixture.repository.propose_keys(&unknown, &terms()).is_err());
    let both = KeyChange { add: vec![(KeyRole::Root, public(ONLINE))], ..KeyChange::default() };
    assert!(fixture.repository.propose_keys(&both, &terms()).unwrap_err().to_string().contains("different"));
}

#[test]
fn root_is_signed_for_another_year_without_any_change_of_keys() {
    let fixture = Fixture::with_release();
    let change = fixture.repository.propose_keys(&KeyChange::default(), &Terms::at(hours(300 * 24))).unwrap();
    assert!(change.targets.is_none() && change.models.is_empty());
    assert_eq!(change.root.as_ref().unwrap().signed.expires(), hours(665 * 24));
    hold(&fixture, &KeyChange::default(), &[1, 2, ONLINE]).unwrap();
}

#[test]
fn a_finished_ceremony_may_be_finished_again() {
    let fixture = Fixture::with_release();
    let mut change =
        fixture.repository.propose_keys(&swap(KeyRole::Online, ONLINE, 22, true), &terms()).unwrap();
    [1, 2, 11].iter().for_each(|number| drop(change.sign(&key(*number)).unwrap()));
    let finish = || with(&[22], |online| fixture.repository.apply(&change, online, &terms())).unwrap();
    let first = finish();
    let before = contents(fixture.path());
    assert_eq!(finish(), first);
    assert!(contents(fixture.path()) == before);
}

#[test]
fn after_a_power_cut_at_any_point_a_revocation_can_be_finished() {
    let fixture = Fixture::with_release();
    let mut change =
        fixture.repository.propose_keys(&swap(KeyRole::Online, ONLINE, 22, true), &terms()).unwrap();
    [1, 2, 11].iter().for_each(|number| drop(change.sign(&key(*number)).unwrap()));
    let state = fixture.repository.state().unwrap();
    let plan = with(&[22], |online| {
        commit::plan(fixture.path(), Some(&state), &change, None, vec![], online, &terms())
    })
    .unwrap();
    let mut gaps = 0;
    for cut in 0..=plan.steps.len() {
        let folder = tempfile::tempdir().unwrap();
        copy(fixture.path(), folder.path());
        plan.steps[..cut].iter().for_each(|step| step.run(folder.path()).unwrap());
        let device = fixture.device();
        gaps += u32::from(device.look(folder.path(), noon()).is_err());
        let repository = crate::repository::Repository::at(folder.path());
        with(&[22], |online| repository.apply(&change, online, &terms())).unwrap();
        repository.verify(None, noon()).unwrap();
        assert_eq!(device.look(folder.path(), noon()).unwrap().root_version(), 2);
    }
    // The stolen key cannot be asked to bridge it: between root and timestamp devices keep what they have.
    assert_eq!(gaps, 1);
    assert!(plan.steps.iter().all(|step| step.path.starts_with(store::METADATA)));
}
