use lineside_bundle::patch::{DEFAULT_LIMIT, Wanted, apply};
use lineside_bundle::release::ReleaseInfo;
use lineside_bundle::{DeviceFacts, Sha256Hex};

use super::fixture::*;
use crate::repository::{PublishOptions, RepositoryError};

#[test]
fn a_device_finds_what_was_published_and_its_bytes_are_the_bundle() {
    let fixture = Fixture::with_release();
    let mut verifier = fixture.device().look(fixture.path(), noon()).unwrap();
    let target = verifier.target("models/detector/detector-1.1.0-r1.tar").unwrap().unwrap();
    let bytes = verifier.read(&target.name, 1 << 20).unwrap().unwrap();
    assert!(bytes == bundle(1));
    let info = ReleaseInfo::of(&target).unwrap();
    assert_eq!(
        (info.name.as_str(), info.version.to_string().as_str(), info.release),
        ("detector", "1.1.0", 1)
    );
    // The manifest names no processor: it runs on any.
    let device = DeviceFacts {
        id: "site/gateway".into(),
        agent: "0.1.0".parse().unwrap(),
        arch: "riscv64".into(),
        memory_kib: 0,
        tags: Default::default(),
    };
    assert_eq!(info.fits(&device), Ok(()));
    let rollout = verifier.target("rollouts/default/detector.json").unwrap().unwrap();
    assert!(verifier.read(&rollout.name, 1 << 16).unwrap().unwrap() == fixture.document(1, 1));
}

#[test]
fn custom_bundle_has_the_form_that_is_written_down() {
    let fixture = Fixture::with_release();
    fixture.publish(2).unwrap();
    let target = fixture.device().sees(fixture.path(), "models/detector/detector-1.2.0-r2.tar").unwrap();
    let first = &fixture.repository.state().unwrap().releases("detector")[0];
    let expected = serde_json::json!({"bundle": {
        "name": "detector", "version": "1.2.0", "release": 2, "task": "detect",
        "requires": {"agent": "0.1.0", "arch": [], "memory_kib": 0},
        "permits_downgrade_from": 0,
        "patches": [{"from_release": 1, "from_sha256": first.sha256,
            "target": "models/detector/detector-r1-r2.zst"}]}});
    assert_eq!(target.custom.unwrap(), expected);
}

#[test]
fn a_release_that_is_not_above_the_last_one_is_refused() {
    let fixture = Fixture::new(1);
    fixture.publish(2).unwrap();
    let before = contents(fixture.path());
    for release in [1, 2] {
        let error = fixture.publish(release).unwrap_err().to_string();
        assert!(error.contains(&format!("release {release} is not above release 2")), "{error}");
    }
    assert!(contents(fixture.path()) == before);
}

#[test]
fn a_bundle_that_is_not_what_its_manifest_says_is_refused() {
    let fixture = Fixture::new(1);
    let file = fixture.bundle(1);
    let mut bytes = std::fs::read(&file).unwrap();
    let model = bytes.len() / 2;
    bytes[model] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let result =
        with(&ALL, |all| fixture.repository.publish(&file, all, &PublishOptions::default(), &terms()));
    assert!(matches!(result, Err(RepositoryError::Bundle { .. })), "{result:?}");
}

#[test]
fn there_is_a_patch_from_each_of_the_last_three_releases_and_it_gives_the_new_bundle() {
    let fixture = Fixture::new(1);
    for release in 1..=4 {
        fixture.publish(release).unwrap();
    }
    let published = fixture.publish(5).unwrap();
    let from: Vec<u32> = published.patches.iter().map(|(from, _)| *from).collect();
    assert_eq!(from, [4, 3, 2]);
    let mut verifier = fixture.device().look(fixture.path(), noon()).unwrap();
    for patch in &published.release.info.patches {
        let target = verifier.target(&patch.target).unwrap().unwrap();
        let bytes = verifier.read(&target.name, 1 << 20).unwrap().unwrap();
        let [old, file, new] = ["old", "patch", "new"].map(|name| fixture.folder.path().join(name));
        std::fs::write(&old, bundle(patch.from_release)).unwrap();
        std::fs::write(&file, bytes).unwrap();
        assert_eq!(patch.from_sha256, Sha256Hex::of(&bundle(patch.from_release)));
        let wanted = Wanted { sha256: Sha256Hex::of(&bundle(5)), length: published.release.length };
        apply(&old, &file, &new, &wanted, DEFAULT_LIMIT).unwrap();
        assert!(std::fs::read(&new).unwrap() == bundle(5), "from {}", patch.from_release);
        std::fs::remove_file(&new).unwrap();
    }
}

#[test]
fn no_patches_are_made_when_none_are_asked_for() {
    let fixture = Fixture::with_release();
    let file = fixture.bundle(2);
    let options = PublishOptions { patches: 0, ..PublishOptions::default() };
    let published = with(&ALL, |all| fixture.repository.publish(&file, all, &options, &terms())).unwrap();
    assert!(published.release.info.patches.is_empty());
}

#[test]
fn a_downgrade_is_permitted_by_offline_keys_and_seen_by_devices() {
    let fixture = Fixture::with_release();
    fixture.publish(2).unwrap();
    let permit = |numbers: &[u8], release, from| {
        with(numbers, |keys| fixture.repository.permit_downgrade("detector", release, from, keys, &terms()))
    };
    assert!(matches!(permit(&[ONLINE], 1, 2), Err(RepositoryError::Missing(_))));
    assert!(permit(&[11, ONLINE], 3, 4).unwrap_err().to_string().contains("there are: 1, 2"));
    assert!(permit(&[11, ONLINE], 2, 2).is_err());
    permit(&[11, ONLINE], 1, 2).unwrap();
    let target = fixture.device().sees(fixture.path(), "models/detector/detector-1.1.0-r1.tar").unwrap();
    assert_eq!(target.custom.unwrap()["bundle"]["permits_downgrade_from"], 2);
}
