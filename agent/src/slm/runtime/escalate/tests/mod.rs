//! What comes of asking a larger model, and what it is told.

mod evidence;
mod http;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use lineside_bundle::manifest::Task;
use tempfile::TempDir;

use super::endpoint::{Endpoint, Said, Silence};
use super::*;
use crate::clock::ManualClock;
use crate::config::{DeviceConfig, Span};
use crate::incident::fixtures::{device, incident};
use crate::incident::sentence::Subject;
use crate::slm::description::WordedBy;
use crate::slm::runtime::cost::CostFigures;
use crate::slm::runtime::executor::{Done, Executor, Loader, Run};
use crate::slm::runtime::fixtures::{bundle, manifest, tasks};
use crate::slm::runtime::reply::{Answer, Refusal};
use crate::slm::runtime::request::{Call, Priority, Request, Shift};
use crate::slm::runtime::router::Model;
use crate::slm::runtime::{Runtime, Ticket};

const LABELS: [&str; 2] = ["leak", "cavitation"];

/// A model that leaves everything open.
struct Unsure;

impl Loader for Unsure {
    fn load(&self, _: &Model) -> Result<Arc<dyn Executor>, String> {
        Ok(Arc::new(Unsure))
    }
}

impl Executor for Unsure {
    fn memory_bytes(&self) -> u64 {
        1 << 20
    }

    fn run(&self, request: &Request, _: &Run<'_>) -> Result<Done, Refusal> {
        let fallback = Some("violations".to_owned());
        let (reply, by) = match request {
            Request::ClassifyIncident(_) => (Reply::Class(unsure()), WordedBy::Model),
            Request::SummarizeIncident(case) => {
                (Reply::Words(Words { text: case.incident.summary.clone(), fallback }), WordedBy::Rules)
            }
            _ => (Reply::Words(Words { text: "Nothing happened.".into(), fallback }), WordedBy::Rules),
        };
        Ok(Done { reply, by, tokens_in: 5, tokens_out: 1, memory_bytes: 0, normalised: None })
    }
}

fn unsure() -> Assessment {
    let scores = LABELS.iter().zip([0.4, 0.35]).map(|(label, score)| ((*label).to_owned(), score)).collect();
    Assessment { label: None, confidence: 0.4, scores, ..Assessment::default() }
}

/// An endpoint whose every answer is given by the test.
struct Scripted {
    asked: Sender<String>,
    answers: Receiver<Result<Said, Silence>>,
}

impl Endpoint for Scripted {
    fn ask(&self, messages: &[Message], _: usize) -> Result<Said, Silence> {
        let said: Vec<&str> = messages.iter().map(|message| message.content.as_str()).collect();
        // The test may have seen enough.
        let _ = self.asked.send(said.join("\n"));
        self.answers.recv().unwrap_or_else(|_| Err(Silence::Unavailable("the test is over".into())))
    }
}

fn said(text: &str) -> Result<Said, Silence> {
    Ok(Said { text: text.into(), tokens_in: 100, tokens_out: 3, ended: true })
}

fn down() -> Result<Said, Silence> {
    Err(Silence::Unavailable("connection refused".into()))
}

/// A runtime that escalates, and the folder with its budget.
struct Bench {
    runtime: Runtime,
    clock: Arc<ManualClock>,
    folder: TempDir,
    config: SlmConfig,
}

/// Three requests a day, and a pause of a minute after two failures.
fn config(folder: &Path, escalated: &[Task]) -> SlmConfig {
    let names = [Task::ClassifyIncident, Task::SummarizeIncident, Task::ShiftReport];
    let path = bundle(folder, &manifest("unsure", names[0], &names[1..]));
    let mut config =
        SlmConfig { task: tasks(&names.map(|task| (task, path.as_str()))), ..SlmConfig::default() };
    config.task.classify_incident.escalate = escalated.contains(&names[0]);
    config.task.summarize_incident.escalate = escalated.contains(&names[1]);
    config.task.shift_report.escalate = escalated.contains(&names[2]);
    config.escalation.model = "large".into();
    config.escalation.max_per_day = 3;
    config.escalation.breaker.failures = 2;
    config.escalation.breaker.pause = Span::secs(60);
    config
}

fn bench(escalated: &[Task], endpoint: impl FnOnce(&mut SlmConfig) -> Box<dyn Endpoint>) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), escalated);
    let endpoint = endpoint(&mut config);
    let clock = Arc::new(ManualClock::at(incident().updated));
    let runtime = start(endpoint, &config, folder.path(), &clock);
    Bench { runtime, clock, folder, config }
}

fn start(endpoint: Box<dyn Endpoint>, config: &SlmConfig, data: &Path, clock: &Arc<ManualClock>) -> Runtime {
    let clock = || Arc::clone(clock) as Arc<dyn Clock>;
    let escalation = Escalation::with(endpoint, config, data, clock());
    Runtime::with(config, Arc::new(Unsure), Some(escalation), clock()).unwrap()
}

type Questions = Receiver<String>;
type Answers = Sender<Result<Said, Silence>>;

/// A bench whose endpoint says what the test says.
fn scripted(escalated: &[Task]) -> (Bench, Questions, Answers) {
    let ((asked, questions), (answers, given)) = (channel(), channel());
    (bench(escalated, |_| Box::new(Scripted { asked, answers: given })), questions, answers)
}

fn pump() -> DeviceConfig {
    device(&[("pressure_out", "bar"), ("flow", "m3/h"), ("temperature", "°C")])
}

fn case() -> Case {
    let notes = vec!["pin 4711 is loose".to_owned()];
    Case { subject: Subject::of(&pump()), incident: incident(), assessment: None, notes }
}

impl Bench {
    fn ask(&self, request: Request) -> Ticket {
        self.runtime.ask(Call::new(request, Priority::Incident, None), None)
    }

    fn classify(&self) -> Ticket {
        self.ask(Request::ClassifyIncident(Box::new(case())))
    }

    /// Classifies, and returns who answered.
    fn label(&self) -> (Option<String>, WordedBy) {
        let Answer { reply: Reply::Class(found), by, .. } = self.classify().wait().unwrap() else { panic!() };
        (found.label, by)
    }

    fn costs(&self, task: Task) -> CostFigures {
        self.runtime.figures().costs.into_iter().find(|costs| costs.task == task.name()).unwrap()
    }

    fn outcomes(&self, task: Task) -> Vec<(String, u64)> {
        self.costs(task).escalated.into_iter().collect()
    }
}

const CLASS: &[Task] = &[Task::ClassifyIncident];
const OPEN: (Option<String>, WordedBy) = (None, WordedBy::Model);

fn counted(counts: &[(&str, u64)]) -> Vec<(String, u64)> {
    counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[test]
fn what_a_model_here_leaves_open_is_answered_by_the_larger_one_and_marked() {
    let (bench, questions, answers) = scripted(CLASS);
    answers.send(said(" Leak.\n")).unwrap();
    let answer = bench.classify().wait().unwrap();
    let leak = Assessment { label: Some("leak".into()), ..unsure() };
    assert_eq!(
        (answer.reply, answer.by, answer.model.as_str()),
        (Reply::Class(leak), WordedBy::Escalation, "large")
    );
    let asked = questions.recv().unwrap();
    assert!(asked.contains("leak, cavitation") && asked.contains("pressure out: 5.4 bar"), "{asked}");
    assert!(!asked.contains("4711"), "what people wrote is no evidence: {asked}");
    assert_eq!(bench.outcomes(Task::ClassifyIncident), counted(&[("answered", 1)]));
    assert_eq!(bench.costs(Task::ClassifyIncident).abstained, 0);
}

#[test]
fn nobody_is_asked_where_the_task_does_not_say_so() {
    let (bench, questions, _answers) = scripted(&[Task::ShiftReport]);
    assert_eq!(bench.label(), OPEN);
    assert!(questions.try_recv().is_err());
    assert_eq!(bench.outcomes(Task::ClassifyIncident), []);
    assert_eq!(bench.costs(Task::ClassifyIncident).abstained, 1);
}

#[test]
fn an_answer_that_is_none_of_the_labels_is_not_taken() {
    let (bench, _questions, answers) = scripted(CLASS);
    for lie in ["explosion", "unknown", "leak or cavitation"] {
        answers.send(said(lie)).unwrap();
        assert_eq!(bench.label(), OPEN, "{lie}");
    }
    assert_eq!(bench.outcomes(Task::ClassifyIncident), counted(&[("unknown", 1), ("violations", 2)]));
}

#[test]
fn more_than_the_budget_of_the_day_is_not_asked_whatever_is_restarted() {
    let (bench, questions, answers) = scripted(CLASS);
    for _ in 0..2 {
        answers.send(said("leak")).unwrap();
        assert_eq!(bench.label(), (Some("leak".into()), WordedBy::Escalation));
    }
    bench.runtime.stop();
    drop(questions);

    let ((asked, questions), (answers, given)) = (channel(), channel());
    let endpoint = Box::new(Scripted { asked, answers: given });
    let runtime = start(endpoint, &bench.config, bench.folder.path(), &bench.clock);
    let bench = Bench { runtime, ..bench };
    answers.send(said("leak")).unwrap();
    assert_eq!(bench.label().1, WordedBy::Escalation, "the third of three");
    assert_eq!(bench.label(), OPEN);
    assert_eq!(bench.outcomes(Task::ClassifyIncident), counted(&[("answered", 1), ("over_budget", 1)]));
    assert_eq!(questions.try_iter().count(), 1);
    bench.clock.advance(Duration::from_secs(86_400));
    answers.send(said("leak")).unwrap();
    assert_eq!(bench.label().1, WordedBy::Escalation, "on another day");
}

#[test]
fn an_endpoint_that_fails_twice_is_left_alone_for_a_minute() {
    let (bench, questions, answers) = scripted(CLASS);
    for _ in 0..2 {
        answers.send(down()).unwrap();
        assert_eq!(bench.label(), OPEN);
    }
    assert_eq!(bench.label(), OPEN);
    assert_eq!(questions.try_iter().count(), 2);
    bench.clock.advance(Duration::from_secs(60));
    answers.send(said("leak")).unwrap();
    assert_eq!(bench.label().1, WordedBy::Escalation);
    let outcomes = counted(&[("answered", 1), ("breaker_open", 1), ("unavailable", 2)]);
    assert_eq!(bench.outcomes(Task::ClassifyIncident), outcomes);
}

#[test]
fn a_slow_endpoint_holds_up_no_model_here_and_only_so_many_wait_for_it() {
    let (bench, questions, answers) = scripted(CLASS);
    let first = bench.classify();
    questions.recv().unwrap();
    let waiting: Vec<Ticket> = (0..4).map(|_| bench.classify()).collect();
    // The model here has answered all of them by the time it answers this one.
    assert_eq!(bench.label(), OPEN);
    assert_eq!(bench.outcomes(Task::ClassifyIncident), counted(&[("busy", 1)]));
    answers.send(Err(Silence::Slow(Duration::from_secs(30)))).unwrap();
    first.wait().unwrap();
    drop(answers);
    for ticket in waiting {
        ticket.wait().unwrap();
    }
    assert_eq!(bench.costs(Task::ClassifyIncident).escalated["too_slow"], 1);
}

#[test]
fn a_stop_waits_for_no_endpoint() {
    let (bench, questions, answers) = scripted(CLASS);
    let asked = bench.classify();
    questions.recv().unwrap();
    bench.runtime.stop();
    assert_eq!(asked.wait().unwrap().by, WordedBy::Model, "what the model here says");
    drop(answers);
}

#[test]
fn words_that_do_not_agree_with_the_evidence_are_not_taken() {
    let (bench, questions, answers) = scripted(&[Task::SummarizeIncident]);
    let summarize = || bench.ask(Request::SummarizeIncident(Box::new(case()))).wait().unwrap();
    let truth = "The pressure out rose to 5.4 bar.";
    answers.send(said(truth)).unwrap();
    let answer = summarize();
    let words = Words { text: truth.into(), fallback: None };
    assert_eq!((answer.reply, answer.by), (Reply::Words(words), WordedBy::Escalation));
    assert_eq!(questions.try_iter().count(), 1);

    // It is asked once more, and lies again.
    let lie = "The pressure out rose to 9.9 bar.";
    answers.send(said(lie)).unwrap();
    answers.send(said(lie)).unwrap();
    let answer = summarize();
    let fallback = Some("violations".into());
    let words = Words { text: incident().summary, fallback };
    assert_eq!((answer.reply, answer.by), (Reply::Words(words), WordedBy::Rules));
    assert_eq!(bench.outcomes(Task::SummarizeIncident), counted(&[("answered", 1), ("violations", 1)]));
    assert_eq!(bench.costs(Task::SummarizeIncident).fallbacks["violations"], 1);
}

#[test]
fn a_report_is_escalated_like_an_incident() {
    let (bench, questions, answers) = scripted(&[Task::ShiftReport]);
    let shift = Shift { from: incident().opened, to: incident().updated, cases: vec![case()] };
    answers.send(down()).unwrap();
    let answer = bench.ask(Request::ShiftReport(Box::new(shift))).wait().unwrap();
    assert_eq!(answer.by, WordedBy::Rules);
    let asked = questions.recv().unwrap();
    assert!(asked.contains("pressure") && !asked.contains("4711"), "{asked}");
    assert_eq!(bench.outcomes(Task::ShiftReport), counted(&[("unavailable", 1)]));
}
