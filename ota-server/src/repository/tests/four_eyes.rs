use super::fixture::*;
use crate::repository::{Change, PublishOptions, RepositoryError};

#[test]
fn a_release_that_one_of_two_signed_is_not_put_in_place_and_the_other_is_named() {
    let fixture = Fixture::new(2);
    let before = contents(fixture.path());
    let file = fixture.bundle(1);
    let error = with(&[11, ONLINE], |signers| {
        fixture.repository.publish(&file, signers, &PublishOptions::default(), &terms())
    })
    .unwrap_err();
    let RepositoryError::Missing(missing) = &error else { panic!("{error}") };
    let whats: Vec<&str> = missing.iter().map(|missing| missing.what.as_str()).collect();
    assert_eq!(whats, ["targets", "models-detector"]);
    assert!(missing.iter().all(|missing| (missing.have, missing.need) == (1, 2)));
    assert!(error.to_string().contains(&public(12).id().as_str()[..8]), "{error}");
    assert!(!error.to_string().contains(&public(11).id().as_str()[..8]), "{error}");
    assert!(contents(fixture.path()) == before);
}

#[test]
fn two_people_sign_one_after_another_with_a_file_that_travels() {
    let fixture = Fixture::new(2);
    let file = fixture.bundle(1);
    let (mut change, _) =
        fixture.repository.propose_publish(&file, &PublishOptions::default(), &terms()).unwrap();
    change.names.insert(public(12).id(), "vera".into());
    assert_eq!(change.sign(&key(11)).unwrap(), ["targets", "models-detector"]);
    // Somewhere else, without the repository.
    let mut change = Change::parse(&change.to_bytes().unwrap()).unwrap();
    let lines = change.describe().join("\n");
    assert!(lines.contains("models/detector/detector-1.1.0-r1.tar sha256 "), "{lines}");
    assert!(lines.contains(&format!("{} (vera)", public(12).id())), "whole ids: {lines}");
    let missing = with(&[ONLINE], |online| fixture.repository.apply(&change, online, &terms())).unwrap_err();
    assert!(missing.to_string().contains("vera"), "{missing}");
    change.sign(&key(12)).unwrap();
    let change = Change::parse(&change.to_bytes().unwrap()).unwrap();
    with(&[ONLINE], |online| fixture.repository.apply(&change, online, &terms())).unwrap();
    assert!(fixture.device().sees(fixture.path(), "models/detector/detector-1.1.0-r1.tar").is_some());
}

#[test]
fn a_key_that_is_not_asked_for_signs_nothing() {
    let fixture = Fixture::new(2);
    let file = fixture.bundle(1);
    let (mut change, _) =
        fixture.repository.propose_publish(&file, &PublishOptions::default(), &terms()).unwrap();
    for number in [1, ONLINE, 99] {
        assert!(change.sign(&key(number)).unwrap().is_empty());
    }
    assert!(!change.wanted().contains(&public(ONLINE).id()));
}

#[test]
fn a_change_that_was_altered_after_signing_is_not_put_in_place() {
    let fixture = Fixture::new(1);
    let file = fixture.bundle(1);
    let (mut change, _) =
        fixture.repository.propose_publish(&file, &PublishOptions::default(), &terms()).unwrap();
    change.sign(&key(11)).unwrap();
    let role = change.models.get_mut("models-detector").unwrap();
    role.signed.targets.values_mut().for_each(|target| target.length += 1);
    let error = with(&[ONLINE], |online| fixture.repository.apply(&change, online, &terms())).unwrap_err();
    assert!(matches!(error, RepositoryError::Missing(_)), "{error}");
}

#[test]
fn a_change_is_refused_when_another_was_put_in_place_meanwhile() {
    let fixture = Fixture::with_release();
    let file = fixture.bundle(3);
    let (mut change, _) =
        fixture.repository.propose_publish(&file, &PublishOptions::default(), &terms()).unwrap();
    change.sign(&key(11)).unwrap();
    fixture.publish(2).unwrap();
    let error = with(&[ONLINE], |online| fixture.repository.apply(&change, online, &terms())).unwrap_err();
    assert!(matches!(error, RepositoryError::Overtaken { .. }), "{error}");
}

#[test]
fn a_change_whose_files_are_not_there_is_refused() {
    let fixture = Fixture::new(1);
    let file = fixture.bundle(1);
    let (mut change, published) =
        fixture.repository.propose_publish(&file, &PublishOptions::default(), &terms()).unwrap();
    change.sign(&key(11)).unwrap();
    let place = crate::repository::store::target_path(&published.release.target, &published.release.sha256);
    std::fs::remove_file(fixture.path().join(&place)).unwrap();
    let error = with(&[ONLINE], |online| fixture.repository.apply(&change, online, &terms())).unwrap_err();
    assert!(error.to_string().contains(&published.release.sha256), "{error}");
}

#[test]
fn the_file_of_a_change_is_read_strictly() {
    let fixture = Fixture::new(1);
    let (change, _) =
        fixture.repository.propose_publish(&fixture.bundle(1), &PublishOptions::default(), &terms()).unwrap();
    let text = String::from_utf8(change.to_bytes().unwrap()).unwrap();
    let unknown = text.replacen("\"schema\": 1", "\"schema\": 1, \"more\": 1", 1);
    assert!(Change::parse(unknown.as_bytes()).unwrap_err().to_string().contains("more"));
    let later = text.replacen("\"schema\": 1", "\"schema\": 2", 1);
    assert!(Change::parse(later.as_bytes()).unwrap_err().to_string().contains("schema"));
}
