//! The describer: a thread that has the language models put incidents into words, after the alarm
//! has gone its way, and that writes the reports of shifts.
//!
//! Promise: nothing here delays or loses an alarm. The worker hands over what it has already sent;
//! whatever a model does, slow or wrong or not at all, the deterministic sentence is out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use lineside_bundle::manifest::Task;
use tracing::{debug, info, warn};

use super::answers::Answers;
use super::delivery::Delivery;
use super::shifts::Shifts;
use super::{AgentError, spawn};
use crate::clock::Clock;
use crate::config::DeviceConfig;
use crate::incident::book::IncidentBook;
use crate::incident::sentence::Subject;
use crate::incident::{Change, Incident};
use crate::publish::payload::ModelRef;
use crate::slm::case::{Assessment, Case};
use crate::slm::description::{Description, WordedBy};
use crate::slm::runtime::{Answer, Call, Priority, Reply, Request, Runtime, Shift, Words};
use crate::slm::shift::Draft;
use crate::slm::summary::signature;
use crate::status::StatusBoard;
use crate::status::report::FoundStatus;
use crate::time::Timestamp;

/// How often the time is looked at for the next report.
const LOOK: Duration = Duration::from_secs(1);

/// Where the worker hands over what it has sent.
#[derive(Clone)]
pub struct Told(Sender<(usize, Incident)>);

impl Told {
    /// Hands over a change of the incident of a device, by its position in the configuration.
    pub fn of(&self, device: usize, incident: &Incident) {
        // The describer outlives the worker; were it gone, the alarm is out nevertheless.
        let _ = self.0.send((device, incident.clone()));
    }
}

/// Everything that the describer needs.
pub struct Parts {
    /// The devices, in the configuration's order.
    pub devices: Vec<DeviceConfig>,
    /// The models; `None` where none is configured.
    pub runtime: Option<Runtime>,
    /// How long the words of an incident may take.
    pub deadline: Duration,
    /// The way out.
    pub delivery: Delivery,
    /// Where what was found is shown.
    pub board: Arc<StatusBoard>,
    /// What happened in the last days.
    pub book: Arc<IncidentBook>,
    /// How sure the answers about incidents are, where that is watched.
    pub answers: Option<Answers>,
    /// When shifts end.
    pub shifts: Shifts,
    /// For the end of a shift.
    pub clock: Arc<dyn Clock>,
}

struct Describer {
    parts: Parts,
    subjects: Vec<Subject>,
    told: Receiver<(usize, Incident)>,
    /// Handed over, not described yet: at most one a device, the newest.
    waiting: VecDeque<(usize, Incident)>,
    /// By device: what its open incident was last known to be.
    judged: Vec<Option<Judged>>,
}

/// What an incident was classified as while it was open.
#[derive(Clone)]
struct Judged {
    incident: String,
    assessment: Assessment,
    model: ModelRef,
}

/// Starts the describer. It ends when every [`Told`] is gone.
///
/// # Errors
/// When the system gives no thread.
pub fn start(parts: Parts) -> Result<(Told, JoinHandle<()>), AgentError> {
    let (sender, told) = channel();
    let subjects = parts.devices.iter().map(Subject::of).collect();
    let judged = parts.devices.iter().map(|_| None).collect();
    let describer = Describer { parts, subjects, told, waiting: VecDeque::new(), judged };
    Ok((Told(sender), spawn("describer", move || describer.run())?))
}

impl Describer {
    fn run(mut self) {
        // Which shift runs now: only one that ends from here on is reported.
        let _ = self.parts.shifts.ended(self.parts.clock.now());
        let mut open = true;
        while open || !self.waiting.is_empty() {
            open = self.listen();
            if let Some((device, incident)) = self.waiting.pop_front() {
                // What is left when the agent stops has its deterministic sentence.
                if open {
                    self.describe(device, &incident);
                }
            }
            if let Some((from, to)) = self.parts.shifts.ended(self.parts.clock.now()) {
                self.report(from, to);
            }
        }
    }

    /// Takes what was handed over; waits a moment when nothing waits to be described. Returns
    /// whether there may be more.
    fn listen(&mut self) -> bool {
        if self.waiting.is_empty() {
            match self.told.recv_timeout(LOOK) {
                Ok(told) => self.take(told),
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
        loop {
            match self.told.try_recv() {
                Ok(told) => self.take(told),
                Err(std::sync::mpsc::TryRecvError::Empty) => return true,
                Err(std::sync::mpsc::TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn take(&mut self, (device, incident): (usize, Incident)) {
        self.parts.book.keep(&incident);
        self.waiting.retain(|(other, _)| *other != device);
        self.waiting.push_back((device, incident));
    }

    fn describe(&mut self, device: usize, incident: &Incident) {
        let Some(runtime) = self.parts.runtime.clone() else { return };
        let Some(description) = self.description(&runtime, device, incident) else { return };
        let config = &self.parts.devices[device];
        if self.parts.delivery.describe(config, incident, &description) {
            if let Some(assessment) = description.assessment.clone() {
                let found = FoundStatus { incident: incident.id.clone(), assessment };
                self.parts.board.device(device, |status| status.found = Some(found));
            }
            info!(device = %config.id, id = %incident.id, by = ?description.by, "{}", description.summary);
        } else {
            debug!(id = %incident.id, "the incident has changed while it was put into words");
        }
    }

    /// What the models make of it; `None` where that is nothing beyond the deterministic sentence.
    fn description(&mut self, runtime: &Runtime, device: usize, incident: &Incident) -> Option<Description> {
        let mut case = self.case(device, incident.clone());
        let mut models = Vec::new();
        if runtime.serves(Task::ClassifyIncident) {
            let judged = self.judged(runtime, device, &case);
            models.extend(judged.iter().map(|judged| judged.model.clone()));
            case.assessment = judged.map(|judged| judged.assessment);
        }
        let mut words = None;
        if runtime.serves(Task::SummarizeIncident) {
            let answer = self.ask(runtime, Request::SummarizeIncident(Box::new(case.clone())));
            words = answer.and_then(|answer| worded(answer, &mut models));
        }
        let (summary, by) = words.unwrap_or_else(|| (signature::summary(&case), WordedBy::Rules));
        let says_more = by != WordedBy::Rules || case.assessment.is_some();
        says_more.then_some(Description { summary, by, assessment: case.assessment, models })
    }

    /// Counts how sure the model here was about an incident.
    fn count(&mut self, runtime: &Runtime, incident: &Incident, by: &str, assessment: &Assessment) {
        let Some(answers) = &mut self.parts.answers else { return };
        let models = runtime.models();
        let mut manifests = models.iter().map(|model| &model.manifest);
        let Some(here) = manifests.find(|manifest| manifest.does(Task::ClassifyIncident)) else { return };
        // What a larger model was asked is what the one here left open.
        let sure = assessment.label.is_some() && here.name == by;
        answers.push(here, incident, sure.then_some(assessment.confidence));
    }

    /// What the incident of a device is classified as. One that is over shows no fault any more, so it
    /// is what it was last known to be.
    fn judged(&mut self, runtime: &Runtime, device: usize, case: &Case) -> Option<Judged> {
        let incident = &case.incident;
        let before = self.judged[device].take().filter(|judged| judged.incident == incident.id);
        if incident.change == Change::Closed {
            return before;
        }
        let answer = self.ask(runtime, Request::ClassifyIncident(Box::new(case.clone())));
        let now = answer.and_then(|answer| class(answer, incident));
        if let Some(judged) = &now {
            self.count(runtime, incident, &judged.model.name, &judged.assessment);
        }
        let known = |judged: &Judged| judged.assessment.label.is_some();
        let last = now.clone().filter(known).or(before).or_else(|| now.clone());
        self.judged[device] = last;
        now
    }

    fn ask(&self, runtime: &Runtime, request: Request) -> Option<Answer> {
        let task = request.task();
        let call = Call::new(request, Priority::Incident, Some(self.parts.deadline));
        // Counted by the runtime, by its reason.
        let refused = |refusal| warn!(task = task.name(), "left with the deterministic sentence: {refusal}");
        runtime.ask(call, None).wait().map_err(refused).ok()
    }

    fn case(&self, device: usize, incident: Incident) -> Case {
        Case { subject: self.subjects[device].clone(), incident, assessment: None, notes: Vec::new() }
    }

    fn report(&self, from: Timestamp, to: Timestamp) {
        let device =
            |incident: &Incident| self.parts.devices.iter().position(|device| device.id == incident.device);
        let cases = self.parts.book.between(from, to).into_iter();
        let cases = cases.filter_map(|incident| Some(self.case(device(&incident)?, incident))).collect();
        // Nobody waits for it: it may take as long as it takes.
        let call = |request| Call::new(request, Priority::Background, None);
        let report = Draft::begin(self.parts.runtime.as_ref(), Shift { from, to, cases }, call).wait();
        info!(incidents = report.incidents.len(), by = ?report.by, "the report of the shift");
        self.parts.delivery.report(&report);
    }
}

fn class(answer: Answer, incident: &Incident) -> Option<Judged> {
    let Reply::Class(assessment) = answer.reply else { return None };
    let model = ModelRef { name: answer.model, version: answer.version };
    Some(Judged { incident: incident.id.clone(), assessment, model })
}

fn worded(answer: Answer, models: &mut Vec<ModelRef>) -> Option<(String, WordedBy)> {
    let Reply::Words(Words { text, .. }) = answer.reply else { return None };
    let model = ModelRef { name: answer.model, version: answer.version };
    if answer.by != WordedBy::Rules && !models.contains(&model) {
        models.push(model);
    }
    Some((text, answer.by))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use jiff::civil::time;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::agent::delivery::Newest;
    use crate::clock::ManualClock;
    use crate::config::{Config, OutboxConfig, PublishConfig};
    use crate::incident::fixtures;
    use crate::outbox::{Outbox, Record};
    use crate::publish::Topics;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn records(outbox: &Outbox, topic: &str) -> Vec<Record> {
        let all = outbox.after(None, usize::MAX).into_iter();
        all.map(|(_, record, _)| record).filter(|record| record.topic == topic).collect()
    }

    #[test]
    fn at_the_end_of_a_shift_its_report_is_in_the_outbox() {
        let folder = tempfile::tempdir().unwrap();
        let incident = fixtures::incident();
        let device = DeviceConfig { id: incident.device.clone(), ..fixtures::device(&[("flow", "m3/h")]) };
        let clock = Arc::new(ManualClock::at(incident.updated));
        let (outbox, _) =
            Outbox::open(&OutboxConfig::default(), &folder.path().join("outbox"), clock.clone()).unwrap();
        let topics = Topics::new("lineside", "north", "gw-7").unwrap();
        let delivery = Delivery {
            topics: topics.clone(),
            leaves: PublishConfig::default(),
            model: ModelRef { name: "detector".into(), version: "1.0.0".into() },
            outbox: outbox.clone(),
            live: None,
            boot: 1,
            newest: Newest::default(),
            journal: None,
        };
        let parts = Parts {
            devices: vec![device],
            runtime: None,
            deadline: PATIENCE,
            delivery,
            board: StatusBoard::new(&Config::default(), clock.clone()),
            book: Arc::new(IncidentBook::open(&folder.path().join("incidents"))),
            answers: None,
            // Twice a day: one of the two is at most twelve hours away.
            shifts: Shifts::new(vec![time(0, 0, 0, 0), time(12, 0, 0, 0)], TimeZone::UTC),
            clock: clock.clone(),
        };
        let book = Arc::clone(&parts.book);
        let (told, describer) = start(parts).unwrap();
        told.of(0, &incident);
        let began = Instant::now();
        let until = |what: &str, condition: &dyn Fn() -> bool| {
            while !condition() {
                assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
                std::thread::sleep(Duration::from_millis(10));
            }
        };
        let kept = || !book.between(incident.opened, incident.updated.plus(PATIENCE)).is_empty();
        until("the incident to be in the book", &kept);
        // Half a day later the shift that ran is over.
        clock.advance(Duration::from_secs(12 * 3_600));
        until("the report", &|| {
            outbox.flush();
            !records(&outbox, &topics.report()).is_empty()
        });
        drop(told);
        describer.join().unwrap();
        let report = records(&outbox, &topics.report()).remove(0);
        let report: serde_json::Value = serde_json::from_slice(&report.body).unwrap();
        assert_eq!(report["incidents"], serde_json::json!([incident.id]));
        assert_eq!(report["report_by"], "rules");
        assert!(report["report"].as_str().unwrap().contains(&incident.device), "{report}");
    }
}
