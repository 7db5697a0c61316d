use super::fixture::*;
use crate::repository::commit::{self, Plan};
use crate::repository::key_change::KeyRole;
use crate::repository::{Change, KeyChange, PublishOptions, Repository, RepositoryError, Terms, store};

/// Cuts the power after each file, and once more in the middle of the next one.
fn survives(fixture: &Fixture, plan: &Plan, after: impl Fn(&Repository)) {
    let device = fixture.device();
    device.look(fixture.path(), noon()).unwrap();
    for cut in 0..=plan.steps.len() {
        let folder = tempfile::tempdir().unwrap();
        copy(fixture.path(), folder.path());
        plan.steps[..cut].iter().for_each(|step| step.run(folder.path()).unwrap());
        if let Some(next) = plan.steps.get(cut) {
            let path = folder.path().join(&next.path);
            let beside = format!(".{}.new", path.file_name().unwrap().to_string_lossy());
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path.with_file_name(beside), &next.bytes[..next.bytes.len() / 2]).unwrap();
        }
        let repository = Repository::at(folder.path());
        repository.verify(Some(&fixture.factory_root()), noon()).unwrap_or_else(|e| panic!("cut {cut}: {e}"));
        // A device that knows the state before, and one that comes new.
        for device in [device.clone(), fixture.device()] {
            let mut verifier =
                device.look(folder.path(), noon()).unwrap_or_else(|e| panic!("cut {cut}: {e}"));
            for target in verifier.targets_of("models/detector").unwrap() {
                verifier.read(&target.name, 1 << 20).unwrap().unwrap();
            }
        }
        // Whoever comes next can go on.
        after(&repository);
        repository.verify(None, noon()).unwrap();
    }
}

fn publish(repository: &Repository, file: &std::path::Path) -> Result<(), RepositoryError> {
    with(&[11, ONLINE], |keys| repository.publish(file, keys, &PublishOptions::default(), &terms()))
        .map(|_| ())
}

fn plan_of(fixture: &Fixture, mut change: Change, files: Vec<store::Step>, keys: &[u8]) -> Plan {
    let state = fixture.repository.state().unwrap();
    keys.iter().for_each(|number| drop(change.sign(&key(*number)).unwrap()));
    with(keys, |all| commit::plan(fixture.path(), Some(&state), &change, None, files, all, &terms())).unwrap()
}

#[test]
fn publishing_a_new_model_leaves_a_whole_repository_wherever_it_is_cut() {
    let fixture = Fixture::new(1);
    let file = fixture.bundle(1);
    let state = fixture.repository.state().unwrap();
    let (change, files, _) =
        fixture.repository.prepare(&state, &file, &PublishOptions::default(), &terms()).unwrap();
    let plan = plan_of(&fixture, change, files, &[11, ONLINE]);
    assert_eq!(plan.steps.last().unwrap().path.file_name().unwrap(), "timestamp.json");
    survives(&fixture, &plan, |repository| {
        // Published before the cut, or now.
        if repository.state().unwrap().releases("detector").is_empty() {
            publish(repository, &file).unwrap();
        }
    });
}

#[test]
fn publishing_the_next_release_leaves_a_whole_repository_wherever_it_is_cut() {
    let fixture = Fixture::with_release();
    let (file, next) = (fixture.bundle(2), fixture.bundle(3));
    let state = fixture.repository.state().unwrap();
    let (change, files, _) =
        fixture.repository.prepare(&state, &file, &PublishOptions::default(), &terms()).unwrap();
    assert_eq!(files.len(), 2, "the bundle and a patch");
    let plan = plan_of(&fixture, change, files, &[11, ONLINE]);
    survives(&fixture, &plan, |repository| publish(repository, &next).unwrap());
}

#[test]
fn a_rollout_leaves_a_whole_repository_wherever_it_is_cut() {
    let fixture = Fixture::with_release();
    let state = fixture.repository.state().unwrap();
    let document = fixture.document(1, 2);
    let (plan, _) =
        with(&[ONLINE], |online| fixture.repository.plan_rollouts(&state, &[&document], online, &terms()))
            .unwrap();
    survives(&fixture, &plan, |repository| {
        with(&[ONLINE], |online| repository.add_rollout(&document, online, &terms())).unwrap();
    });
}

#[test]
fn a_refresh_leaves_a_whole_repository_wherever_it_is_cut() {
    let fixture = Fixture::with_release();
    let state = fixture.repository.state().unwrap();
    // Late enough that snapshot and rollouts are due too, and the old ones still live.
    let late = Terms::at(hours(4 * 24));
    let change = Change::under(Some(&state.root));
    let plan = with(&[ONLINE], |online| {
        commit::plan(fixture.path(), Some(&state), &change, None, vec![], online, &late)
    })
    .unwrap();
    survives(&fixture, &plan, |repository| {
        with(&[ONLINE], |online| repository.refresh(online, &terms())).unwrap();
    });
}

#[test]
fn a_rotation_that_old_keys_sign_too_leaves_no_gap_wherever_it_is_cut() {
    let fixture = Fixture::with_release();
    for (role, old, new) in [(KeyRole::Online, ONLINE, 22), (KeyRole::Targets, 11, 13), (KeyRole::Root, 3, 4)]
    {
        let keys = KeyChange {
            add: vec![(role, public(new))],
            remove: vec![(role, public(old).id())],
            ..KeyChange::default()
        };
        let change = fixture.repository.propose_keys(&keys, &terms()).unwrap();
        let everyone = [1, 2, 3, 4, 11, 12, 13, ONLINE, 22];
        let plan = plan_of(&fixture, change.clone(), vec![], &everyone);
        let mut signed = change;
        everyone.iter().for_each(|number| drop(signed.sign(&key(*number)).unwrap()));
        survives(&fixture, &plan, |repository| {
            with(&everyone, |all| repository.apply(&signed, all, &terms())).unwrap();
        });
    }
}

#[test]
fn a_repository_that_was_cut_while_it_was_made_can_be_made_again() {
    let change = initial(1).propose(&terms()).unwrap();
    let mut signed = change;
    ALL.iter().for_each(|number| drop(signed.sign(&key(*number)).unwrap()));
    let nowhere = tempfile::tempdir().unwrap();
    let plan =
        with(&ALL, |all| commit::plan(nowhere.path(), None, &signed, None, vec![], all, &terms())).unwrap();
    for cut in 0..plan.steps.len() {
        let folder = tempfile::tempdir().unwrap();
        plan.steps[..cut].iter().for_each(|step| step.run(folder.path()).unwrap());
        let repository = Repository::at(folder.path());
        assert!(matches!(repository.state(), Err(RepositoryError::NoRepository { .. })), "cut {cut}");
        with(&ALL, |all| repository.init(&initial(1), all, &terms())).unwrap();
        repository.verify(None, noon()).unwrap();
    }
}
