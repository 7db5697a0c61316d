use std::fs;

use super::fixture::*;
use crate::repository::{Repository, RepositoryError, store};

#[test]
fn a_sound_repository_is_reported_with_what_has_expired() {
    let fixture = Fixture::with_release();
    let report = fixture.repository.verify(Some(&fixture.factory_root()), noon()).unwrap();
    assert!(report.expired.is_empty());
    assert_eq!(report.files, 2);
    let later = fixture.repository.verify(None, hours(8 * 24)).unwrap();
    assert_eq!(later.expired, ["timestamp", "snapshot", "rollouts"]);
    assert!(later.to_string().contains("EXPIRED"));
}

#[test]
fn every_file_that_is_changed_or_missing_is_found() {
    let fixture = Fixture::with_release();
    let named = |path: &std::path::Path| {
        // Metadata that a later version replaced is history; nobody reads it any more.
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let snapshot = fixture.repository.state().unwrap().snapshot.signed;
        let latest = |role: &str, version: u64| name == format!("{version}.{role}");
        name == "timestamp.json"
            || latest("root.json", 1)
            || latest("snapshot.json", snapshot.version)
            || snapshot.meta.iter().any(|(role, pin)| latest(role, pin.version))
            || path.starts_with(fixture.path().join(store::TARGETS))
    };
    let mut tried = 0;
    for (path, bytes) in contents(fixture.path()) {
        if !named(&path) {
            continue;
        }
        tried += 1;
        let mut changed = bytes.clone();
        let middle = bytes.len() / 2;
        changed[middle] ^= 1;
        fs::write(&path, changed).unwrap();
        let error = fixture.repository.verify(None, noon());
        assert!(error.is_err(), "{}", path.display());
        fs::remove_file(&path).unwrap();
        assert!(fixture.repository.verify(None, noon()).is_err(), "{}", path.display());
        fs::write(&path, bytes).unwrap();
    }
    assert_eq!(tried, 8);
    fixture.repository.verify(None, noon()).unwrap();
}

#[test]
fn another_repository_is_not_taken_for_the_one_that_is_trusted() {
    let (fixture, folder) = (Fixture::with_release(), tempfile::tempdir().unwrap());
    let other = Repository::at(folder.path());
    let mut keys = initial(1);
    keys.root_threshold = 1;
    with(&ALL, |all| other.init(&keys, all, &terms())).unwrap();
    let result = other.verify(Some(&fixture.factory_root()), noon());
    assert!(matches!(result, Err(RepositoryError::Untrusted { .. })), "{result:?}");
}

#[test]
fn an_export_holds_what_counts_and_devices_take_it() {
    let fixture = Fixture::with_release();
    fixture.publish(2).unwrap();
    let to = fixture.folder.path().join("stick/lineside");
    let exported = fixture.repository.export(&to).unwrap();
    assert_eq!(exported.files, contents(&to).len());
    Repository::at(&to).verify(Some(&fixture.factory_root()), noon()).unwrap();
    assert!(fixture.device().sees(&to, "models/detector/detector-1.2.0-r2.tar").is_some());
    // Brought up to date, it is still whole.
    fixture.publish(3).unwrap();
    fixture.repository.export(&to).unwrap();
    Repository::at(&to).verify(None, noon()).unwrap();
    assert!(fixture.device().sees(&to, "models/detector/detector-1.3.0-r3.tar").is_some());
}

#[test]
fn a_damaged_file_is_not_exported() {
    let fixture = Fixture::with_release();
    let release = &fixture.repository.state().unwrap().releases("detector")[0];
    let place = fixture.path().join(store::target_path(&release.target, &release.sha256));
    fs::write(place, b"other").unwrap();
    assert!(fixture.repository.export(&fixture.folder.path().join("stick")).is_err());
}

#[test]
fn a_repository_is_made_once() {
    let fixture = Fixture::new(1);
    let again = with(&ALL, |all| fixture.repository.init(&initial(1), all, &terms()));
    assert!(matches!(again, Err(RepositoryError::Exists { .. })));
}

#[test]
fn a_repository_whose_keys_cannot_keep_the_roles_apart_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::at(folder.path());
    let init = |keys| with(&ALL, |all| repository.init(&keys, all, &terms())).unwrap_err().to_string();
    let online_decides = crate::repository::InitialKeys { online: public(11), ..initial(1) };
    assert!(init(online_decides).contains("use different keys"));
    let never = crate::repository::InitialKeys { root_threshold: 4, ..initial(1) };
    assert!(init(never).contains("can never sign"));
    let twice = crate::repository::InitialKeys { root: vec![public(1), public(1)], ..initial(1) };
    assert!(init(twice).contains("can never sign"));
}
