use serde_json::{Value, json};

use crate::digest::Sha256Hex;

use super::super::fixture::{Key, MODELS, NOW, Repo, envelope, time};
use super::super::{FolderSource, MemoryStore, Verifier};
use super::Device;

/// After everything of the repository expired, before the lease does.
const LATER: &str = "2027-02-01T00:00:00Z";
const MODEL: &str = "models/detector/x.tar";

fn lease(repo: &Repo) -> Value {
    let timestamp = repo.get("timestamp.json");
    let version = repo.roles["timestamp"].version;
    json!({
        "_type": "lease", "as_of": NOW, "expires": "2027-03-01T00:00:00Z",
        "timestamp": {"version": version, "sha256": Sha256Hex::of(&timestamp).as_str()}
    })
}

fn repo() -> Repo {
    let mut repo = Repo::new();
    repo.add(MODELS, MODEL, b"weights");
    repo.publish();
    repo
}

/// Why the cycle is refused with this lease, signed by these keys, at `now`.
fn refused(repo: &Repo, lease: &Value, keys: &[Key], now: &str) -> &'static str {
    repo.put("lease.json", envelope(lease, keys));
    let mut verifier = Device::of(repo).open(repo);
    let reason = verifier.refresh_with_lease(time(now)).expect_err("it was accepted").reason();
    assert_eq!(verifier.target(MODEL).unwrap_err().reason(), "stale_metadata");
    reason
}

#[test]
fn row_30_expired_metadata_on_a_stick_is_accepted_with_a_lease_and_without_is_not() {
    let repo = repo();
    let stick = tempfile::tempdir().unwrap();
    let copy = || {
        for (name, bytes) in repo.served.files.lock().unwrap().iter() {
            let folder = if name.starts_with("targets/") { "" } else { "metadata" };
            let path = stick.path().join(folder).join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    };
    let store = std::sync::Arc::new(MemoryStore::default());
    let open = || {
        let source = Box::new(FolderSource::new(stick.path()));
        Verifier::open(&repo.get("1.root.json"), source, Box::new(store.clone())).unwrap()
    };
    copy();
    assert_eq!(open().refresh_with_lease(time(LATER)).unwrap_err().reason(), "stale_metadata");
    repo.put("lease.json", envelope(&lease(&repo), &repo.roles["targets"].keys));
    copy();
    // Twice: the second time the device has kept the same timestamp.
    for _ in 0..2 {
        let mut verifier = open();
        verifier.refresh_with_lease(time(LATER)).unwrap();
        assert_eq!(verifier.judged_at(), Some(time(NOW)));
        let target = verifier.target(MODEL).unwrap().unwrap();
        assert_eq!(verifier.read(&target.name, 100).unwrap().unwrap(), b"weights");
    }
}

#[test]
fn row_30_fresh_metadata_needs_no_lease() {
    let repo = repo();
    let mut verifier = Device::of(&repo).open(&repo);
    verifier.refresh_with_lease(time(NOW)).unwrap();
    assert!(!repo.served.asked.lock().unwrap().iter().any(|name| name == "lease.json"));
}

#[test]
fn row_30_a_lease_is_signed_to_the_threshold_of_targets() {
    let repo = repo();
    let keys = &repo.roles["targets"].keys;
    let twice = [keys[0].clone(), keys[0].clone()];
    let foreign = [keys[0].clone(), repo.roles["timestamp"].keys[0].clone()];
    for signers in [&keys[..1], &twice, &foreign, &[]] {
        assert_eq!(refused(&repo, &lease(&repo), signers, LATER), "bad_signature");
    }
}

#[test]
fn row_30_an_expired_lease_is_worth_nothing() {
    let repo = repo();
    let keys = &repo.roles["targets"].keys;
    assert_eq!(refused(&repo, &lease(&repo), keys, "2027-03-01T00:00:01Z"), "stale_metadata");
}

#[test]
fn row_30_a_lease_is_for_one_timestamp() {
    let repo = repo();
    let keys = &repo.roles["targets"].keys;
    let mut other = lease(&repo);
    other["timestamp"]["sha256"] = "0".repeat(64).into();
    assert_eq!(refused(&repo, &other, keys, LATER), "mismatch");
    let mut other = lease(&repo);
    other["timestamp"]["version"] = 2.into();
    assert_eq!(refused(&repo, &other, keys, LATER), "mismatch");
}

#[test]
fn row_30_a_kept_timestamp_of_the_same_version_must_be_the_leased_one() {
    let mut repo = repo();
    let device = Device::of(&repo);
    repo.role("timestamp").expires = "2026-12-01T00:00:00Z";
    repo.publish();
    device.cycle(&repo).unwrap();
    repo.role("timestamp").expires = "2026-12-02T00:00:00Z";
    repo.publish();
    repo.put("lease.json", envelope(&lease(&repo), &repo.roles["targets"].keys));
    let mut verifier = device.open(&repo);
    assert_eq!(verifier.refresh_with_lease(time(LATER)).unwrap_err().reason(), "mismatch");
    assert_eq!(verifier.judged_at(), None);
}

#[test]
fn row_30_a_lease_does_not_lift_the_floor() {
    let mut repo = repo();
    let device = Device::of(&repo);
    let stick = [repo.get("timestamp.json"), envelope(&lease(&repo), &repo.roles["targets"].keys)];
    repo.bump(&["snapshot", "timestamp"]);
    device.cycle(&repo).unwrap();
    let [timestamp, lease] = stick;
    repo.put("timestamp.json", timestamp);
    repo.put("lease.json", lease);
    let mut verifier = device.open(&repo);
    assert_eq!(verifier.refresh_with_lease(time(LATER)).unwrap_err().reason(), "rollback");
}

#[test]
fn row_30_metadata_of_targets_is_no_lease() {
    let repo = repo();
    let keys = &repo.roles["targets"].keys;
    assert_eq!(refused(&repo, &repo.signed("targets"), keys, LATER), "malformed");
    let mut renamed = lease(&repo);
    renamed["_type"] = "targets".into();
    assert_eq!(refused(&repo, &renamed, keys, LATER), "malformed");
    let mut more = lease(&repo);
    more["unknown"] = 1.into();
    assert_eq!(refused(&repo, &more, keys, LATER), "malformed");
}
