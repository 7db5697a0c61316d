//! What the runtime promises, with a model that does as it is told.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::fixtures::{Hand, Order, bundle, manifest, puppet, tasks, text};
use super::*;
use crate::clock::ManualClock;
use crate::config::ByteSize;
use crate::slm::description::WordedBy;

const SECOND: Duration = Duration::from_secs(1);

/// A runtime with the model `words`, whose hand is held by the test.
struct Bench {
    runtime: Runtime,
    hand: Hand,
    clock: Arc<ManualClock>,
    folder: tempfile::TempDir,
}

fn bench(queue: u32, memory: ByteSize) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let path = bundle(folder.path(), &manifest("words", Task::Generate, &[Task::SummarizeIncident]));
    let task = tasks(&[(Task::Generate, &path)]);
    let config = SlmConfig { queue, memory, task, watts: 2.0, ..SlmConfig::default() };
    let (loader, hand) = puppet(30 << 20);
    let clock = Arc::new(ManualClock::default());
    let runtime = Runtime::with(&config, loader, None, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    Bench { runtime, hand, clock, folder }
}

impl Bench {
    fn ask(&self, prompt: &str, priority: Priority, deadline: Option<Duration>) -> Ticket {
        self.runtime.ask(Call::new(text(prompt), priority, deadline), None)
    }

    /// Asks, and waits until the model has begun with it.
    fn begin(&self, prompt: &str, priority: Priority, deadline: Option<Duration>) -> Ticket {
        let ticket = self.ask(prompt, priority, deadline);
        self.begun(prompt);
        ticket
    }

    fn begun(&self, prompt: &str) {
        assert_eq!(self.hand.asked.recv().unwrap(), format!("Text({prompt:?})"));
    }

    fn order(&self, order: Order) {
        self.hand.orders.send(order).unwrap();
    }

    fn counts(&self) -> cost::CostFigures {
        self.runtime.figures().costs.into_iter().find(|one| one.model == "words").unwrap()
    }
}

#[test]
fn an_answer_comes_back_with_its_model_and_what_it_took() {
    let bench = bench(4, ByteSize::mib(64));
    let ticket = bench.begin("a", Priority::Interactive, None);
    bench.clock.advance(SECOND);
    bench.order(Order::Answer);
    let answer = ticket.wait().unwrap();
    assert_eq!((answer.model.as_str(), answer.by), ("words", WordedBy::Model));
    assert_eq!(answer.reply, Reply::Text { text: "Text(\"a\")".into(), finish: Finish::Stop });
    assert_eq!((answer.usage.tokens_in, answer.usage.tokens_out, answer.usage.took), (3, 2, SECOND));
    let figures = bench.runtime.figures();
    assert_eq!(figures.loaded, [cost::LoadedModel { name: "words".into(), bytes: 30 << 20 }]);
    let costs = bench.counts();
    assert_eq!((costs.answered, costs.tokens_in, costs.tokens_out), (1, 3, 2));
    assert_eq!(costs.memory_peak_bytes, (30 << 20) + 10);
    assert!(costs.p50_ms >= 1_000.0 && costs.energy_j.is_some(), "{costs:?}");
}

#[test]
fn a_ticket_can_be_awaited() {
    let bench = bench(4, ByteSize::mib(64));
    let asynchronous = tokio::runtime::Builder::new_current_thread().build().unwrap();
    bench.order(Order::Answer);
    assert!(asynchronous.block_on(bench.ask("a", Priority::Interactive, None)).is_ok());
}

#[test]
fn incidents_come_first_and_a_full_queue_refuses_at_once() {
    let bench = bench(2, ByteSize::mib(64));
    let first = bench.begin("first", Priority::Background, None);
    let chat = bench.ask("chat", Priority::Interactive, None);
    let batch = bench.ask("batch", Priority::Background, None);
    assert_eq!(bench.runtime.figures().waiting, 2);
    let more = bench.ask("more", Priority::Background, None);
    assert_eq!(more.wait(), Err(Refusal::QueueFull { waiting: 2 }), "while the model is busy");
    let alarm = bench.ask("alarm", Priority::Incident, None);
    assert_eq!(batch.wait(), Err(Refusal::Displaced));

    for (ticket, next) in [(first, "alarm"), (alarm, "chat")] {
        bench.order(Order::Answer);
        ticket.wait().unwrap();
        bench.begun(next);
    }
    bench.order(Order::Answer);
    chat.wait().unwrap();
    let refused = bench.counts().refused;
    assert_eq!((refused["queue_full"], refused["displaced"]), (1, 1));
}

#[test]
fn what_is_too_late_is_refused_while_it_waits_and_while_it_is_answered() {
    let bench = bench(4, ByteSize::mib(64));
    let running = bench.begin("running", Priority::Incident, Some(SECOND * 3));
    let waiting = bench.ask("waiting", Priority::Incident, Some(SECOND));
    bench.clock.advance(SECOND);
    bench.order(Order::Look);
    assert_eq!(waiting.wait(), Err(Refusal::Deadline { after: SECOND }), "while another is answered");
    bench.clock.advance(SECOND * 2);
    bench.order(Order::Look);
    assert_eq!(running.wait(), Err(Refusal::Deadline { after: SECOND * 3 }));
    assert_eq!(bench.counts().refused["deadline"], 2);
}

#[test]
fn whoever_gives_its_ticket_away_stops_the_answer() {
    let bench = bench(4, ByteSize::mib(64));
    drop(bench.begin("a", Priority::Interactive, None));
    drop(bench.ask("b", Priority::Interactive, None));
    let last = bench.ask("c", Priority::Interactive, None);
    bench.order(Order::Look);
    bench.begun("c");
    bench.order(Order::Answer);
    last.wait().unwrap();
    assert_eq!(bench.counts().refused["cancelled"], 2);
}

#[test]
fn a_reader_of_pieces_that_goes_away_stops_the_answer() {
    let bench = bench(4, ByteSize::mib(64));
    let (pieces, reader) = tokio::sync::mpsc::unbounded_channel();
    let ticket = bench.runtime.ask(Call::new(text("a"), Priority::Interactive, None), Some(pieces));
    bench.begun("a");
    drop(reader);
    bench.order(Order::Look);
    assert_eq!(ticket.wait(), Err(Refusal::Cancelled));
}

#[test]
fn a_model_that_panics_fails_its_request_and_is_loaded_anew_for_the_next() {
    let bench = bench(4, ByteSize::mib(64));
    let ticket = bench.begin("a", Priority::Incident, None);
    let next = bench.ask("b", Priority::Incident, None);
    bench.order(Order::Panic);
    let refusal = ticket.wait().unwrap_err();
    assert_eq!(refusal.reason(), "model_error");
    assert!(refusal.to_string().contains("told to panic"), "{refusal}");
    bench.begun("b");
    bench.order(Order::Answer);
    next.wait().unwrap();
    assert_eq!(bench.hand.loads.load(Ordering::SeqCst), 2);
}

#[test]
fn a_model_that_does_not_fit_is_refused_with_the_figures_before_it_is_loaded() {
    let bench = bench(4, ByteSize::mib(39));
    let refusal = bench.ask("a", Priority::Interactive, None).wait().unwrap_err();
    let (needs, budget) = (40 << 20, 39 << 20);
    assert_eq!(refusal, Refusal::TooLarge { model: "words".into(), needs, in_use: 0, budget });
    assert!(refusal.to_string().contains("raise `slm.memory`"), "{refusal}");
    assert_eq!(bench.hand.loads.load(Ordering::SeqCst), 0);
}

#[test]
fn a_stop_refuses_what_waits_and_breaks_off_what_runs() {
    let bench = bench(4, ByteSize::mib(64));
    let running = bench.begin("running", Priority::Interactive, None);
    let waiting = bench.ask("waiting", Priority::Interactive, None);
    bench.order(Order::Look);
    bench.order(Order::Look);
    bench.runtime.inner.shared.stop();
    bench.order(Order::Look);
    assert_eq!(waiting.wait(), Err(Refusal::Stopping));
    assert_eq!(running.wait(), Err(Refusal::Stopping));
    bench.runtime.stop();
    assert_eq!(bench.ask("late", Priority::Incident, None).wait(), Err(Refusal::Stopping));
}

#[test]
fn a_task_without_a_model_is_answered_with_the_known_ones_and_counted() {
    let bench = bench(4, ByteSize::mib(64));
    let request = Request::Embed { texts: vec!["a".into()] };
    let refusal =
        bench.runtime.ask(Call::new(request, Priority::Interactive, None), None).wait().unwrap_err();
    assert_eq!(refusal, Refusal::UnknownTask { task: "embed".into(), known: vec![Task::Generate] });
    let costs = bench.runtime.figures().costs;
    assert_eq!((costs[0].task.as_str(), costs[0].refused["unknown_task"]), ("embed", 1));
}

/// A signed bundle of the model `words` in a tar, which the test's loader does not read further.
fn release(folder: &std::path::Path, also: &[Task]) -> Source {
    let text = toml::to_string(&manifest("words", Task::Generate, also)).unwrap();
    let mut tar = Vec::new();
    lineside_bundle::archive::write(&[("manifest.toml", text.as_bytes())], &mut tar).unwrap();
    let path = folder.join("new.tar");
    std::fs::write(&path, &tar).unwrap();
    Source::At { path, sha256: Some(lineside_bundle::Sha256Hex::of(&tar)) }
}

#[test]
fn a_model_is_replaced_between_two_requests_and_its_health_begins_anew() {
    let bench = bench(4, ByteSize::mib(64));
    let source = release(bench.folder.path(), &[]);
    let running = bench.begin("running", Priority::Interactive, None);
    let replaced = std::thread::scope(|scope| {
        let replacing = scope.spawn(|| bench.runtime.replace("words", Some(source.clone())));
        bench.order(Order::Answer);
        running.wait().unwrap();
        replacing.join().unwrap()
    });
    replaced.unwrap();
    assert_eq!(bench.hand.loads.load(Ordering::SeqCst), 2, "the new one is loaded at once");
    assert_eq!(bench.runtime.models()[0].source, source);
    assert!(matches!(bench.runtime.configured()[0].source, Source::At { sha256: None, .. }));
    assert_eq!(bench.runtime.health("words"), ModelHealth::default());

    let ticket = bench.begin("a", Priority::Interactive, None);
    bench.order(Order::Panic);
    ticket.wait().unwrap_err();
    let ticket = bench.begin("b", Priority::Interactive, None);
    bench.order(Order::Answer);
    ticket.wait().unwrap();
    let health = bench.runtime.health("words");
    assert_eq!((health.answered, health.failures), (1, 1));

    bench.runtime.replace("words", None).unwrap();
    assert_eq!(bench.runtime.models()[0].source, bench.runtime.configured()[0].source);
}

#[test]
fn a_replacement_that_does_not_fit_leaves_the_one_before() {
    let bench = bench(4, ByteSize::mib(64));
    let source = release(bench.folder.path(), &[]);
    let error = bench.runtime.replace("other", Some(source.clone())).unwrap_err();
    assert!(error.to_string().contains("is `words`, not `other`"), "{error}");
    let Source::At { path, .. } = source else { panic!("it lies on the disk") };
    let sha256 = Some(lineside_bundle::Sha256Hex::of(b"another"));
    let error = bench.runtime.replace("words", Some(Source::At { path, sha256 })).unwrap_err();
    assert!(error.to_string().contains("that was signed"), "{error}");
    assert_eq!(bench.runtime.models()[0].source, bench.runtime.configured()[0].source);
    assert_eq!(bench.hand.loads.load(Ordering::SeqCst), 0);
    bench.runtime.stop();
    let error = bench.runtime.replace("words", None).unwrap_err();
    assert_eq!(error.to_string(), "the agent is stopping");
}
