//! What a model here leaves open, asked of llama.cpp's own server.
//!
//! Both models have random weights, so neither says anything that holds: what is shown is that the
//! larger one is asked in its own language, and that its lies are not taken.
//!
//! The server needs a Python with what `tests/slm/requirements.txt` names, by `LINESIDE_SLM_PYTHON`.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use lineside::clock::SystemClock;
use lineside::config::Config;
use lineside::incident::Incident;
use lineside::incident::sentence::{ChannelNames, Subject};
use lineside::slm::case::Case;
use lineside::slm::description::WordedBy;
use lineside::slm::runtime::{Answer, Call, CostFigures, Priority, Reply, Request, Runtime};
use lineside_bundle::manifest::Task;
use lineside_random_models::{Made, Shape};
use serde_json::json;
use system_tests::{skipped, slm};

const CHAT: &str =
    "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant:";

/// llama.cpp's server, until dropped.
struct Llama {
    child: Child,
    url: String,
}

impl Llama {
    fn start(folder: &Path) -> Option<Self> {
        let Some(python) = slm::python() else {
            skipped("LINESIDE_SLM_PYTHON, a Python with what tests/slm/requirements.txt names");
            return None;
        };
        let mut child = Command::new(python)
            .arg("serve.py")
            .arg(folder)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/slm"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        assert!(url.starts_with("http"), "the server has ended: {url:?}");
        Some(Llama { child, url: url.trim().to_owned() })
    }
}

impl Drop for Llama {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Models here that leave everything open: one is never sure enough, the other talks nonsense.
fn runtime(folder: &Path, endpoint: &str) -> Runtime {
    let shape = Shape { context: 4096, ..Shape::default() };
    let mut classifier = Made::decoder(&shape);
    classifier.labels = ["leak", "wear", "slip", "worn"].map(String::from).to_vec();
    classifier.name = "faults".into();
    classifier.tasks = vec![Task::ClassifyIncident];
    classifier.write(&folder.join("faults")).unwrap();
    let mut words = Made::decoder(&shape);
    words.name = "words".into();
    words.tasks = vec![Task::SummarizeIncident];
    words.chat_template = Some(CHAT.into());
    words.write(&folder.join("words")).unwrap();

    let mut config = Config::default();
    config.gateway.data_dir = folder.to_owned();
    let task = &mut config.slm.task;
    task.classify_incident.model = Some(folder.join("faults"));
    task.classify_incident.min_confidence = Some(1.0);
    task.classify_incident.escalate = true;
    task.summarize_incident.model = Some(folder.join("words"));
    task.summarize_incident.escalate = true;
    task.summarize_incident.sampling.max_tokens = 16;
    config.slm.escalation.url = format!("{endpoint}/v1");
    config.slm.escalation.model = "large".into();
    Runtime::start(&config, Arc::new(SystemClock::new())).unwrap()
}

fn case() -> Case {
    let incident: Incident = serde_json::from_value(json!({
        "id": "pump-1-1", "device": "pump-1", "change": "opened",
        "opened": 1_795_248_040_000_000_i64, "updated": 1_795_248_040_000_000_i64, "closed": null,
        "summary": "pump-1: flow fell by 27.5 l/min to 12.5 l/min (step) 30 s ago.",
        "evidence": {
            "onset": 1_795_248_010_000_000_i64, "duration_s": 30.0, "score": 6.5, "peak_score": 7.0, "limit": 4.0,
            "channels": [{"name": "flow", "unit": "l/min", "baseline": 40.0, "now": 12.5, "deviation": -27.5,
                          "deviation_sd": -9.0, "deviates": true, "shape": "step",
                          "onset": 1_795_248_010_000_000_i64, "order": 1}],
        },
    }))
    .unwrap();
    let flow = ChannelNames { name: "flow".into(), unit: "l/min".into(), label: "flow".into() };
    let subject = Subject { device: "pump-1".into(), kind: None, channels: vec![flow] };
    Case { subject, incident, assessment: None, notes: Vec::new() }
}

fn ask(runtime: &Runtime, request: Request) -> Answer {
    runtime.ask(Call::new(request, Priority::Incident, None), None).wait().unwrap()
}

fn costs(runtime: &Runtime, task: Task) -> CostFigures {
    runtime.figures().costs.into_iter().find(|costs| costs.task == task.name()).unwrap()
}

/// Asks about an incident both ways; the answers here stay.
fn leave_open(runtime: &Runtime) {
    let answer = ask(runtime, Request::ClassifyIncident(Box::new(case())));
    let Reply::Class(found) = &answer.reply else { panic!("{answer:?}") };
    assert_eq!((&found.label, answer.by), (&None, WordedBy::Model));
    let answer = ask(runtime, Request::SummarizeIncident(Box::new(case())));
    let Reply::Words(words) = &answer.reply else { panic!("{answer:?}") };
    assert_eq!((words.text.as_str(), answer.by), (case().incident.summary.as_str(), WordedBy::Rules));
}

#[test]
fn a_llama_cpp_server_is_asked_and_its_nonsense_is_not_taken() {
    let (folder, served) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(llama) = Llama::start(served.path()) else { return };
    let runtime = runtime(folder.path(), &llama.url);
    leave_open(&runtime);
    for task in [Task::ClassifyIncident, Task::SummarizeIncident] {
        let escalated = costs(&runtime, task).escalated;
        // It answered, in its own language: what it said is nonsense, nothing, or has no end.
        let nonsense: u64 = ["violations", "unknown", "empty", "unfinished"]
            .iter()
            .filter_map(|outcome| escalated.get(*outcome))
            .sum();
        assert_eq!(nonsense, 1, "{}: {escalated:?}", task.name());
        assert_eq!(escalated.values().sum::<u64>(), 1, "{}: {escalated:?}", task.name());
    }
}

#[test]
fn a_larger_model_that_is_not_there_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let runtime = runtime(folder.path(), &format!("http://{closed}"));
    leave_open(&runtime);
    for task in [Task::ClassifyIncident, Task::SummarizeIncident] {
        assert_eq!(costs(&runtime, task).escalated.get("unavailable"), Some(&1), "{}", task.name());
    }
}
