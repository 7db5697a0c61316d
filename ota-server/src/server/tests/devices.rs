//! Enrolment and reports.

use ed25519_dalek::Signer;
use serde_json::{Value, json};

use super::files::wait_until;
use super::fixture::{Device, Fixture, event};

#[test]
fn a_token_enrols_one_device_and_the_same_one_may_ask_again() {
    let fixture = Fixture::new();
    let token = fixture.token(&json!({}));
    let (first, second) = (Device::new("site/a", 1), Device::new("site/b", 2));
    assert_eq!(fixture.enroll(&token, &first).status, 201);
    assert_eq!(fixture.enroll(&token, &first).status, 200, "its first answer may have been lost");
    assert_eq!(fixture.enroll(&token, &second).status, 401);
    assert_eq!(fixture.enroll("no such token", &second).status, 401);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM devices"), 1);
}

#[test]
fn tokens_are_kept_as_hashes_only() {
    let fixture = Fixture::new();
    let token = fixture.token(&json!({"note": "line 3"}));
    let state = std::fs::read_dir(fixture.folder.path().join("state")).unwrap();
    for file in state {
        let content = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!content.windows(token.len()).any(|w| w == token.as_bytes()));
    }
}

#[test]
fn an_expired_token_enrols_nobody() {
    let fixture = Fixture::new();
    let token = fixture.token(&json!({"valid_hours": 1}));
    fixture.now.pass(3600);
    assert_eq!(fixture.enroll(&token, &Device::new("site/a", 1)).status, 401);
}

#[test]
fn a_key_is_replaced_only_with_a_token_for_that_device() {
    let fixture = Fixture::new();
    let old = fixture.enrolled("site/a", 1);
    let new = Device::new("site/a", 2);
    assert_eq!(fixture.enroll(&fixture.token(&json!({})), &new).status, 409);
    assert_eq!(fixture.enroll(&fixture.token(&json!({"device": "site/b"})), &new).status, 401);
    assert_eq!(fixture.report(&old, &old.body(5, &[])).status, 204);
    assert_eq!(fixture.enroll(&fixture.token(&json!({"device": "site/a"})), &new).status, 201);
    assert_eq!(fixture.report(&old, &old.body(6, &[])).status, 401);
    assert_eq!(fixture.report(&new, &new.body(0, &[])).status, 204);
    assert_eq!(fixture.count("SELECT counter FROM devices"), 0, "a new key counts from its own start");
}

#[test]
fn what_is_no_key_or_no_name_is_refused() {
    let fixture = Fixture::new();
    let token = fixture.token(&json!({}));
    let weak = hex::encode([0; 32]);
    for (device, key) in
        [("site/a", weak.as_str()), ("site/a", "ab"), ("", &"ab".repeat(32)), ("a b", &"ab".repeat(32))]
    {
        let body = json!({"token": token, "device": device, "public_key": key}).to_string();
        assert_eq!(fixture.post("/v1/enroll", &[], body.as_bytes()).status, 400, "{device} {key}");
    }
}

#[test]
fn row_37_a_duplicate_report_has_no_effect() {
    let fixture = Fixture::new();
    let device = fixture.enrolled("site/a", 1);
    let body = device.body(1, &[event("a1", 0, "offered", ""), event("a1", 1, "downloading", "")]);
    assert_eq!(fixture.report(&device, &body).status, 204);
    let before = everything(&fixture);
    fixture.now.pass(60);
    assert_eq!(fixture.report(&device, &body).status, 204);
    assert_eq!(everything(&fixture), before);
}

#[test]
fn row_37_an_older_report_changes_nothing_but_events_not_yet_known() {
    let fixture = Fixture::new();
    let device = fixture.enrolled("site/a", 1);
    let late = device.body(1, &[event("a1", 0, "offered", "")]);
    let mut newer = device.body(2, &[event("a1", 1, "downloading", "")]);
    newer["agent"] = json!("0.2.0");
    assert_eq!(fixture.report(&device, &newer).status, 204);
    assert_eq!(fixture.report(&device, &late).status, 204);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM events"), 2);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM devices WHERE agent = '0.2.0' AND counter = 2"), 1);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM progress WHERE phase = 'downloading' AND seq = 1"), 1);
}

#[test]
fn row_37_the_same_event_with_other_content_does_not_replace_the_first() {
    let fixture = Fixture::new();
    let device = fixture.enrolled("site/a", 1);
    assert_eq!(fixture.report(&device, &device.body(1, &[event("a1", 0, "failed", "timeout")])).status, 204);
    assert_eq!(fixture.report(&device, &device.body(2, &[event("a1", 0, "committed", "")])).status, 204);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM events WHERE phase = 'failed'"), 1);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM progress WHERE outcome = 'failed'"), 1);
}

#[test]
fn row_37_forged_reports_are_401_and_leave_no_trace() {
    let fixture = Fixture::new();
    let device = fixture.enrolled("site/a", 1);
    let other = fixture.enrolled("site/b", 2);
    let body = device.body(1, &[event("a1", 0, "committed", "")]).to_string().into_bytes();
    let good = device.sign(&body);
    let plain = hex::encode(device.key.sign(&body).to_bytes());
    let tries: [(&str, &str, &str); 7] = [
        ("unknown device", "site/c", &good),
        ("another's key", "site/a", &other.sign(&body)),
        ("another's name in the body", "site/b", &other.sign(&body)),
        ("no context", "site/a", &plain),
        ("no hex", "site/a", "zz"),
        ("too short", "site/a", &good[..64]),
        ("none", "site/a", ""),
    ];
    for (what, name, signature) in tries {
        assert_eq!(fixture.send(name, signature, &body).status, 401, "{what}");
    }
    let mut changed = body.clone();
    changed[0] = b' ';
    assert_eq!(fixture.send("site/a", &good, &changed).status, 401);
    assert_eq!(fixture.post("/v1/status", &[], &body).status, 401);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM events"), 0);
    assert_eq!(fixture.send("site/a", &good, &body).status, 204);
}

#[test]
fn a_device_that_was_removed_is_unknown_at_once() {
    let fixture = Fixture::new();
    let device = fixture.enrolled("site/a", 1);
    assert_eq!(fixture.report(&device, &device.body(1, &[])).status, 204);
    let auth = format!("Bearer {}", super::fixture::OPERATOR);
    let gone = fixture.delete("/v1/devices/site/a", &[("authorization", &auth)]);
    assert_eq!(gone.status, 204);
    assert_eq!(fixture.report(&device, &device.body(2, &[])).status, 401);
}

#[test]
fn a_body_over_64_kib_is_413_and_one_that_is_no_report_400() {
    let fixture = Fixture::new();
    let device = fixture.enrolled("site/a", 1);
    let mut large = device.body(1, &[]);
    large["tags"] = json!({"line": "x".repeat(70_000)});
    assert_eq!(fixture.report(&device, &large).status, 413);
    // It is heard also while most of the body is still on its way, and the connection goes on.
    large["tags"] = json!({"line": "x".repeat(900_000)});
    for _ in 0..20 {
        assert_eq!(fixture.report(&device, &large).status, 413);
    }
    let mut wrong = device.body(1, &[event("a1", 0, "exploded", "")]);
    let answer = fixture.report(&device, &wrong);
    assert_eq!(answer.status, 400);
    assert!(answer.json()["message"].as_str().unwrap().contains("events.phase"), "{}", answer.json());
    wrong["events"] = json!("none");
    assert!(fixture.report(&device, &wrong).json()["message"].as_str().unwrap().starts_with("events:"));
    let negative = json!({"device": "site/a", "counter": -1});
    assert_eq!(fixture.report(&device, &negative).status, 400);
    let deep = format!("{{\"device\":{}", "[".repeat(60_000));
    assert_eq!(fixture.send("site/a", &device.sign(deep.as_bytes()), deep.as_bytes()).status, 400);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM events"), 0);
}

#[test]
fn an_outcome_that_comes_after_a_newer_attempt_began_still_counts() {
    let fixture = Fixture::new();
    let device = fixture.enrolled("site/a", 1);
    let newer = device.body(2, &[event("a2", 0, "offered", "")]);
    let late = device.body(1, &[event("a1", 3, "rolled_back", "golden_mismatch")]);
    assert_eq!(fixture.report(&device, &newer).status, 204);
    assert_eq!(fixture.report(&device, &late).status, 204);
    let sql = "SELECT COUNT(*) FROM progress WHERE attempt = 'a2' AND phase = 'offered' \
               AND outcome = 'rolled_back' AND outcome_reason = 'golden_mismatch'";
    assert_eq!(fixture.count(sql), 1);
}

#[test]
fn polling_writes_nothing() {
    let fixture = Fixture::new();
    fixture.put("metadata/1.root.json", b"{}");
    let before = everything(&fixture);
    for _ in 0..20 {
        assert_eq!(fixture.get("/metadata/1.root.json", &[("lineside-device", "site/a")]).status, 200);
    }
    assert_eq!(everything(&fixture), before);
}

#[test]
fn old_events_are_deleted_and_how_devices_stand_is_not() {
    let mut fixture = Fixture::new();
    let device = fixture.enrolled("site/a", 1);
    assert_eq!(fixture.report(&device, &device.body(1, &[event("a1", 0, "committed", "")])).status, 204);
    fixture.now.pass(86_400 - 60);
    assert_eq!(fixture.report(&device, &device.body(2, &[event("a2", 0, "failed", "timeout")])).status, 204);
    fixture.stop();
    fixture.now.pass(61);
    fixture.start();
    wait_until(|| fixture.count("SELECT COUNT(*) FROM events") == 1);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM progress WHERE outcome = 'failed'"), 1);
    let again = device.body(1, &[event("a1", 0, "committed", "")]);
    assert_eq!(fixture.report(&device, &again).status, 204, "a replay of what was deleted");
    assert_eq!(fixture.count("SELECT COUNT(*) FROM progress WHERE outcome = 'failed'"), 1);
}

#[test]
fn the_operators_api_answers_nobody_else() {
    let fixture = Fixture::new();
    for path in ["/v1/rollouts", "/v1/devices", "/v1/rollouts/r-1"] {
        assert_eq!(fixture.get(path, &[]).status, 401, "{path}");
        assert_eq!(fixture.get(path, &[("authorization", "Bearer wrong")]).status, 401, "{path}");
    }
    for path in ["/v1/rollouts", "/v1/tokens", "/v1/rollouts/r-1/abort"] {
        assert_eq!(fixture.post(path, &[], b"{}").status, 401, "{path}");
    }
    assert_eq!(fixture.look("/v1/rollouts").json(), json!([]));
}

/// The content of the tables that reports change.
fn everything(fixture: &Fixture) -> Vec<Value> {
    let pool = fixture.server().app().database.pool().clone();
    let sql = "SELECT json_array(device, counter, reported, agent) FROM devices UNION ALL \
               SELECT json_array(device, attempt, seq, phase, received) FROM events UNION ALL \
               SELECT json_array(device, attempt, seq, counter, phase, updated) FROM progress";
    let rows: Vec<String> = fixture.runtime.block_on(sqlx::query_scalar(sql).fetch_all(&pool)).unwrap();
    rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect()
}
