//! Rollouts over the real repository.

use lineside_bundle::Rollout;
use serde_json::{Value, json};

use super::files::wait_until;
use super::fixture::{Device, Fixture, OPERATOR, event};

fn order() -> Value {
    json!({"id": "r-1", "model": "detector", "group": "default", "release": 1,
        "thresholds": {"error_threshold": 20, "min_sample": 4}})
}

fn created(fixture: &Fixture, order: &Value) {
    let answer = fixture.operate("/v1/rollouts", order);
    assert_eq!(answer.status, 201, "{}", answer.json());
}

/// The document as a device gets it: named by the signed metadata, loaded from the server.
fn served(fixture: &Fixture) -> Rollout {
    let state = fixture.repository().state().unwrap();
    let file = state.rollouts().get("rollouts/default/detector.json").unwrap().clone();
    let answer = fixture.get(&format!("/targets/rollouts/default/{}.detector.json", file.sha256()), &[]);
    assert_eq!(answer.status, 200);
    assert!(file.is(&answer.body));
    Rollout::parse(&answer.body).unwrap()
}

fn state(fixture: &Fixture) -> (String, u32) {
    let document = served(fixture);
    (format!("{:?}", document.state), document.revision)
}

fn ends(fixture: &Fixture, device: &Device, counter: u64, phase: &str, reason: &str) {
    let attempt = format!("a{counter}");
    let events = [event(&attempt, 0, "offered", ""), event(&attempt, 1, phase, reason)];
    assert_eq!(fixture.report(device, &device.body(counter, &events)).status, 204);
}

#[test]
fn a_rollout_is_signed_and_served_and_its_timestamp_is_new_at_once() {
    let fixture = Fixture::with_release();
    let before = fixture.get("/metadata/timestamp.json", &[]);
    created(&fixture, &order());
    let document = served(&fixture);
    assert_eq!((document.id.as_str(), document.revision, document.salt.len()), ("r-1", 1, 32));
    let tag = before.header("etag").to_owned();
    assert_eq!(fixture.get("/metadata/timestamp.json", &[("if-none-match", &tag)]).status, 200);
    let shown = fixture.look("/v1/rollouts/r-1").json();
    assert_eq!((&shown["published"], &shown["percent_now_hundredths"]), (&json!(true), &json!(10_000)));
}

#[test]
fn an_order_that_devices_would_refuse_is_not_taken() {
    let fixture = Fixture::with_release();
    let refused = |change: Value| {
        let mut order = order();
        order.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        fixture.operate("/v1/rollouts", &order).status
    };
    assert_eq!(refused(json!({"release": 9})), 404, "it was never signed");
    assert_eq!(refused(json!({"model": "../detector"})), 404);
    assert_eq!(refused(json!({"ramp": [{"after_s": 0, "percent": 101}]})), 400);
    assert_eq!(refused(json!({"ramp": [{"after_s": 9, "percent": 50}, {"after_s": 9, "percent": 60}]})), 400);
    assert_eq!(refused(json!({"group": "../x"})), 400);
    assert_eq!(refused(json!({"window": {"from": "25:00", "to": "05:00"}})), 400);
    assert_eq!(refused(json!({"predicates": {"tags": {"line": []}}})), 400);
    assert_eq!(refused(json!({"thresholds": {"error_threshold": 101}})), 400);
    assert_eq!(refused(json!({"colour": "red"})), 400);
    assert_eq!(fixture.look("/v1/rollouts").json(), json!([]));
}

#[test]
fn a_rollout_above_its_error_threshold_pauses_itself_with_its_reason() {
    let fixture = Fixture::with_release();
    created(&fixture, &order());
    let devices: Vec<Device> = (1..=5).map(|n| fixture.enrolled(&format!("site/{n}"), n)).collect();
    ends(&fixture, &devices[0], 1, "committed", "");
    ends(&fixture, &devices[1], 1, "rolled_back", "golden_mismatch");
    ends(&fixture, &devices[2], 1, "committed", "");
    assert_eq!(state(&fixture), ("Running".to_owned(), 1), "three decide nothing");
    ends(&fixture, &devices[3], 1, "failed", "hash_mismatch");
    wait_until(|| state(&fixture) == ("Paused".to_owned(), 2));

    let shown = fixture.look("/v1/rollouts/r-1").json();
    assert_eq!(shown["state"], "paused");
    let reason = shown["reason"].as_str().unwrap();
    assert!(reason.starts_with("error_threshold: 2 of 4"), "{reason}");
    let all = &shown["cohorts"]["all"];
    assert_eq!((&all["devices"], &all["committed"]), (&json!(4), &json!(2)));
    assert_eq!(all["rolled_back"], json!({"golden_mismatch": 1}));
    assert_eq!(all["failed"], json!({"hash_mismatch": 1}));
    let told = "SELECT COUNT(*) FROM audit WHERE actor = 'server' AND action = 'rollout.pause' \
                AND detail LIKE '%error_threshold: 2 of 4%'";
    assert_eq!(fixture.count(told), 1);
}

#[test]
fn a_resumed_rollout_is_not_paused_again_for_what_was_known() {
    let fixture = Fixture::with_release();
    created(&fixture, &order());
    let devices: Vec<Device> = (1..=8).map(|n| fixture.enrolled(&format!("site/{n}"), n)).collect();
    devices[..4].iter().for_each(|device| ends(&fixture, device, 1, "failed", "timeout"));
    wait_until(|| state(&fixture).0 == "Paused");
    fixture.now.pass(60);
    assert_eq!(fixture.operate("/v1/rollouts/r-1/resume", &json!({"reason": "network"})).status, 204);
    assert_eq!(state(&fixture), ("Running".to_owned(), 3));
    ends(&fixture, &devices[4], 1, "committed", "");
    let app = fixture.server().app().clone();
    let paused = fixture.runtime.block_on(app.rollouts.judge(app.now())).unwrap();
    assert_eq!((paused, state(&fixture).0.as_str()), (0, "Running"));
    devices[5..].iter().for_each(|device| ends(&fixture, device, 1, "failed", "timeout"));
    wait_until(|| state(&fixture) == ("Paused".to_owned(), 4));
}

#[test]
fn silent_devices_pause_a_rollout_with_a_success_threshold() {
    let fixture = Fixture::with_release();
    let mut order = order();
    order["thresholds"] =
        json!({"success_threshold": 80, "min_sample": 4, "settle_s": 3600, "silent_after_s": 1800});
    created(&fixture, &order);
    for n in 1..=4 {
        let device = fixture.enrolled(&format!("site/{n}"), n);
        let events = [event("a1", 0, "offered", ""), event("a1", 1, "active", "")];
        assert_eq!(fixture.report(&device, &device.body(1, &events)).status, 204);
    }
    let app = fixture.server().app().clone();
    let judge = || fixture.runtime.block_on(app.rollouts.judge(app.now())).unwrap();
    fixture.now.pass(3599);
    assert_eq!(judge(), 0, "they may still be soaking");
    let shown = fixture.look("/v1/rollouts/r-1?by=line").json();
    assert_eq!((&shown["cohorts"]["3"]["active"], &shown["cohorts"]["3"]["silent"]), (&json!(4), &json!(4)));
    fixture.now.pass(1);
    assert_eq!(judge(), 1);
    let reason = fixture.look("/v1/rollouts/r-1").json()["reason"].as_str().unwrap().to_owned();
    assert!(reason.starts_with("success_threshold: 0 of 4"), "{reason}");
}

#[test]
fn row_38_pause_resume_and_abort_are_new_signed_revisions() {
    let fixture = Fixture::with_release();
    created(&fixture, &order());
    for (action, status, expected) in [
        ("pause", 204, ("Paused", 2)),
        ("pause", 204, ("Paused", 2)),
        ("resume", 204, ("Running", 3)),
        ("abort", 204, ("Aborted", 4)),
        ("resume", 409, ("Aborted", 4)),
        ("explode", 404, ("Aborted", 4)),
    ] {
        let answer = fixture.operate(&format!("/v1/rollouts/r-1/{action}"), &json!({}));
        assert_eq!(answer.status, status, "{action}");
        assert_eq!(state(&fixture), (expected.0.to_owned(), expected.1), "{action}");
    }
    assert_eq!(fixture.operate("/v1/rollouts/r-2/pause", &json!({})).status, 404);
}

#[test]
fn a_newer_rollout_of_the_group_takes_the_place_of_the_one_before() {
    let fixture = Fixture::with_release();
    created(&fixture, &order());
    assert_eq!(fixture.operate("/v1/rollouts", &order()).status, 409, "the same id again");
    let mut next = order();
    next.as_object_mut().unwrap().remove("id");
    created(&fixture, &next);
    assert_eq!(served(&fixture).id, "r-2026-11-21-1");
    assert_eq!(fixture.operate("/v1/rollouts/r-1/pause", &json!({})).status, 409);
    let live: Vec<bool> = fixture
        .look("/v1/rollouts")
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|rollout| rollout["live"].as_bool().unwrap())
        .collect();
    assert_eq!(live.iter().filter(|live| **live).count(), 1);
}

#[test]
fn cohorts_count_each_device_once_by_its_tag() {
    let fixture = Fixture::with_release();
    let mut order = order();
    order["predicates"] = json!({"tags": {"line": ["3", "4"]}, "arch": ["aarch64"], "min_agent": "0.1.0"});
    created(&fixture, &order);
    for (n, line, arch, phase) in [
        (1, "3", "aarch64", Some("downloading")),
        (2, "3", "aarch64", None),
        (3, "4", "aarch64", Some("verified")),
        (4, "5", "aarch64", None),
        (5, "3", "x86_64", None),
    ] {
        let device = fixture.enrolled(&format!("site/{n}"), n);
        let events: Vec<Value> = phase.iter().map(|phase| event("a1", 0, phase, "")).collect();
        let mut body = device.body(1, &events);
        body["tags"]["line"] = json!(line);
        body["arch"] = json!(arch);
        assert_eq!(fixture.report(&device, &body).status, 204);
    }
    let cohorts = fixture.look("/v1/rollouts/r-1").json()["cohorts"].clone();
    assert_eq!(cohorts.as_object().unwrap().keys().collect::<Vec<_>>(), ["3", "4"]);
    let three = &cohorts["3"];
    assert_eq!(
        (&three["devices"], &three["downloading"], &three["waiting"]),
        (&json!(2), &json!(1), &json!(1))
    );
    assert_eq!(cohorts["4"]["verified"], json!(1));
}

#[test]
fn a_change_that_could_not_be_signed_is_signed_when_the_repository_is_back() {
    let mut fixture = Fixture::with_release();
    created(&fixture, &order());
    let (here, away) = (fixture.repo().join("metadata"), fixture.repo().join("away"));
    rustix::fs::rename(&here, &away).unwrap();
    assert_eq!(fixture.operate("/v1/rollouts/r-1/pause", &json!({})).status, 503);
    let shown = fixture.look("/v1/rollouts/r-1").json();
    assert_eq!((&shown["state"], &shown["published"]), (&json!("paused"), &json!(false)));
    rustix::fs::rename(&away, &here).unwrap();
    assert_eq!(state(&fixture).0, "Running");
    fixture.stop();
    fixture.start();
    wait_until(|| state(&fixture) == ("Paused".to_owned(), 2));
}

#[test]
fn the_timestamp_is_signed_anew_when_half_of_its_life_has_passed() {
    let mut fixture = Fixture::with_release();
    let version = |fixture: &Fixture| fixture.repository().state().unwrap().timestamp.signed.version;
    let first = version(&fixture);
    fixture.stop();
    fixture.now.pass(11 * 3600);
    fixture.start();
    let app = fixture.server().app().clone();
    assert!(!fixture.runtime.block_on(app.rollouts.refresh(app.now())).unwrap());
    drop(app);
    assert_eq!(version(&fixture), first);
    fixture.stop();
    fixture.now.pass(2 * 3600);
    fixture.start();
    wait_until(|| version(&fixture) > first);
    let fresh = fixture.repository().state().unwrap().timestamp.signed.expires;
    wait_until(|| {
        let served: Value = fixture.get("/metadata/timestamp.json", &[]).json();
        served["signed"]["expires"] == fresh.to_string()
    });
    wait_until(|| fixture.count("SELECT COUNT(*) FROM audit WHERE action = 'timestamp.sign'") == 1);
}

#[test]
fn what_operators_and_keys_did_is_in_a_sound_audit_log() {
    let fixture = Fixture::with_release();
    created(&fixture, &order());
    fixture.enrolled("site/a", 1);
    fixture.operate("/v1/rollouts/r-1/pause", &json!({"reason": "shift change"}));
    fixture.delete("/v1/devices/site/a", &[("authorization", &format!("Bearer {OPERATOR}"))]);
    let pool = fixture.server().app().database.pool().clone();
    let entries = fixture.runtime.block_on(crate::audit::read(&pool, 0, 100)).unwrap();
    let acts: Vec<&str> =
        entries.iter().map(|entry| entry.action.as_str()).filter(|a| *a != "timestamp.sign").collect();
    assert_eq!(
        acts,
        ["server.start", "rollout.create", "token.new", "device.enroll", "rollout.pause", "device.remove"]
    );
    assert!(fixture.runtime.block_on(crate::audit::verify(&pool, None)).unwrap().is_ok());
}
