use lineside_bundle::trust::{FolderSource, TrustError, Verifier};

use super::fixture::*;
use crate::repository::{Repository, RepositoryError, Terms};

#[test]
fn row_30_a_stick_is_taken_with_a_lease_and_only_until_it_ends() {
    let fixture = Fixture::with_release();
    let stick = fixture.folder.path().join("stick");
    fixture.repository.export(&stick).unwrap();
    let device = fixture.device();
    let look = |now| {
        let source = Box::new(FolderSource::new(&stick));
        let mut verifier = Verifier::open(&device.factory_root, source, Box::new(device.store.clone()))?;
        verifier.refresh_with_lease(now)?;
        verifier.target("models/detector/detector-1.1.0-r1.tar")
    };
    let month = 30 * 24;
    assert!(matches!(look(hours(month)), Err(TrustError::Stale { .. })));
    let on_stick = Repository::at(&stick);
    with(&[11], |keys| on_stick.lease(noon(), hours(2 * month), keys)).unwrap();
    assert!(look(hours(month)).unwrap().is_some());
    assert!(look(hours(2 * month + 1)).is_err());
}

#[test]
fn a_lease_needs_the_offline_keys() {
    let fixture = Fixture::with_release();
    let result = with(&[ONLINE], |online| fixture.repository.lease(noon(), hours(100), online));
    assert!(matches!(result, Err(RepositoryError::Missing(_))), "{result:?}");
    assert!(!fixture.metadata("lease.json").exists());
}

#[test]
fn a_lease_as_of_a_time_when_the_metadata_had_expired_is_refused() {
    let fixture = Fixture::with_release();
    let error = with(&[11], |keys| fixture.repository.lease(hours(25), hours(100), keys)).unwrap_err();
    assert!(error.to_string().contains("timestamp expired"), "{error}");
    assert!(with(&[11], |keys| fixture.repository.lease(noon(), noon(), keys)).is_err());
}

#[test]
fn a_lease_of_an_earlier_timestamp_is_refused_and_not_exported() {
    let fixture = Fixture::with_release();
    let mut change = fixture.repository.propose_lease(noon(), hours(100)).unwrap();
    change.sign(&key(11)).unwrap();
    let applied = with(&[ONLINE], |online| fixture.repository.apply(&change, online, &Terms::at(noon())));
    assert!(matches!(applied, Err(RepositoryError::Refused(_))), "it would end what it is for");
    fixture.repository.put_lease(&change).unwrap();
    let stick = fixture.folder.path().join("stick");
    assert!(fixture.repository.export(&stick).unwrap().leased);
    with(&[ONLINE], |online| fixture.repository.refresh(online, &Terms::at(hours(1)))).unwrap();
    assert!(matches!(fixture.repository.put_lease(&change), Err(RepositoryError::Overtaken { .. })));
    assert!(!fixture.repository.export(&fixture.folder.path().join("other")).unwrap().leased);
}
