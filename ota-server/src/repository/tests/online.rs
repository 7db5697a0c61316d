use std::fs;

use super::fixture::*;
use crate::repository::{RepositoryError, Terms, store};
use crate::tuf::{Envelope, Targets};

#[test]
fn refresh_signs_the_timestamp_and_leaves_what_has_long_to_live() {
    let fixture = Fixture::with_release();
    let before = fixture.repository.state().unwrap();
    let terms = Terms::at(hours(20));
    let refreshed = with(&[ONLINE], |online| fixture.repository.refresh(online, &terms)).unwrap();
    assert_eq!(refreshed.applied.timestamp, before.timestamp.signed.version + 1);
    assert_eq!(refreshed.applied.snapshot, before.snapshot.signed.version);
    assert!(refreshed.expiring.is_empty());
    assert!(fixture.device().look(fixture.path(), hours(43)).is_ok());
}

#[test]
fn refresh_signs_snapshot_and_rollouts_when_half_of_their_life_is_over() {
    let fixture = Fixture::with_release();
    let before = fixture.repository.state().unwrap();
    let late = 4 * 24;
    with(&[ONLINE], |online| fixture.repository.refresh(online, &Terms::at(hours(late)))).unwrap();
    let after = fixture.repository.state().unwrap();
    assert_eq!(after.snapshot.signed.version, before.snapshot.signed.version + 1);
    assert_eq!(after.roles["rollouts"].signed.version, before.roles["rollouts"].signed.version + 1);
    assert_eq!(after.rollouts(), before.rollouts());
    assert_eq!(after.roles["models-detector"], before.roles["models-detector"]);
}

#[test]
fn refresh_says_which_offline_roles_people_must_sign_soon() {
    let fixture = Fixture::with_release();
    let terms = Terms::at(hours(340 * 24));
    let refreshed = with(&[ONLINE], |online| fixture.repository.refresh(online, &terms)).unwrap();
    let names: Vec<&str> = refreshed.expiring.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["root", "targets", "models-detector"]);
}

#[test]
fn without_the_online_key_nothing_is_refreshed() {
    let fixture = Fixture::with_release();
    let before = contents(fixture.path());
    let result = with(&[1, 2, 11], |others| fixture.repository.refresh(others, &terms()));
    assert!(result.unwrap_err().to_string().contains(public(ONLINE).id().as_str()));
    assert!(contents(fixture.path()) == before);
}

#[test]
fn a_rollout_of_what_is_not_published_is_refused() {
    let fixture = Fixture::with_release();
    let document = fixture.document(1, 2);
    let text = String::from_utf8(document).unwrap();
    for (from, to) in [
        ("\"release\":1", "\"release\":7"),
        ("\"model\":\"detector\"", "\"model\":\"other\""),
        ("detector-1.1.0-r1.tar", "detector-1.1.0-r9.tar"),
        ("\"group\":\"default\"", "\"group\":\"../models\""),
        ("\"group\":\"default\"", "\"group\":\"*\""),
    ] {
        let wrong = text.replace(from, to);
        assert_ne!(wrong, text);
        let result =
            with(&[ONLINE], |online| fixture.repository.add_rollout(wrong.as_bytes(), online, &terms()));
        assert!(matches!(result, Err(RepositoryError::Refused(_))), "{to}: {result:?}");
    }
}

#[test]
fn a_rollout_is_replaced_by_a_later_revision_only() {
    let fixture = Fixture::with_release();
    fixture.roll_out(1, 3).unwrap();
    let error = fixture.roll_out(1, 2).unwrap_err().to_string();
    assert!(error.contains("revision 2 is not above 3"), "{error}");
    let document = fixture.repository.rollout("default", "detector").unwrap().unwrap();
    assert!(document == fixture.document(1, 3));
    assert_eq!(fixture.repository.rollout("other", "detector").unwrap(), None);
}

#[test]
fn several_rollouts_are_one_change() {
    let fixture = Fixture::with_release();
    let before = fixture.repository.state().unwrap().timestamp.signed.version;
    let text = String::from_utf8(fixture.document(1, 1)).unwrap();
    let documents: Vec<String> =
        ["a", "b"].iter().map(|group| text.replace("\"default\"", &format!("\"{group}\""))).collect();
    let documents: Vec<&[u8]> = documents.iter().map(String::as_bytes).collect();
    let added =
        with(&[ONLINE], |online| fixture.repository.add_rollouts(&documents, online, &terms())).unwrap();
    assert_eq!(added.len(), 2);
    assert_eq!(fixture.repository.state().unwrap().timestamp.signed.version, before + 1);
}

#[test]
fn row_16_whoever_has_the_online_key_cannot_introduce_a_bundle() {
    let fixture = Fixture::with_release();
    // The thief writes with this very code, but without the checks before it.
    let state = fixture.repository.state().unwrap();
    let mut rollouts = state.rollouts();
    let evil = crate::tuf::TargetFile::of(b"evil");
    rollouts.insert("models/detector/detector-6.6.6-r666.tar".into(), evil.clone());
    let step =
        store::Step::target("models/detector/detector-6.6.6-r666.tar", evil.sha256(), b"evil".to_vec());
    let change = crate::repository::Change::under(Some(&state.root));
    let plan = with(&[ONLINE], |online| {
        let steps = vec![step];
        crate::repository::commit::plan(
            fixture.path(),
            Some(&state),
            &change,
            Some(rollouts),
            steps,
            online,
            &terms(),
        )
    });
    plan.unwrap().run(fixture.path()).unwrap();
    assert_eq!(fixture.device().sees(fixture.path(), "models/detector/detector-6.6.6-r666.tar"), None);
    assert!(fixture.device().sees(fixture.path(), "rollouts/default/detector.json").is_some());
}

#[test]
fn a_role_of_a_model_that_the_online_key_signed_is_refused() {
    let fixture = Fixture::with_release();
    let file = fixture.metadata("1.models-detector.json");
    let mut role: Envelope<Targets> = Envelope::parse(&fs::read(&file).unwrap()).unwrap();
    role.signatures.clear();
    role.sign(&key(ONLINE)).unwrap();
    fs::write(&file, role.to_bytes().unwrap()).unwrap();
    assert!(matches!(fixture.repository.state(), Err(RepositoryError::Untrusted { .. })));
}

#[test]
fn the_offline_roles_are_renewed_by_their_keys_and_say_the_same() {
    let fixture = Fixture::with_release();
    let before = fixture.repository.state().unwrap();
    let late = Terms::at(hours(340 * 24));
    with(&[ONLINE], |online| fixture.repository.refresh(online, &late)).unwrap();
    let with_online_only = with(&[ONLINE], |online| fixture.repository.renew(online, &late));
    assert!(matches!(with_online_only, Err(RepositoryError::Missing(_))));
    with(&[12, ONLINE], |keys| fixture.repository.renew(keys, &late)).unwrap();
    let after = fixture.repository.state().unwrap();
    assert_eq!(after.releases("detector"), before.releases("detector"));
    let refreshed = with(&[ONLINE], |online| fixture.repository.refresh(online, &late)).unwrap();
    let names: Vec<&str> = refreshed.expiring.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["root"]);
}
