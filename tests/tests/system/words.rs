//! Incidents in the words of a model on the gateway, after the alarm: a real agent, a real broker,
//! a real model on tract with random weights.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use lineside::update::control::{Answer, Request};
use lineside::update::event::Phase;
use lineside::update::show::Listed;
use serde_json::Value;
use system_tests::control_room::ControlRoom;
use system_tests::mosquitto::Mosquitto;
use system_tests::ota::{Follower, Ota};
use system_tests::{agent, language, wait};

const INCIDENT: &str = "lineside/v1/test/gateway/incident/pump-1";
const STATE: &str = "lineside/v1/test/gateway/incident-state/pump-1";
const LABELS: [&str; 3] = ["outlet_valve_closing", "bearing_wear", "leak"];

/// An agent that is killed with the test.
struct Running(Child);

impl Running {
    /// The simulated station at two hundred times real time, whose outlet valve closes.
    fn start(folder: &Path, broker: u16, slm: &str) -> Self {
        let channels: String = ["flow", "pressure_out", "motor_current"]
            .map(|name| format!("[[device.channel]]\nname = \"{name}\"\n"))
            .concat();
        let text = format!(
            "[gateway]\nsite = \"test\"\nname = \"gateway\"\ndata_dir = '{}'\n\
             [mqtt]\nhost = \"127.0.0.1\"\nport = {broker}\n\
             [outbox]\ncommit_interval = \"50ms\"\n\
             [status]\nenabled = false\n\
             {slm}\n\
             [[device]]\nid = \"pump-1\"\nperiod = \"1s\"\n\
             [device.source]\ntype = \"simulate\"\nspeed = 200\n\
             [[device.source.fault]]\nkind = \"outlet_valve_closing\"\nat = \"20m\"\nduration = \"10m\"\n\
             {channels}",
            folder.join("data").display()
        );
        let config = folder.join("agent.toml");
        fs::write(&config, text).unwrap();
        let log = fs::File::create(folder.join("agent.log")).unwrap();
        let child = Command::new(agent::path())
            .args(["run", "--config"])
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Running(child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn tasks(folder: &Path) -> String {
    let (classifier, _) = language::write(&language::classifier(&LABELS), folder);
    let (summarizer, _) = language::write(&language::summarizer(1), folder);
    format!(
        "[slm]\ndeadline = \"1m\"\n\
         [slm.task.classify-incident]\nmodel = '{}'\nmin_confidence = 0.0\n\
         [slm.task.summarize-incident]\nmodel = '{}'\n",
        classifier.display(),
        summarizer.display()
    )
}

fn place(messages: &[Value], change: &str) -> Option<usize> {
    messages.iter().position(|message| message["change"] == change)
}

/// Numbers of the evidence as a reader may meet them, and those of names and units.
fn numbers(text: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    for letter in text.chars() {
        let last = found.last_mut().unwrap();
        if letter.is_ascii_digit() || (letter == '.' && !last.is_empty()) {
            last.push(letter);
        } else if !last.is_empty() {
            found.push(String::new());
        }
    }
    found.retain(|number| !number.is_empty());
    found.iter().map(|number| number.trim_end_matches('.').to_owned()).collect()
}

#[test]
fn an_incident_is_told_at_once_and_then_in_a_models_words() {
    let Some(broker) = Mosquitto::plain("") else { return };
    let room = ControlRoom::open(broker.port, None);
    let folder = tempfile::tempdir().unwrap();
    let _agent = Running::start(folder.path(), broker.port, &tasks(folder.path()));

    wait::until("an incident to be described", || place(&room.on(INCIDENT), "described").is_some());
    let messages = room.on(INCIDENT);
    let described = &messages[place(&messages, "described").unwrap()];
    let alarm = messages.iter().position(|message| {
        message["id"] == described["id"]
            && message["ts"] == described["ts"]
            && message["change"] != "described"
    });
    let alarm = &messages[alarm.expect("the alarm itself")];
    assert!(alarm["seq"].as_u64() < described["seq"].as_u64(), "the alarm comes first");
    assert_eq!((&alarm["summary_by"], &alarm["assessment"]), (&Value::from("rules"), &Value::Null));
    assert_eq!(described["evidence"], alarm["evidence"]);
    assert_eq!(described["summary_by"], "model", "{described}");
    assert_ne!(described["summary"], alarm["summary"]);
    let label = described["assessment"]["label"].as_str().unwrap();
    assert!(LABELS.contains(&label), "{label}");
    for model in ["detector", "classifier", "summarizer"] {
        assert!(described["models"][model].is_string(), "{model}: {}", described["models"]);
    }
    // A panel is told the newest only: any of the words will do.
    wait::until("words to stand on the panel", || {
        let messages = room.on(INCIDENT);
        let words: Vec<&Value> =
            messages.iter().filter(|m| m["change"] == "described").map(|m| &m["summary"]).collect();
        room.on(STATE).iter().any(|state| words.contains(&&state["open"][0]["summary"]))
    });
}

#[test]
fn an_incident_gets_its_cause_and_what_to_check_from_the_model_that_is_built_in() {
    let Some(broker) = Mosquitto::plain("") else { return };
    let room = ControlRoom::open(broker.port, None);
    let folder = tempfile::tempdir().unwrap();
    // Nothing about models in the configuration.
    let _agent = Running::start(folder.path(), broker.port, "");
    let known =
        |message: &Value| message["change"] == "described" && message["assessment"]["cause"].is_string();
    wait::until("an incident to get a cause", || room.on(INCIDENT).iter().any(known));
    let messages = room.on(INCIDENT);
    let described = messages.iter().find(|message| known(message)).unwrap();
    let assessment = &described["assessment"];
    assert_eq!(assessment["label"], "outlet_blocked", "{described}");
    let (cause, check) = (assessment["cause"].as_str().unwrap(), assessment["check"].as_str().unwrap());
    let summary = described["summary"].as_str().unwrap();
    assert!(summary.contains(&format!("Likely cause: {cause}.")), "{summary}");
    assert!(summary.ends_with(&format!("To check: {check}.")), "{summary}");
    assert_eq!(described["summary_by"], "rules");
    let channels = ["flow", "pressure_out", "motor_current"];
    let because = assessment["because"].as_array().unwrap();
    assert!(
        because.iter().all(|because| channels.contains(&because["what"].as_str().unwrap())),
        "{because:?}"
    );
    assert!(described["models"]["incident"].is_string(), "{}", described["models"]);
    // The alarm was out before.
    let alarm = messages.iter().find(|message| {
        message["id"] == described["id"]
            && message["ts"] == described["ts"]
            && message["change"] != "described"
    });
    assert!(alarm.unwrap()["seq"].as_u64() < described["seq"].as_u64());
    // When it is over nothing deviates any more, and it still was what it was.
    wait::until("the end of the incident to be told with its cause", || {
        room.on(INCIDENT).iter().any(|message| {
            known(message) && !message["closed"].is_null() && message["assessment"]["cause"] == cause
        })
    });
    // A panel is told the newest only: any of the classes will do.
    wait::until("a class to stand on the panel", || {
        let messages = room.on(INCIDENT);
        let classes: Vec<&Value> =
            messages.iter().filter(|message| known(message)).map(|message| &message["assessment"]).collect();
        room.on(STATE).iter().any(|state| classes.contains(&&state["open"][0]["assessment"]))
    });
}

#[test]
fn a_model_with_random_weights_states_no_number_of_its_own() {
    let Some(broker) = Mosquitto::plain("") else { return };
    let room = ControlRoom::open(broker.port, None);
    let folder = tempfile::tempdir().unwrap();
    let _agent = Running::start(folder.path(), broker.port, &tasks(folder.path()));
    wait::until("an incident to close in a model's words", || {
        room.on(INCIDENT)
            .iter()
            .any(|message| message["change"] == "described" && !message["closed"].is_null())
    });
    for message in room.on(INCIDENT).iter().filter(|message| message["change"] == "described") {
        let summary = message["summary"].as_str().unwrap();
        let evidence = &message["evidence"];
        let mut known: Vec<f64> = vec![evidence["duration_s"].as_f64().unwrap()];
        for channel in evidence["channels"].as_array().unwrap() {
            known.extend(["baseline", "now", "deviation"].iter().filter_map(|key| channel[key].as_f64()));
        }
        let onset = evidence["onset"].as_str().unwrap();
        for number in numbers(summary) {
            let value: f64 = number.parse().unwrap();
            // Rounded to three digits, in seconds, minutes or hours; or a time of day, or the
            // number of the machine in its name, or the count of further channels.
            let same = |known: f64| (known.abs() - value).abs() <= known.abs() * 0.006 + 1e-9;
            let as_time =
                |known: f64| [1.0, 60.0, 3600.0].iter().any(|unit| (known / unit - value).abs() <= 1.0);
            let said = known.iter().any(|&known| same(known) || as_time(known))
                || onset.contains(&number)
                || value <= 3.0;
            assert!(said, "{number} of `{summary}` is not in {evidence}");
        }
    }
}

#[test]
fn a_model_that_cannot_answer_leaves_the_alarm_as_it_is() {
    let Some(broker) = Mosquitto::plain("") else { return };
    let room = ControlRoom::open(broker.port, None);
    let folder = tempfile::tempdir().unwrap();
    let (summarizer, _) = language::write(&language::large_summarizer(), folder.path());
    let slm = format!(
        "[slm]\nmemory = \"1MiB\"\n[slm.task.classify-incident]\nbuilt_in = false\n\
         [slm.task.summarize-incident]\nmodel = '{}'\n",
        summarizer.display()
    );
    let _agent = Running::start(folder.path(), broker.port, &slm);
    wait::until("an incident to close", || place(&room.on(INCIDENT), "closed").is_some());
    let log = folder.path().join("agent.log");
    wait::until("the model to be given up", || {
        fs::read_to_string(&log).is_ok_and(|log| log.contains("left with the deterministic sentence"))
    });
    let messages = room.on(INCIDENT);
    assert_eq!(place(&messages, "described"), None);
    assert!(messages.iter().all(|message| message["summary_by"] == "rules"));
}

/// A gateway with a summarizer in its configuration, and a server that rolls out another release.
fn following(release: &lineside_random_models::Made) -> (Ota, Follower) {
    let ota = Ota::start();
    let (factory, _) = language::write(&language::summarizer(1), ota.folder());
    let (_, tar) = language::write(release, ota.folder());
    ota.publish(&tar);
    let gateway =
        Follower::start(&ota, &format!("[slm.task.summarize-incident]\nmodel = '{}'", factory.display()));
    ota.operate(&["create", "--model", "summarizer", "--release", "2", "--id", "words"]);
    (ota, gateway)
}

fn summarizer_of(gateway: &Follower) -> Listed {
    let Answer::Models(models) = gateway.ask(&Request::List) else { panic!("no list") };
    models.into_iter().find(|model| model.model == "summarizer").unwrap()
}

#[test]
fn a_language_model_is_updated_like_any_other() {
    let (_ota, mut gateway) = following(&language::summarizer(2));
    gateway.until(2, Phase::Committed);
    let committed = summarizer_of(&gateway);
    assert_eq!((committed.release, committed.factory), (2, false));
    gateway.kill();
    gateway.run();
    assert_eq!(summarizer_of(&gateway).release, 2, "over a restart");
    let Answer::Done = gateway.ask(&Request::Rollback { model: "summarizer".into() }) else {
        panic!("not rolled back")
    };
    let back = summarizer_of(&gateway);
    assert_eq!((back.release, back.factory), (1, true), "the configured bundle answers again");
}

#[test]
fn a_language_model_that_cannot_speak_never_answers() {
    let mut wrong = language::summarizer(2);
    wrong.lexicon = wrong.lexicon.map(|words| words.replace("\"rose\"", "\"42\""));
    let (_ota, gateway) = following(&wrong);
    wait::until("the release to fail", || {
        gateway
            .history()
            .iter()
            .any(|event| event.release == 2 && matches!(event.phase, Phase::RolledBack | Phase::Rejected))
    });
    let back = summarizer_of(&gateway);
    assert_eq!((back.release, back.factory), (1, true));
    assert!(!back.denied.is_empty(), "it is not tried again");
}
