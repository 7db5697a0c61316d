use serde_json::{Value, json};

use super::*;

fn bundle() -> Value {
    json!({
        "name": "detector", "version": "1.1.0", "release": 2, "task": "detect",
        "requires": {"agent": "0.2.0", "arch": ["aarch64", "x86_64"], "memory_kib": 1000},
        "permits_downgrade_from": 0,
        "patches": [{"from_release": 1, "from_sha256": "0".repeat(64), "target": "models/detector/detector-r1-r2.zst"}]
    })
}

fn read(bundle: Value) -> Result<ReleaseInfo, ReleaseError> {
    ReleaseInfo::of(&Target {
        name: "models/detector/detector-1.1.0-r2.tar".into(),
        path: String::new(),
        length: 1,
        sha256: Sha256Hex::of(b""),
        custom: Some(json!({"bundle": bundle})),
    })
}

fn device() -> DeviceFacts {
    DeviceFacts {
        id: "hall/press".into(),
        agent: "0.2.0".parse().unwrap(),
        arch: "aarch64".into(),
        memory_kib: 1000,
        tags: [].into(),
    }
}

#[test]
fn a_release_reads_back_what_it_writes() {
    let info = read(bundle()).unwrap();
    assert_eq!(serde_json::to_value(&info).unwrap(), bundle());
}

#[test]
fn row_18_a_model_for_another_board_or_a_newer_agent_is_incompatible() {
    let info = read(bundle()).unwrap();
    assert_eq!(info.fits(&device()), Ok(()));
    let misfits = [
        DeviceFacts { arch: "riscv64".into(), ..device() },
        DeviceFacts { agent: "0.1.9".parse().unwrap(), ..device() },
        DeviceFacts { memory_kib: 999, ..device() },
    ];
    for device in misfits {
        assert_eq!(info.fits(&device).unwrap_err().reason(), "rejected_incompatible", "{device:?}");
    }
    assert_eq!(info.fits(&DeviceFacts { memory_kib: 0, ..device() }), Ok(()));
}

#[test]
fn row_17_an_older_release_needs_a_signed_permit() {
    let mut info = read(bundle()).unwrap();
    assert!(info.may_follow(0) && info.may_follow(1));
    assert!(!info.may_follow(2) && !info.may_follow(3));
    info.permits_downgrade_from = 4;
    assert!(info.may_follow(3) && info.may_follow(4));
    assert!(!info.may_follow(2), "the release that runs is no downgrade of itself");
    assert!(!info.may_follow(5));
}

#[test]
fn a_need_that_is_not_understood_is_not_met() {
    let mut unknown = bundle();
    unknown["requires"]["accelerator"] = "npu".into();
    assert_eq!(read(unknown).unwrap_err().key, "requires.accelerator");
    let mut more = bundle();
    more["notes"] = "for people".into();
    assert!(read(more).is_ok());
}

#[test]
fn what_does_not_describe_its_target_is_refused() {
    for (key, value) in [("name", json!("other")), ("version", json!("1.1.1")), ("release", json!(3))] {
        let mut other = bundle();
        other[key] = value;
        assert_eq!(read(other).unwrap_err().key, "name", "{key}");
    }
    let mut escapes = bundle();
    escapes["patches"][0]["target"] = "../x".into();
    assert_eq!(read(escapes).unwrap_err().key, "patches");
    assert_eq!(read(Value::Null).unwrap_err().key, ".");
}
