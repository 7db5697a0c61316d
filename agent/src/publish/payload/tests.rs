use std::collections::BTreeMap;
use std::path::Path;

use jsonschema::Validator;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::config::DeviceConfig;
use crate::drift::{Against, Compared, What};
use crate::incident::Incident;
use crate::incident::fixtures::{any_incident, any_time, any_value, at, device, incident as an_incident};
use crate::outbox::Record;
use crate::publish::Topics;
use crate::signal::{Aggregate, ChannelAggregate};
use crate::slm::case::{Assessment, Because};
use crate::slm::description::{Description, WordedBy};
use crate::slm::runtime::{CostFigures, LoadedModel, SlmFigures};

const SCHEMAS: [(&str, &str); 9] = [
    (schema::DATA, include_str!("../../../schemas/data.schema.json")),
    (schema::DRIFT, include_str!("../../../schemas/drift.schema.json")),
    (schema::INCIDENT, include_str!("../../../schemas/incident.schema.json")),
    (schema::INCIDENT_STATE, include_str!("../../../schemas/incident-state.schema.json")),
    (schema::LAST, include_str!("../../../schemas/last.schema.json")),
    (schema::META, include_str!("../../../schemas/meta.schema.json")),
    (schema::MODELS, include_str!("../../../schemas/models.schema.json")),
    (schema::REPORT, include_str!("../../../schemas/report.schema.json")),
    (schema::STATUS, include_str!("../../../schemas/status.schema.json")),
];

thread_local! {
    static VALIDATORS: BTreeMap<&'static str, Validator> = SCHEMAS
        .iter()
        .map(|(id, text)| {
            let schema: Value = serde_json::from_str(text).unwrap();
            assert_eq!(schema["$id"], *id);
            jsonschema::meta::validate(&schema).unwrap_or_else(|error| panic!("{id}: {error}"));
            (*id, jsonschema::draft202012::new(&schema).unwrap())
        })
        .collect();
}

/// Why the message does not follow the schema; empty when it does.
fn faults(id: &str, message: &Value) -> Vec<String> {
    VALIDATORS.with(|validators| {
        validators[id]
            .iter_errors(message)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    })
}

fn check(id: &str, message: &Value) {
    let faults = faults(id, message);
    assert!(faults.is_empty(), "{id}: {faults:?} in {message}");
}

fn topics() -> Topics {
    Topics::new("lineside", "north", "gw-7").unwrap()
}

fn model() -> ModelRef {
    ModelRef { name: "detector".into(), version: "1.0.0".into() }
}

fn pump() -> DeviceConfig {
    device(&[("pressure_out", "bar"), ("flow", "m3/h"), ("temperature", "°C")])
}

/// As the outbox sends it.
fn sent(record: &Record) -> Value {
    let mut bytes = br#"{"boot":3,"seq":17,"hist":false,"#.to_vec();
    bytes.extend_from_slice(record.body.strip_prefix(b"{").expect("a body is an object"));
    serde_json::from_slice(&bytes).unwrap()
}

fn read((_, payload): &(String, Vec<u8>)) -> Value {
    serde_json::from_slice(payload).unwrap()
}

fn an_aggregate() -> Aggregate {
    let figures = |mean: f64| ChannelAggregate {
        count: 10,
        min: Some(mean - 0.5),
        mean: Some(mean),
        max: Some(mean + 0.5),
        std: Some(0.25),
        last: Some(mean),
        bad_share: 0.0,
    };
    let silent = ChannelAggregate {
        count: 0,
        min: None,
        mean: None,
        max: None,
        std: None,
        last: None,
        bad_share: 1.0,
    };
    Aggregate {
        start: at(0),
        end: at(10),
        channels: vec![figures(4.2), figures(42.0), silent],
        score: Some(-3.5),
    }
}

fn a_status() -> StatusMessage {
    StatusMessage {
        now: at(0),
        boot: 3,
        version: "0.1.0".into(),
        models: vec![model()],
        clock: ClockState::Synchronised,
        outbox_depth: 12,
        outbox_oldest: Some(at(-30)),
        evicted: BTreeMap::from([("quota".to_owned(), 0)]),
        lost: BTreeMap::new(),
        alarms: Vec::new(),
    }
}

fn a_description() -> Description {
    Description {
        summary: "Pressure out rose by 1.2 bar while flow fell by 12 m3/h: the outlet valve may be closing."
            .into(),
        by: WordedBy::Model,
        assessment: Some(Assessment {
            label: Some("outlet_valve_closing".into()),
            confidence: 0.93,
            scores: Vec::new(),
            cause: Some("an outlet valve that is closing".into()),
            second: Some("a worn seal".into()),
            check: Some("the valve behind the pump".into()),
            unexplained: vec!["temperature".into()],
            benign: false,
            because: vec![
                Because { what: "flow".into(), weight: 0.5 },
                Because { what: "notes".into(), weight: 0.125 },
            ],
        }),
        models: vec![ModelRef { name: "incidents".into(), version: "1.0.0".into() }],
    }
}

fn a_report() -> Report {
    Report {
        from: at(-28_800),
        to: at(0),
        incidents: vec!["pump-1-20261121T041500.000Z".into()],
        text: "pump-1: 1 incident. Pressure out rose by 1.2 bar.".into(),
        by: WordedBy::Rules,
        models: Vec::new(),
    }
}

fn some_figures() -> SlmFigures {
    let counts = |counts: &[(&str, u64)]| counts.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
    SlmFigures {
        waiting: 0,
        budget_bytes: 256 << 20,
        loaded: vec![LoadedModel { name: "words".into(), bytes: 30 << 20 }],
        costs: vec![CostFigures {
            task: "summarize-incident".into(),
            model: "words".into(),
            answered: 12,
            refused: counts(&[("deadline", 1)]),
            tokens_in: 1_440,
            tokens_out: 600,
            cpu_ms: 9_800,
            energy_j: Some(17.64),
            p50_ms: 780.5,
            p95_ms: 936.0,
            p99_ms: 936.0,
            memory_peak_bytes: 33 << 20,
            abstained: 0,
            fallbacks: counts(&[("violations", 1)]),
            escalated: counts(&[("answered", 1)]),
        }],
    }
}

fn a_drift() -> Vec<Compared> {
    let flow = Compared {
        what: What::Input,
        channel: Some("flow".into()),
        against: Against::Commissioning,
        known: 1.0,
        psi: Some(1.31),
        limit: Some(0.62),
        shift_sd: Some(-1.25),
        spread: Some(1.1),
        until: Some(at(0)),
        since: Some(at(-2 * 86_400)),
    };
    let score = Compared {
        what: What::Score,
        channel: None,
        known: 0.5,
        psi: None,
        limit: None,
        shift_sd: None,
        spread: None,
        until: None,
        since: None,
        ..flow.clone()
    };
    vec![flow, score]
}

fn any_description() -> impl Strategy<Value = Description> {
    let by =
        any::<bool>().prop_map(|escalated| if escalated { WordedBy::Escalation } else { WordedBy::Model });
    (".{0,80}", option::of(any_assessment()), by).prop_map(|(summary, assessment, by)| Description {
        summary,
        by,
        assessment,
        models: vec![model()],
    })
}

fn any_assessment() -> impl Strategy<Value = Assessment> {
    let text = || option::of(".{0,20}");
    let because = (".{0,20}", -1.0..=1.0f32).prop_map(|(what, weight)| Because { what, weight });
    let found = (text(), 0.0..=1.0f32, vec(".{0,20}", 0..3), any::<bool>(), vec(because, 0..3));
    (found, text(), text(), text()).prop_map(
        |((label, confidence, unexplained, benign, because), cause, second, check)| Assessment {
            label,
            confidence,
            scores: Vec::new(),
            cause,
            second,
            check,
            unexplained,
            benign,
            because,
        },
    )
}

/// Every message, once, under its schema's id.
fn every_message() -> Vec<(&'static str, Value)> {
    let (topics, device, incident) = (topics(), pump(), an_incident());
    vec![
        (schema::DATA, sent(&data(&topics, &device, &an_aggregate(), &model()))),
        (schema::DRIFT, read(&drift(&topics, "pump-1", &a_drift(), &model(), at(0), 3))),
        (schema::INCIDENT, sent(&super::incident(&topics, &device, &incident, None, &model()))),
        (
            schema::INCIDENT,
            sent(&super::incident(&topics, &device, &incident, Some(&a_description()), &model())),
        ),
        (schema::INCIDENT_STATE, read(&incident_state(&topics, &device, Some(&incident), None, at(40), 3))),
        (schema::INCIDENT_STATE, read(&incident_state(&topics, &device, None, None, at(40), 3))),
        (schema::LAST, read(&last(&topics, &device, &an_aggregate(), 3))),
        (schema::META, read(&meta(&topics, &device, at(0), 3))),
        (schema::MODELS, read(&models(&topics, &some_figures(), at(0), 3))),
        (schema::REPORT, sent(&report(&topics, &a_report()))),
        (schema::STATUS, read(&status(&topics, &a_status()))),
        (schema::STATUS, read(&offline(&topics, "0.1.0", at(0), 3))),
    ]
}

#[test]
fn every_payload_follows_its_schema() {
    for (id, message) in every_message() {
        check(id, &message);
    }
}

#[test]
fn a_payload_with_a_field_missing_added_or_of_another_type_is_found() {
    for (id, message) in every_message() {
        let fields = message.as_object().unwrap();
        for field in fields.keys().filter(|field| id != schema::LAST || last::OWN.contains(&field.as_str())) {
            let mut without = message.clone();
            without.as_object_mut().unwrap().remove(field);
            assert!(!faults(id, &without).is_empty(), "{id} without {field}");
            let mut other = message.clone();
            other[field] = json!([[]]);
            assert!(!faults(id, &other).is_empty(), "{id} with another {field}");
        }
        let mut more = message.clone();
        more["surplus"] = json!("text");
        assert!(!faults(id, &more).is_empty(), "{id} with a surplus field");
    }
}

#[test]
fn every_field_of_every_schema_is_described() {
    fn described(schema: &Value, at: &str) {
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            assert!(field["description"].is_string(), "{at}/{name} has no description");
            described(field, &format!("{at}/{name}"));
            described(&field["items"], &format!("{at}/{name}/items"));
        }
    }
    for (id, text) in SCHEMAS {
        let schema: Value = serde_json::from_str(text).unwrap();
        described(&schema, id);
        for (name, part) in schema["$defs"].as_object().into_iter().flatten() {
            described(part, &format!("{id}#{name}"));
        }
    }
}

#[test]
fn measured_values_are_floats_and_keys_keep_the_configurations_order() {
    let body = String::from_utf8(data(&topics(), &pump(), &an_aggregate(), &model()).body).unwrap();
    assert!(
        body.starts_with(r#"{"ts":"2026-11-21T08:00:10.000Z","ts_ms":1795248010000,"device":"pump-1","#),
        "{body}"
    );
    assert!(body.contains(r#""interval_s":10.0,"score":-3.5,"models":{"detector":"1.0.0"}"#), "{body}");
    assert!(body.contains(
        r#""flow":{"count":10,"min":41.5,"mean":42.0,"max":42.5,"std":0.25,"last":42.0,"quality":1.0}"#
    ));
    assert!(body.contains(r#""temperature":{"count":0,"min":null"#));
    assert!(body.find("pressure_out") < body.find("flow"));
}

#[test]
fn a_channel_with_the_name_of_an_own_key_gets_another() {
    let device = device(&[("ts", ""), ("ts_", ""), ("boot", "")]);
    let message = read(&last(&topics(), &device, &an_aggregate(), 3));
    check(schema::LAST, &message);
    assert_eq!((&message["boot"], &message["ts__"], &message["ts_"]), (&json!(3), &json!(4.2), &json!(42.0)));
    assert_eq!(message["boot_"], Value::Null);
}

#[test]
fn a_closed_incident_is_not_open() {
    let closed = Incident { change: crate::incident::Change::Closed, closed: Some(at(90)), ..an_incident() };
    let message = read(&incident_state(&topics(), &pump(), Some(&closed), None, at(90), 3));
    assert_eq!(message["open"], json!([]));
}

#[test]
fn a_description_follows_the_alarm_with_the_same_evidence() {
    let (incident, words) = (an_incident(), a_description());
    let alarm = sent(&super::incident(&topics(), &pump(), &incident, None, &model()));
    let described = sent(&super::incident(&topics(), &pump(), &incident, Some(&words), &model()));
    assert_eq!((&alarm["change"], &described["change"]), (&json!("opened"), &json!("described")));
    for same in ["id", "ts", "opened", "evidence"] {
        assert_eq!(alarm[same], described[same], "{same}");
    }
    assert_eq!(described["summary"], json!(words.summary));
    assert_eq!(described["models"], json!({"detector": "1.0.0", "incidents": "1.0.0"}));
    assert!((described["assessment"]["confidence"].as_f64().unwrap() - 0.93).abs() < 1e-6);
}

/// The examples of the reference page: the schema's name, then the message.
fn examples() -> Vec<(String, Value)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/topics.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let mut name = String::new();
    let mut found = Vec::new();
    let mut blocks = text.split("```");
    while let Some(prose) = blocks.next() {
        if let Some(heading) = prose.lines().rfind(|line| line.starts_with("## ")) {
            name = heading.trim_start_matches("## `").split(['`', '/']).next().unwrap_or_default().to_owned();
        }
        if let Some(example) = blocks.next().and_then(|block| block.strip_prefix("json\n")) {
            found.push((format!("urn:lineside:schema:v1:{name}"), serde_json::from_str(example).unwrap()));
        }
    }
    found
}

#[test]
fn the_reference_page_shows_each_message_as_it_is() {
    let examples = examples();
    let shown: Vec<&str> = examples.iter().map(|(id, _)| id.as_str()).collect();
    for (id, _) in SCHEMAS {
        assert!(shown.contains(&id), "the page shows no example of {id}");
    }
    let real = every_message();
    for (id, example) in &examples {
        check(id, example);
        assert!(real.iter().any(|(real, message)| real == id && message == example), "{id}: {real:#?}");
    }
}

fn any_aggregate() -> impl Strategy<Value = Aggregate> {
    let value = || option::of(any_value());
    // A standard deviation is never negative; all else may be anything.
    let channel = (any::<u64>(), value(), value(), value(), value(), 0.0..=1.0f64);
    let channel = channel.prop_map(|(count, min, mean, max, last, bad_share)| ChannelAggregate {
        count,
        min,
        mean,
        max,
        std: max.map(f64::abs),
        last,
        bad_share,
    });
    (any_time(), 1i64..100_000, vec(channel, 3), option::of(any::<f32>())).prop_map(
        |(start, millis, channels, score)| Aggregate {
            start,
            end: crate::time::Timestamp::from_millis(start.as_millis() + millis),
            channels,
            score,
        },
    )
}

proptest! {
    #[test]
    fn any_aggregate_gives_valid_payloads(aggregate in any_aggregate(), boot in 1u32..) {
        check(schema::DATA, &sent(&data(&topics(), &pump(), &aggregate, &model())));
        check(schema::LAST, &read(&last(&topics(), &pump(), &aggregate, boot)));
    }

    #[test]
    fn any_incident_gives_valid_payloads(
        incident in any_incident(),
        described in option::of(any_description()),
        now in any_time(),
        boot in 1u32..,
    ) {
        let open = incident_state(&topics(), &pump(), Some(&incident), described.as_ref(), now, boot);
        check(schema::INCIDENT, &sent(&super::incident(&topics(), &pump(), &incident, described.as_ref(), &model())));
        check(schema::INCIDENT_STATE, &read(&open));
    }

    #[test]
    fn any_status_gives_a_valid_payload(
        now in any_time(),
        depth in any::<u64>(),
        oldest in option::of(any_time()),
        counts in btree_map("[a-z_]{1,12}", any::<u64>(), 0..5),
    ) {
        let message = StatusMessage {
            now, outbox_depth: depth, outbox_oldest: oldest, evicted: counts.clone(), lost: counts,
            alarms: vec!["stale_metadata", "safe_mode", "drift"], ..a_status()
        };
        check(schema::STATUS, &read(&status(&topics(), &message)));
    }
}
