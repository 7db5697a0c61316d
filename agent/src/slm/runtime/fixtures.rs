//! Manifests, configurations and a model that does as it is told, for tests.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use lineside_bundle::manifest::{Manifest, Task};

use super::executor::{Done, Executor, Loader, Run};
use super::reply::{Finish, Refusal, Reply};
use super::request::{Form, Generation, Prompt, Request, Sampling};
use super::router::Model;
use crate::config::slm::TasksConfig;
use crate::slm::description::WordedBy;

/// What a stated KiB of memory makes of a bundle.
const MEMORY_KIB: u32 = 40 << 10;

/// A manifest of a bundle that needs 40 MiB.
pub(crate) fn manifest(name: &str, task: Task, also: &[Task]) -> Manifest {
    let also: Vec<String> = also.iter().map(|task| format!("\"{}\"", task.name())).collect();
    let digest = "0".repeat(64);
    let text = format!(
        r#"
        schema = 1
        name = "{name}"
        version = "1.0.0"
        release = 1
        task = "{task}"
        also = [{also}]
        licence = "Apache-2.0"
        description = "A model for tests."
        model = {{ file = "model.onnx", format = "onnx", sha256 = "{digest}", bytes = 1000 }}
        golden = {{ file = "golden.json", sha256 = "{digest}" }}
        card = {{ file = "card.md" }}
        tokenizer = {{ file = "tokenizer.json", sha256 = "{digest}" }}
        language = {{ kind = "decoder", context = 64, end = [0] }}
        budget = {{ memory_kib = {MEMORY_KIB} }}
        provenance = {{ code = "tests", seed = 1, data = [] }}
        "#,
        task = task.name(),
        also = also.join(", "),
    );
    Manifest::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Writes a bundle's manifest into a folder of its own and says where.
pub(crate) fn bundle(folder: &Path, manifest: &Manifest) -> String {
    let path = folder.join(&manifest.name);
    std::fs::create_dir_all(&path).unwrap();
    std::fs::write(path.join("manifest.toml"), toml::to_string(manifest).unwrap()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Tasks with their bundles.
pub(crate) fn tasks(models: &[(Task, &str)]) -> TasksConfig {
    let mut tasks = TasksConfig::default();
    tasks.classify_incident.built_in = false;
    for (task, path) in models {
        let path = Some((*path).into());
        match task {
            Task::ClassifyIncident => tasks.classify_incident.model = path,
            Task::SummarizeIncident => tasks.summarize_incident.model = path,
            Task::ShiftReport => tasks.shift_report.model = path,
            Task::ClassifyText => tasks.classify_text.model = path,
            Task::Generate => tasks.generate.model = path,
            Task::Embed => tasks.embed.model = path,
            Task::Detect => panic!("the detector is configured elsewhere"),
        }
    }
    tasks
}

/// A text to go on with.
pub(crate) fn text(prompt: &str) -> Request {
    Request::Generate(Box::new(Generation {
        prompt: Prompt::Text(prompt.into()),
        sampling: Sampling::default(),
        form: Form::Free,
    }))
}

/// What a [`Puppet`] is told to do at its next step.
pub(crate) enum Order {
    /// Ask whether to go on, then wait for the next order.
    Look,
    /// Answer.
    Answer,
    /// Panic.
    Panic,
}

/// A model whose every step is ordered by the test, and which says what it was asked.
pub(crate) struct Puppet {
    asked: Mutex<Sender<String>>,
    orders: Mutex<Receiver<Order>>,
    bytes: u64,
}

/// The hand that moves a [`Puppet`].
pub(crate) struct Hand {
    /// What the model is asked, as it begins with it.
    pub asked: Receiver<String>,
    /// What it is to do.
    pub orders: Sender<Order>,
    /// How often a model was loaded.
    pub loads: Arc<AtomicUsize>,
}

/// Loads one [`Puppet`] for all bundles.
pub(crate) struct PuppetLoader {
    puppet: Arc<Puppet>,
    loads: Arc<AtomicUsize>,
}

/// A loader of a model that holds `bytes`, and the hand that moves it.
pub(crate) fn puppet(bytes: u64) -> (Arc<PuppetLoader>, Hand) {
    let ((asked_in, asked), (orders, orders_out)) = (channel(), channel());
    let loads = Arc::new(AtomicUsize::new(0));
    let puppet = Puppet { asked: Mutex::new(asked_in), orders: Mutex::new(orders_out), bytes };
    let loader = PuppetLoader { puppet: Arc::new(puppet), loads: Arc::clone(&loads) };
    (Arc::new(loader), Hand { asked, orders, loads })
}

impl Loader for PuppetLoader {
    fn load(&self, _: &Model) -> Result<Arc<dyn Executor>, String> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        Ok(Arc::new(Strings(Arc::clone(&self.puppet))))
    }
}

/// What the runtime holds of a puppet, so that each load is a model of its own.
struct Strings(Arc<Puppet>);

impl Executor for Strings {
    fn memory_bytes(&self) -> u64 {
        self.0.bytes
    }

    fn run(&self, request: &Request, run: &Run<'_>) -> Result<Done, Refusal> {
        let said = match request {
            Request::Generate(generation) => format!("{:?}", generation.prompt),
            other => other.task().name().to_owned(),
        };
        self.0.asked.lock().unwrap().send(said.clone()).unwrap();
        loop {
            let order = self.0.orders.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).recv();
            match order.expect("the hand outlives the puppet") {
                Order::Look if (run.go_on)() => {}
                Order::Look => return Err(Refusal::Cancelled),
                Order::Panic => panic!("told to panic"),
                Order::Answer => {
                    let reply = Reply::Text { text: said, finish: Finish::Stop };
                    return Ok(Done {
                        reply,
                        by: WordedBy::Model,
                        tokens_in: 3,
                        tokens_out: 2,
                        memory_bytes: 10,
                        normalised: None,
                    });
                }
            }
        }
    }
}
