use serde_json::json;
use sha2::{Digest, Sha512};

use super::super::fixture::{MODELS, Repo, envelope};
use super::Device;

const MODEL: &str = "models/detector/detector-1.0.0-r1.tar";

fn repo() -> Repo {
    let mut repo = Repo::new();
    repo.add(MODELS, MODEL, b"weights");
    repo.add("rollouts", "rollouts/default/detector.json", b"{}");
    repo.publish();
    repo
}

#[test]
fn a_target_is_found_where_the_server_puts_it() {
    let repo = repo();
    let mut verifier = Device::of(&repo).cycle(&repo).unwrap();
    let target = verifier.target(MODEL).unwrap().unwrap();
    assert_eq!(target.path, format!("models/detector/{}.detector-1.0.0-r1.tar", target.sha256));
    assert_eq!(verifier.read(&target.name, 7).unwrap().unwrap(), b"weights");
    assert_eq!(verifier.read(&target.name, 6).unwrap_err().reason(), "too_large");
    assert_eq!(verifier.target("models/detector/other.tar").unwrap(), None);
    assert_eq!(verifier.target("models/other/detector.tar").unwrap(), None);
}

#[test]
fn row_01_other_bytes_of_the_same_length_are_refused() {
    let repo = repo();
    let mut verifier = Device::of(&repo).cycle(&repo).unwrap();
    let target = verifier.target(MODEL).unwrap().unwrap();
    let served = format!("targets/{}", target.path);
    for bad in [&b"Weights"[..], b"weight", b""] {
        repo.put(&served, bad.to_vec());
        assert_eq!(verifier.read(&target.name, 100).unwrap_err().reason(), "mismatch");
    }
    repo.put(&served, b"weights and more".to_vec());
    assert_eq!(verifier.read(&target.name, 100).unwrap_err().reason(), "too_large");
    repo.served.files.lock().unwrap().remove(&served);
    assert_eq!(verifier.read(&target.name, 100).unwrap_err().reason(), "not_found");
}

#[test]
fn a_target_that_others_signed_with_sha_512_alone_is_read_but_is_no_slot() {
    let mut repo = repo();
    let digest = hex::encode(Sha512::digest(b"theirs"));
    let name = "models/detector/theirs";
    let file = json!({"length": 6, "hashes": {"sha512": digest}});
    repo.listed.get_mut(MODELS).unwrap().insert(name.into(), file);
    repo.put(&format!("targets/models/detector/{digest}.theirs"), b"theirs".to_vec());
    repo.bump(&[MODELS, "snapshot", "timestamp"]);
    let mut verifier = Device::of(&repo).cycle(&repo).unwrap();
    assert_eq!(verifier.read(name, 100).unwrap().unwrap(), b"theirs");
    assert_eq!(verifier.target(name).unwrap_err().reason(), "malformed");
    repo.put(&format!("targets/models/detector/{digest}.theirs"), b"others".to_vec());
    assert_eq!(verifier.read(name, 100).unwrap_err().reason(), "mismatch");
}

#[test]
fn row_16_the_online_key_cannot_introduce_a_bundle() {
    let mut repo = repo();
    let own = "models/detector/detector-9.9.9-r9.tar";
    repo.add("rollouts", own, b"evil");
    // A delegation of its own does not help it: `rollouts` is reached for `rollouts/*/*` alone.
    repo.bump(&["rollouts", "snapshot", "timestamp"]);
    let mut verifier = Device::of(&repo).cycle(&repo).unwrap();
    assert!(verifier.target("rollouts/default/detector.json").unwrap().is_some());
    assert_eq!(verifier.target(own).unwrap(), None);
    let names: Vec<String> =
        verifier.targets_of("models/detector").unwrap().into_iter().map(|t| t.name).collect();
    assert_eq!(names, [MODEL]);
}

#[test]
fn row_19_a_name_with_a_trick_reaches_nobody() {
    let mut repo = repo();
    let tricks =
        ["models/detector/..", "models/../x", "/etc/passwd", "models/detector/a\\b", "models/detector/\0"];
    for name in tricks {
        let file = json!({"length": 0, "hashes": {"sha256": "0".repeat(64)}});
        repo.listed.get_mut(MODELS).unwrap().insert(name.into(), file);
    }
    repo.bump(&[MODELS, "snapshot", "timestamp"]);
    let device = Device::of(&repo);
    let mut verifier = device.cycle(&repo).unwrap();
    for name in tricks {
        assert_eq!(verifier.target(name).unwrap_err().reason(), "malformed", "{name:?}");
    }
    // A role of the signer's own that lists such a name is not trusted with a list.
    assert_eq!(verifier.targets_of("models/detector").unwrap_err().reason(), "malformed");
    let asked = repo.served.asked.lock().unwrap();
    for name in asked.iter().chain(&device.store.names()) {
        let plain =
            name.split('/').all(|part| !matches!(part, "" | "." | "..")) && !name.contains(['\\', '\0']);
        assert!(plain, "{name:?}");
    }
}

#[test]
fn row_19_a_role_with_a_trick_in_its_name_stays_in_the_folder() {
    let mut repo = repo();
    let mut targets = repo.signed("targets");
    targets["delegations"]["roles"][0]["name"] = "../../models".into();
    repo.role("timestamp").version = 2;
    repo.put("1.targets.json", envelope(&targets, &repo.roles["targets"].keys));
    let mut snapshot = repo.signed("snapshot");
    snapshot["meta"]["../../models.json"] = json!({"version": 1});
    repo.put("1.snapshot.json", envelope(&snapshot, &repo.roles["snapshot"].keys));
    repo.write("timestamp", &repo.roles["timestamp"].keys);
    let device = Device::of(&repo);
    let mut verifier = device.cycle(&repo).unwrap();
    assert_eq!(verifier.target(MODEL).unwrap_err().reason(), "not_found");
    assert_eq!(repo.served.asked.lock().unwrap().last().unwrap(), "1...%2F..%2Fmodels.json");
}

#[test]
fn a_target_without_a_sha256_digest_is_refused() {
    for hashes in [
        json!({"sha512": "0".repeat(128)}),
        json!({"sha256": "0".repeat(63)}),
        json!({"sha256": "A".repeat(64)}),
    ] {
        let mut repo = repo();
        let file = json!({"length": 1, "hashes": hashes});
        repo.listed.get_mut(MODELS).unwrap().insert(MODEL.into(), file);
        repo.publish();
        let mut verifier = Device::of(&repo).cycle(&repo).unwrap();
        assert_eq!(verifier.target(MODEL).unwrap_err().reason(), "malformed", "{hashes}");
    }
}

#[test]
fn nothing_is_said_of_a_target_before_a_refresh() {
    let repo = repo();
    let mut verifier = Device::of(&repo).open(&repo);
    assert_eq!(verifier.target(MODEL).unwrap_err().reason(), "stale_metadata");
}

#[test]
fn all_releases_of_a_model_are_listed() {
    let mut repo = repo();
    repo.add(MODELS, "models/detector/detector-1.1.0-r2.tar", b"better");
    repo.add(MODELS, "models/detector/detector-r1-r2.zst", b"patch");
    repo.bump(&[MODELS, "snapshot", "timestamp"]);
    let mut verifier = Device::of(&repo).cycle(&repo).unwrap();
    let names: Vec<String> =
        verifier.targets_of("models/detector").unwrap().into_iter().map(|t| t.name).collect();
    assert_eq!(names, [MODEL, "models/detector/detector-1.1.0-r2.tar", "models/detector/detector-r1-r2.zst"]);
    assert!(verifier.targets_of("models/other").unwrap().is_empty());
}
