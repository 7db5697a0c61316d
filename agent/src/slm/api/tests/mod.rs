//! The API as programs meet it: over HTTP, on a model that answers by what it is asked.

mod document;
mod refusals;
mod streaming;

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use lineside_bundle::manifest::Task;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{ApiServer, Gateway};
use crate::clock::SystemClock;
use crate::config::SlmConfig;
use crate::config::slm::SlmApiConfig;
use crate::slm::case::Assessment;
use crate::slm::description::WordedBy;
use crate::slm::runtime::{
    Done, Executor, Finish, Form, Generation, Loader, Model, Prompt, Refusal, Reply, Request, Run, Runtime,
    Words, fixtures,
};
use crate::time::Timestamp;

/// A prompt that is answered, as is a report from 1970 on, when nobody waits for it any more.
const ENDLESS: &str = "go on for ever";
/// A prompt whose answer breaks off after the first piece.
const BROKEN: &str = "break off";
/// What every other prompt is answered with, piece by piece.
const PIECES: [&str; 3] = ["The ", "pump ", "runs."];

/// A model that answers by what it is asked.
struct Actor {
    /// Says how endless work began and ended.
    seen: mpsc::Sender<&'static str>,
}

struct Stage(mpsc::Sender<&'static str>);

impl Loader for Stage {
    fn load(&self, _: &Model) -> Result<Arc<dyn Executor>, String> {
        Ok(Arc::new(Actor { seen: self.0.clone() }))
    }
}

impl Executor for Actor {
    fn memory_bytes(&self) -> u64 {
        1
    }

    fn run(&self, request: &Request, run: &Run<'_>) -> Result<Done, Refusal> {
        let reply = match request {
            Request::ClassifyIncident(_) | Request::ClassifyText { .. } => Reply::Class(Assessment {
                label: None,
                confidence: 0.5,
                scores: vec![("bearing".into(), 0.5), ("leak".into(), 0.25)],
                ..Assessment::default()
            }),
            Request::SummarizeIncident(case) => {
                Reply::Words(Words { text: case.incident.summary.clone(), fallback: Some("unsure".into()) })
            }
            Request::ShiftReport(shift) if shift.from == Timestamp::EPOCH => return self.go_on(run),
            Request::ShiftReport(shift) => {
                Reply::Words(Words { text: format!("{} incidents", shift.cases.len()), fallback: None })
            }
            Request::Embed { texts } => Reply::Vectors(texts.iter().map(|_| vec![0.6, -0.8]).collect()),
            Request::Generate(generation) => self.write(generation, run)?,
        };
        Ok(Done {
            reply,
            by: WordedBy::Model,
            tokens_in: 3,
            tokens_out: 4,
            memory_bytes: 0,
            normalised: None,
        })
    }
}

impl Actor {
    /// Works until nobody waits for it any more.
    fn go_on(&self, run: &Run<'_>) -> Result<Done, Refusal> {
        self.seen.send("begun").expect("the test listens");
        while (run.go_on)() {
            thread::yield_now();
        }
        self.seen.send("ended").expect("the test listens");
        Err(Refusal::Cancelled)
    }

    fn write(&self, Generation { prompt, form, .. }: &Generation, run: &Run<'_>) -> Result<Reply, Refusal> {
        let asked = match prompt {
            Prompt::Text(text) => text,
            Prompt::Chat(messages) => &messages.last().expect("a conversation has messages").content,
        };
        let say = |piece: &str| run.pieces.map(|pieces| pieces.send(piece.to_owned()));
        match asked.as_str() {
            ENDLESS => {
                say(PIECES[0]);
                self.go_on(run).map(|done| done.reply)
            }
            BROKEN => {
                say(PIECES[0]);
                Err(Refusal::Model { model: "writer".into(), problem: "it broke".into() })
            }
            "" => Err(Refusal::invalid("prompt", "is empty")),
            _ if matches!(form, Form::JsonSchema(_)) => {
                say("{}");
                Ok(Reply::Text { text: "{}".into(), finish: Finish::Stop })
            }
            _ => {
                PIECES.iter().for_each(|piece| drop(say(piece)));
                Ok(Reply::Text { text: PIECES.concat(), finish: Finish::Length })
            }
        }
    }
}

/// A running API.
struct Served {
    address: SocketAddr,
    /// How endless work begins and ends.
    seen: mpsc::Receiver<&'static str>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    folder: tempfile::TempDir,
}

/// An answer to a request.
#[derive(Debug)]
struct Heard {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Heard {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The refusal's code and the field that it names.
    fn refusal(&self) -> (u16, String, Option<String>) {
        let error = &self.json()["error"];
        let text = |key: &str| error[key].as_str().map(str::to_owned);
        (self.status, text("code").expect("a refusal has a code"), text("param"))
    }
}

impl Served {
    /// With a writer, a reader and a classifier.
    fn start() -> Self {
        Served::with(|_, _| {})
    }

    fn with(change: impl FnOnce(&mut SlmConfig, &std::path::Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bundle = |name, task, also: &[Task]| {
            fixtures::bundle(folder.path(), &fixtures::manifest(name, task, also))
        };
        let writer = bundle("writer", Task::Generate, &[Task::SummarizeIncident, Task::ShiftReport]);
        let reader = bundle("reader", Task::Embed, &[]);
        let labels = bundle("labels", Task::ClassifyText, &[Task::ClassifyIncident]);
        let tasks = fixtures::tasks(&[
            (Task::Generate, &writer),
            (Task::SummarizeIncident, &writer),
            (Task::ShiftReport, &writer),
            (Task::Embed, &reader),
            (Task::ClassifyText, &labels),
            (Task::ClassifyIncident, &labels),
        ]);
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let api = SlmApiConfig { enabled: true, listen, ..SlmApiConfig::default() };
        let mut config = SlmConfig { task: tasks, api, ..SlmConfig::default() };
        change(&mut config, folder.path());
        let (seeing, seen) = mpsc::channel();
        let clock = Arc::new(SystemClock::new());
        let runtime = Runtime::with(&config, Arc::new(Stage(seeing)), None, clock.clone()).unwrap();
        let gateway = Arc::new(Gateway::new(Some(runtime), &[], None, clock));
        let (address_in, address) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let server = ApiServer::bind(&config.api).unwrap();
                address_in.send(server.address()).unwrap();
                let running = server.start(gateway);
                drop(stopped.await);
                running.stop().await;
            });
        });
        let address = address.recv().unwrap();
        Served { address, seen, stop: Some(stop), thread: Some(thread), folder }
    }

    fn post(&self, path: &str, body: &Value) -> Heard {
        self.send("POST", path, &[], &body.to_string())
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Heard {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().new_agent();
        let mut request =
            ureq::http::Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = match method {
            "GET" => agent.run(request.body(()).unwrap()).unwrap(),
            _ => agent.run(request.body(body.to_owned()).unwrap()).unwrap(),
        };
        let headers = response.headers().iter();
        Heard {
            status: response.status().as_u16(),
            headers: headers
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect(),
            body: response.body_mut().read_to_string().unwrap(),
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(thread::panicking() || ended.is_none_or(|ended| ended.is_ok()));
    }
}

fn chat(content: &str) -> Value {
    json!({"model": "writer", "messages": [{"role": "user", "content": content}]})
}

fn incident() -> Value {
    json!({
        "device": "pump-1",
        "evidence": {
            "onset": "2026-11-21T08:15:00.000Z", "duration_s": 30.0,
            "channels": [{"name": "flow", "unit": "l/min", "baseline": 40.0, "now": 12.5, "deviation": -27.5,
                          "deviates": true, "shape": "step", "onset": "2026-11-21T08:15:00Z", "order": 1}],
        },
    })
}
