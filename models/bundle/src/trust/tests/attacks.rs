use serde_json::json;

use super::super::fixture::{FRESH, Key, MODELS, ROLES, Repo, Role, envelope, time};
use super::super::{TIMESTAMP_LIMIT, TrustError, Verifier};
use super::Device;

/// Who signs instead of a role's keys.
type Signers = fn(&Role) -> Vec<Key>;
/// Makes a good text a bad one.
type Spoil = fn(&str) -> String;

/// Any name of the model's, so that its role is fetched, too.
const MODEL: &str = "models/detector/x.tar";

/// Why a cycle, or the walk to a model or a rollout, is refused.
fn refused_anywhere(device: &Device, repo: &Repo) -> &'static str {
    let walk = || {
        let mut verifier = device.cycle(repo)?;
        verifier.target(MODEL)?;
        verifier.target("rollouts/default/detector.json")
    };
    walk().expect_err("it was accepted").reason()
}

#[test]
fn a_good_repository_is_accepted_and_kept() {
    let repo = Repo::new();
    let device = Device::of(&repo);
    assert_eq!(refused_nowhere(&device, &repo), None);
    for role in ROLES {
        assert_eq!(device.kept(role), Some(1), "{role}");
    }
}

fn refused_nowhere(device: &Device, repo: &Repo) -> Option<super::super::Target> {
    let mut verifier = device.cycle(repo).unwrap();
    verifier.target("rollouts/default/detector.json").unwrap();
    verifier.target(MODEL).unwrap()
}

#[test]
fn row_03_a_timestamp_over_its_limit_is_not_read() {
    let repo = Repo::new();
    let device = Device::of(&repo);
    let mut long = repo.get("timestamp.json");
    long.resize(usize::try_from(TIMESTAMP_LIMIT).unwrap() + 1, b' ');
    repo.put("timestamp.json", long.clone());
    assert_eq!(device.refused(&repo), "too_large");
    assert_eq!(device.kept("timestamp"), None);
    long.pop();
    repo.put("timestamp.json", long);
    device.cycle(&repo).unwrap();
}

#[test]
fn row_04_a_role_that_is_not_signed_as_it_must_be_is_not_kept() {
    for role in ROLES {
        let bad: [(&str, Signers); 3] = [
            ("unsigned", |_| vec![]),
            ("wrong key", |role| role.keys.iter().map(|_| Key::new(99)).take(1).collect()),
            ("under threshold", |role| {
                role.keys[1..].iter().take(role.threshold as usize - 1).cloned().collect()
            }),
        ];
        for (what, signers) in bad {
            let mut repo = Repo::new();
            let device = Device::of(&repo);
            repo.role(role).version = 2;
            let signers = signers(&repo.roles[role]);
            // The bad file is written last, but the files that name it must fit it.
            for other in ROLES {
                let keys = if other == role { signers.clone() } else { repo.roles[other].keys.clone() };
                repo.write(other, &keys);
            }
            assert_eq!(refused_anywhere(&device, &repo), "bad_signature", "{role}, {what}");
            assert_ne!(device.kept(role), Some(2), "{role}, {what}");
        }
    }
}

#[test]
fn row_05_one_key_under_two_ids_is_counted_once() {
    let mut repo = Repo::new();
    let device = Device::of(&repo);
    repo.role("root").version = 2;
    // One targets key leaves; the one that stays stands there under a second id and signs twice.
    let mut root = repo.signed("root");
    let key = repo.roles["targets"].keys[0].clone();
    root["keys"]["alias"] = key.public();
    root["roles"]["targets"]["keyids"] = json!([key.id(), "alias"]);
    repo.put(&repo.file("root"), envelope(&root, &repo.roles["root"].keys));
    assert_eq!(device.refused(&repo), "malformed");
    assert_eq!(device.kept("root"), Some(1));

    // The same in a delegation, in another case of the same digits.
    let repo = Repo::new();
    let device = Device::of(&repo);
    let mut targets = repo.signed("targets");
    let mut alias = key.public();
    alias["keyval"]["public"] = alias["keyval"]["public"].as_str().unwrap().to_uppercase().into();
    targets["delegations"]["keys"]["alias"] = alias;
    targets["delegations"]["roles"][0]["keyids"] = json!([key.id(), "alias"]);
    repo.put(&repo.file("targets"), envelope(&targets, &repo.roles["targets"].keys));
    repo.write("snapshot", &repo.roles["snapshot"].keys);
    repo.write("timestamp", &repo.roles["timestamp"].keys);
    assert_eq!(device.refused(&repo), "malformed");
    assert_eq!(device.kept("targets"), None);
}

#[test]
fn row_06_duplicate_signatures_are_refused() {
    let repo = Repo::new();
    let device = Device::of(&repo);
    let one = repo.roles["timestamp"].keys[0].clone();
    repo.write("timestamp", &[one.clone(), one]);
    assert_eq!(device.refused(&repo), "bad_signature");

    // One of two keys, twice, is not two.
    let repo = Repo::new();
    let one = repo.roles["targets"].keys[0].clone();
    repo.write("targets", &[one.clone(), one]);
    repo.write("snapshot", &repo.roles["snapshot"].keys);
    repo.write("timestamp", &repo.roles["timestamp"].keys);
    assert_eq!(Device::of(&repo).refused(&repo), "bad_signature");
}

#[test]
fn row_07_an_older_timestamp_is_a_rollback() {
    let mut repo = Repo::new();
    let device = Device::of(&repo);
    let old = repo.get("timestamp.json");
    repo.bump(&["timestamp"]);
    device.cycle(&repo).unwrap();
    repo.put("timestamp.json", old);
    assert_eq!(device.refused(&repo), "rollback");
    assert_eq!(device.kept("timestamp"), Some(2));
}

#[test]
fn row_08_a_snapshot_that_lists_older_targets_is_a_rollback_however_often_it_is_served() {
    let mut repo = Repo::new();
    let device = Device::of(&repo);
    repo.bump(&["targets", "snapshot", "timestamp"]);
    device.cycle(&repo).unwrap();
    repo.role("targets").version = 1;
    repo.bump(&["snapshot", "timestamp"]);
    // The first cycle keeps the new timestamp, which must not lift the floor for the second.
    for _ in 0..3 {
        assert_eq!(device.refused(&repo), "rollback");
        assert_eq!((device.kept("snapshot"), device.kept("targets")), (Some(2), Some(2)));
    }
}

#[test]
fn row_08_a_delegated_role_cannot_go_back_either() {
    let mut repo = Repo::new();
    let device = Device::of(&repo);
    repo.bump(&[MODELS, "snapshot", "timestamp"]);
    device.cycle(&repo).unwrap();
    repo.role(MODELS).version = 1;
    repo.bump(&["snapshot", "timestamp"]);
    assert_eq!(device.refused(&repo), "rollback");
    assert_eq!(device.refused(&repo), "rollback");
}

#[test]
fn row_09_a_role_that_is_dropped_from_the_snapshot_is_refused_however_often() {
    let mut repo = Repo::new();
    let device = Device::of(&repo);
    device.cycle(&repo).unwrap();
    repo.role("snapshot").version = 2;
    repo.role("timestamp").version = 2;
    let mut snapshot = repo.signed("snapshot");
    snapshot["meta"].as_object_mut().unwrap().remove("models-detector.json").unwrap();
    repo.put("2.snapshot.json", envelope(&snapshot, &repo.roles["snapshot"].keys));
    repo.write("timestamp", &repo.roles["timestamp"].keys);
    assert_eq!(device.refused(&repo), "mismatch");
    assert_eq!(device.refused(&repo), "mismatch");
    assert_eq!(device.kept("snapshot"), Some(1));
}

#[test]
fn row_10_old_targets_under_a_new_name_are_refused() {
    let mut repo = Repo::new();
    let device = Device::of(&repo);
    let old = repo.get("1.targets.json");
    repo.bump(&["targets", "snapshot", "timestamp"]);
    repo.put("2.targets.json", old);
    assert_eq!(device.refused(&repo), "mismatch");
    assert_eq!(device.kept("targets"), None);
}

#[test]
fn row_11_expired_metadata_of_any_role_is_stale() {
    for role in ROLES {
        let mut repo = Repo::new();
        let device = Device::of(&repo);
        repo.role(role).expires = "2026-11-21T09:59:59Z";
        repo.bump(&ROLES);
        assert_eq!(refused_anywhere(&device, &repo), "stale_metadata", "{role}");
    }
}

#[test]
fn row_11_a_frozen_repository_becomes_stale() {
    let repo = Repo::new();
    let device = Device::of(&repo);
    device.cycle(&repo).unwrap();
    let late = device.cycle_at(&repo, "2027-01-01T00:00:00Z").unwrap_err();
    assert_eq!(late.reason(), "stale_metadata");
    // The same files are as good as ever to a clock that is right.
    device.cycle_at(&repo, FRESH).unwrap();
}

#[test]
fn row_12_the_time_is_that_of_the_start() {
    let mut repo = Repo::new();
    repo.add(MODELS, MODEL, b"weights");
    repo.role(MODELS).expires = "2026-11-21T10:00:01Z";
    repo.publish();
    // Whatever the clock says by now, the cycle goes on as of its start.
    let mut verifier = Device::of(&repo).cycle(&repo).unwrap();
    let target = verifier.target(MODEL).unwrap().unwrap();
    assert_eq!(verifier.read(&target.name, 100).unwrap().unwrap(), b"weights");
    assert_eq!(verifier.judged_at(), Some(time("2026-11-21T10:00:00Z")));
}

#[test]
fn row_13_a_device_that_slept_through_many_roots_catches_up() {
    let mut repo = Repo::new();
    for _ in 1..5 {
        repo.bump(&["root"]);
    }
    let device = Device::of(&repo);
    for seed in 40..44 {
        // Every root brings a new key, and is signed with the keys of the one before it, too.
        let before = repo.roles["root"].keys.clone();
        repo.role("root").version += 1;
        repo.role("root").keys = vec![before[1].clone(), before[2].clone(), Key::new(seed)];
        let both: Vec<Key> = [&before[..1], &repo.roles["root"].keys].concat();
        repo.write("root", &both);
    }
    repo.role("root").expires = "2026-11-01T00:00:00Z";
    let mut verifier = device.open(&repo);
    assert_eq!(verifier.root_version(), 5);
    verifier.refresh(time("2026-11-21T10:00:00Z")).unwrap();
    assert_eq!(verifier.root_version(), 9);
    // The next start goes from the factory root to the newest one without asking for the old ones.
    repo.served.asked.lock().unwrap().clear();
    assert_eq!(device.cycle(&repo).unwrap().root_version(), 9);
    assert_eq!(repo.served.asked.lock().unwrap()[0], "10.root.json");
}

#[test]
fn row_13_years_of_roots_are_caught_up_with() {
    let mut repo = Repo::new();
    let device = Device::of(&repo);
    for _ in 0..200 {
        repo.role("root").version += 1;
        repo.write("root", &repo.roles["root"].keys);
    }
    assert_eq!(device.cycle(&repo).unwrap().root_version(), 201);
}

#[test]
fn row_14_a_root_that_skips_one_or_lacks_the_old_keys_is_refused_and_asked_for_again() {
    let mut repo = Repo::new();
    let device = Device::of(&repo);
    repo.role("root").version = 3;
    repo.put("2.root.json", envelope(&repo.signed("root"), &repo.roles["root"].keys));
    assert_eq!(device.refused(&repo), "mismatch");

    // Self-consistent under keys of its own, which the old root does not know.
    repo.role("root").version = 2;
    let good = repo.roles["root"].clone();
    repo.role("root").keys = vec![Key::new(90), Key::new(91)];
    repo.write("root", &repo.roles["root"].keys);
    assert_eq!(device.refused(&repo), "bad_signature");
    assert_eq!(device.kept("root"), Some(1));

    *repo.role("root") = good;
    repo.write("root", &repo.roles["root"].keys);
    assert_eq!(device.cycle(&repo).unwrap().root_version(), 2);
}

#[test]
fn row_15_a_version_that_ran_away_is_recovered_from_by_new_keys() {
    let mut repo = Repo::new();
    let device = Device::of(&repo);
    repo.role("timestamp").version = 1 << 63;
    repo.publish();
    assert_eq!(device.cycle(&repo).unwrap().timestamp_version(), Some(1 << 63));
    repo.role("timestamp").version = 2;
    repo.publish();
    assert_eq!(device.refused(&repo), "rollback");

    repo.role("timestamp").keys = vec![Key::new(31)];
    repo.bump(&["root"]);
    assert_eq!(device.cycle(&repo).unwrap().timestamp_version(), Some(2));
    // And from then on the floor holds again.
    repo.role("timestamp").version = 1;
    repo.publish();
    assert_eq!(device.refused(&repo), "rollback");
}

#[test]
fn row_15_roles_that_ran_away_are_recovered_from_by_a_new_snapshot_key() {
    let mut repo = Repo::new();
    let device = Device::of(&repo);
    repo.role("targets").version = 1 << 63;
    repo.publish();
    device.cycle(&repo).unwrap();
    repo.role("targets").version = 2;
    repo.role("snapshot").keys = vec![Key::new(31)];
    repo.bump(&["root", "snapshot", "timestamp"]);
    device.cycle(&repo).unwrap();
    assert_eq!(device.kept("targets"), Some(2));
}

#[test]
fn row_40_no_metadata_reaches_the_core_unless_it_is_strict() {
    let spoil: [(&str, Spoil); 5] = [
        ("duplicate key", |text| text.replacen("\"version\":1", "\"version\":1,\"version\":1", 1)),
        ("float", |text| text.replacen("\"version\":1", "\"version\":1,\"x\":1.0", 1)),
        ("depth", |text| {
            text.replacen(
                "\"version\":1",
                &format!("\"version\":1,\"x\":{}{}", "[".repeat(99), "]".repeat(99)),
                1,
            )
        }),
        ("signatures", |text| {
            text.replacen(
                "\"signatures\":[",
                &format!("\"signatures\":[{}", "{\"keyid\":\"\",\"sig\":\"\"},".repeat(64)),
                1,
            )
        }),
        ("trailing bytes", |text| format!("{text}{{}}")),
    ];
    for (what, spoil) in spoil {
        let repo = Repo::new();
        let device = Device::of(&repo);
        let text = String::from_utf8(repo.get("timestamp.json")).unwrap();
        let spoiled = spoil(&text);
        assert_ne!(spoiled, text, "{what}");
        repo.put("timestamp.json", spoiled.into_bytes());
        assert_eq!(device.refused(&repo), "malformed", "{what}");
        assert_eq!(device.kept("timestamp"), None, "{what}");
    }
}

#[test]
fn the_factory_root_passes_the_same_gate() {
    let repo = Repo::new();
    let mut root = repo.get("1.root.json");
    root.push(b'x');
    let open = |root: &[u8]| {
        Verifier::open(root, Box::new(repo.served.clone()), Box::new(super::MemoryStore::default()))
    };
    assert_eq!(open(&root).unwrap_err().reason(), "malformed");
    let unsigned = envelope(&repo.signed("root"), &[]);
    assert!(matches!(open(&unsigned), Err(TrustError::BadSignature(_))));
}
