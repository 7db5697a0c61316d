use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const START: &str = "2026-11-21T10:00:00Z";

fn document() -> Value {
    json!({
        "schema": 1, "id": "r-2026-11-21-1", "revision": 1, "model": "detector", "group": "default",
        "release": 2, "target": "models/detector/detector-1.1.0-r2.tar", "sha256": "0".repeat(64),
        "salt": "9f", "start": START,
        "ramp": [{"after_s": 0, "percent": 5}, {"after_s": 3600, "percent": 100}],
        "state": "running",
        "window": {"from": "22:00", "to": "05:00"},
        "predicates": {"arch": ["aarch64"], "min_agent": "0.1.0", "tags": {"line": ["3", "4"]}}
    })
}

fn read(document: &Value) -> Result<Rollout, RolloutError> {
    Rollout::parse(&serde_json::to_vec(document).unwrap())
}

/// The document without window and predicates.
fn plain() -> Rollout {
    Rollout { window: None, predicates: Predicates::default(), ..read(&document()).unwrap() }
}

fn device(id: &str) -> DeviceFacts {
    DeviceFacts {
        id: id.into(),
        agent: "0.1.0".parse().unwrap(),
        arch: "aarch64".into(),
        memory_kib: 0,
        tags: [("line".to_owned(), "3".to_owned())].into(),
    }
}

fn after(seconds: i64) -> jiff::Zoned {
    let start: jiff::Timestamp = START.parse().unwrap();
    (start + jiff::SignedDuration::from_secs(seconds)).to_zoned(jiff::tz::TimeZone::UTC)
}

/// A device whose bucket is in `range`.
fn in_buckets(range: std::ops::Range<u16>) -> DeviceFacts {
    let found = (0..).map(|n| device(&format!("gateway-{n}"))).find(|d| range.contains(&bucket("9f", &d.id)));
    found.unwrap()
}

#[test]
fn a_document_reads_back_what_it_writes() {
    let rollout = read(&document()).unwrap();
    assert_eq!(serde_json::to_value(&rollout).unwrap(), document());
    assert_eq!(read(&serde_json::to_value(plain()).unwrap()).unwrap(), plain());
}

#[test]
fn the_bucket_is_that_of_the_decision_record() {
    // `printf %s saltgateway-1 | sha256sum` begins with 537f913f232cf5cc.
    assert_eq!(bucket("salt", "gateway-1"), 8_236);
}

#[test]
fn buckets_are_even() {
    const DEVICES: u32 = 100_000;
    let mut counts = [0u32; 100];
    for n in 0..DEVICES {
        counts[usize::from(bucket("9f86d081", &format!("site/gateway-{n}"))) / 100] += 1;
    }
    // 1000 each, with a standard deviation of 31: five of those either way.
    assert!(counts.iter().all(|count| (843..=1157).contains(count)), "{counts:?}");
}

#[test]
fn another_salt_is_another_order() {
    let same =
        (0..1000).filter(|n| bucket("a", &format!("{n}")) / 1000 == bucket("b", &format!("{n}")) / 1000);
    assert!((50..150).contains(&same.count()), "a tenth stays in its tenth by chance");
}

#[test]
fn the_ramp_is_linear_between_its_points_and_level_after() {
    let mut rollout = plain();
    let percent = |rollout: &Rollout, seconds| rollout.percent_at(after(seconds).timestamp());
    assert_eq!(percent(&rollout, -1), 0);
    assert_eq!(percent(&rollout, 0), 500);
    assert_eq!(percent(&rollout, 1800), 5250);
    assert_eq!(percent(&rollout, 3600), 10_000);
    assert_eq!(percent(&rollout, 1_000_000), 10_000);
    rollout.ramp[0].after_s = 60;
    assert_eq!(percent(&rollout, 59), 0);
    assert_eq!(percent(&rollout, 60), 500);
}

#[test]
fn a_device_goes_when_the_ramp_reaches_its_bucket() {
    let rollout = plain();
    let (first, last) = (in_buckets(0..500), in_buckets(9_000..10_000));
    assert_eq!(rollout.decide(&first, &after(-1)), Decision::Wait(Reason::NotStarted));
    assert_eq!(rollout.decide(&first, &after(0)), Decision::Go);
    assert_eq!(rollout.decide(&last, &after(0)), Decision::Wait(Reason::Ramp));
    assert_eq!(rollout.decide(&last, &after(3600)), Decision::Go);
}

#[test]
fn each_reason_is_told() {
    let rollout = Rollout { predicates: read(&document()).unwrap().predicates, ..plain() };
    let late = after(3600);
    let decide = |rollout: &Rollout, device: &DeviceFacts| rollout.decide(device, &late);
    let fits = device("any");
    assert_eq!(decide(&rollout, &fits), Decision::Go);
    let arch = DeviceFacts { arch: "x86_64".into(), ..fits.clone() };
    assert_eq!(decide(&rollout, &arch), Decision::No(Reason::Arch));
    let old = DeviceFacts { agent: "0.0.9".parse().unwrap(), ..fits.clone() };
    assert_eq!(decide(&rollout, &old), Decision::No(Reason::AgentTooOld));
    for tags in [vec![], vec![("line", "5")], vec![("hall", "3")]] {
        let tags = tags.into_iter().map(|(tag, value)| (tag.to_owned(), value.to_owned())).collect();
        assert_eq!(decide(&rollout, &DeviceFacts { tags, ..fits.clone() }), Decision::No(Reason::Tags));
    }
    let paused = Rollout { state: State::Paused, ..rollout.clone() };
    assert_eq!(decide(&paused, &fits), Decision::Wait(Reason::Paused));
    let aborted = Rollout { state: State::Aborted, ..rollout };
    assert_eq!(decide(&aborted, &fits), Decision::No(Reason::Aborted));
    assert_eq!(decide(&aborted, &arch), Decision::No(Reason::Aborted));
}

#[test]
fn the_window_is_in_local_time_and_may_pass_midnight() {
    let rollout = Rollout { window: read(&document()).unwrap().window, ..plain() };
    let at = |hours: i64| rollout.decide(&device("any"), &after(3600 * hours));
    // 10:00 UTC and so many hours more.
    assert_eq!(at(11), Decision::Wait(Reason::Window));
    assert_eq!(at(12), Decision::Go);
    assert_eq!(at(18), Decision::Go);
    assert_eq!(at(19), Decision::Wait(Reason::Window));
    let east = jiff::tz::TimeZone::fixed(jiff::tz::offset(9));
    assert_eq!(rollout.decide(&device("any"), &after(3 * 3600).with_time_zone(east)), Decision::Go);
    let by_day = Window {
        from: Clock::try_from("08:30".to_owned()).unwrap(),
        to: Clock::try_from("09:00".to_owned()).unwrap(),
    };
    let contains = |h, m| by_day.contains(jiff::civil::time(h, m, 0, 0));
    assert_eq!(
        [contains(8, 29), contains(8, 30), contains(8, 59), contains(9, 0)],
        [false, true, true, false]
    );
}

#[test]
fn impossible_documents_are_refused_with_their_key() {
    let bad: [(&str, &str, Value); 22] = [
        ("schema", "/schema", json!(2)),
        ("id", "/id", json!("")),
        ("id", "/id", json!("a\nb")),
        ("revision", "/revision", json!(-1)),
        ("model", "/model", json!("../x")),
        ("group", "/group", json!("Default")),
        ("release", "/release", json!(0)),
        ("release", "/release", json!(4_294_967_296u64)),
        ("target", "/target", json!("models/detector/../x")),
        ("target", "/target", json!("models/other/x.tar")),
        ("sha256", "/sha256", json!("00")),
        ("salt", "/salt", json!("")),
        ("start", "/start", json!("yesterday")),
        ("ramp", "/ramp", json!([])),
        ("ramp[1].percent", "/ramp/1/percent", json!(101)),
        ("ramp[1].percent", "/ramp/1/percent", json!(4)),
        ("ramp[1].after_s", "/ramp/1/after_s", json!(0)),
        ("state", "/state", json!("resumed")),
        ("window", "/window/to", json!("22:00")),
        ("window.to", "/window/to", json!("24:00")),
        ("predicates.min_agent", "/predicates/min_agent", json!("1")),
        ("predicates.tags.line", "/predicates/tags/line", json!([])),
    ];
    for (key, pointer, value) in bad {
        let mut document = document();
        *document.pointer_mut(pointer).unwrap() = value;
        let message = read(&document).unwrap_err().to_string();
        assert!(message.starts_with(&format!("rollout: key `{key}`: ")), "{pointer}: {message}");
    }
}

#[test]
fn unknown_keys_floats_and_duplicate_keys_are_refused() {
    for place in ["", "/ramp/0", "/window", "/predicates"] {
        let mut document = document();
        document.pointer_mut(place).unwrap()["new"] = 1.into();
        assert!(read(&document).unwrap_err().to_string().contains("unknown field `new`"), "{place}");
    }
    let text = document().to_string();
    for (from, to) in [("\"percent\":5", "\"percent\":5.0"), ("\"release\":2", "\"release\":2,\"release\":2")]
    {
        let spoiled = text.replacen(from, to, 1);
        assert_ne!(spoiled, text);
        assert!(Rollout::parse(spoiled.as_bytes()).is_err(), "{to}");
    }
}

fn ramps() -> impl Strategy<Value = Vec<Point>> {
    let steps = prop::collection::vec((1u64..1_000_000, 0u8..60), 1..6);
    (steps, 0u64..100).prop_map(|(steps, delay)| {
        let mut at = Point { after_s: delay, percent: 0 };
        let mut ramp = Vec::new();
        for (later, more) in steps {
            at.percent = (at.percent + more).min(100);
            ramp.push(at);
            at.after_s += later;
        }
        ramp
    })
}

proptest! {
    #[test]
    fn a_device_that_went_never_ungoes(ramp in ramps(), id in "[a-z]{1,8}", salt in "[0-9a-f]{2,16}", times in prop::collection::vec(-10i64..4_000_000, 2..20)) {
        let rollout = Rollout { ramp, salt, ..plain() };
        prop_assert!(read(&serde_json::to_value(&rollout).unwrap()).is_ok());
        let mut times = times;
        times.sort_unstable();
        let mut gone = false;
        for seconds in times {
            let go = rollout.decide(&device(&id), &after(seconds)) == Decision::Go;
            prop_assert!(go || !gone, "went, and at {} s no more", seconds);
            gone = go;
        }
    }

    #[test]
    fn as_many_go_as_the_ramp_says(ramp in ramps(), seconds in 0i64..4_000_000) {
        let rollout = Rollout { ramp, ..plain() };
        let go = (0..1000).filter(|n| rollout.decide(&device(&format!("d{n}")), &after(seconds)) == Decision::Go);
        let due = f64::from(rollout.percent_at(after(seconds).timestamp())) / 10.0;
        // Of 1000 devices; six standard deviations at the widest.
        prop_assert!((go.count() as f64 - due).abs() < 95.0);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>(), at in 0usize..400, with in any::<u8>()) {
        let _ = Rollout::parse(&bytes);
        let mut text = document().to_string().into_bytes();
        let at = at % text.len();
        text[at] = with;
        if let Ok(rollout) = Rollout::parse(&text) {
            let _ = rollout.decide(&device("any"), &after(1800));
        }
    }
}
