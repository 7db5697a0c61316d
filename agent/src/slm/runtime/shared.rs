//! What those who ask and the thread that answers have in common.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lineside_bundle::manifest::Task;

use super::cost::{Costs, LoadedModel, SlmFigures};
use super::health::{ModelHealth, Pulse};
use super::queue::{Admission, Queue};
use super::reply::{Answer, Refusal, Reply};
use super::request::{Call, Pieces};
use super::router::{Model, Router, RouterError};
use super::ticket::Promise;
use crate::clock::Clock;
use crate::slm::description::WordedBy;

/// A request with its model and whoever waits for it.
pub(super) struct Job {
    pub call: Call,
    /// The name of the model that it is for.
    pub model: String,
    pub pieces: Option<Pieces>,
    pub promise: Promise,
    /// When it was asked for, on the monotonic clock.
    pub asked: Duration,
}

impl Job {
    pub fn task(&self) -> Task {
        self.call.request.task()
    }

    /// When it is too late for it, on the monotonic clock.
    pub fn due(&self) -> Option<Duration> {
        self.call.deadline.map(|deadline| self.asked.saturating_add(deadline))
    }

    /// Whether nobody waits for it any more.
    fn is_unwanted(&self) -> bool {
        self.promise.is_cancelled() || self.pieces.as_ref().is_some_and(Pieces::is_closed)
    }
}

/// A model that is to take the place of the one with its name.
pub(super) struct Replacement {
    pub model: Model,
    pub done: Sender<Result<(), ReplaceError>>,
}

/// Why a model was not replaced. The one before goes on.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// It does not fit the place.
    #[error(transparent)]
    Router(#[from] RouterError),
    /// It cannot be read, or is not what was signed.
    #[error("{0}")]
    Unreadable(String),
    /// It cannot be loaded.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// What the thread that answers does next.
pub(super) enum Next {
    Answer(Box<Job>),
    Replace(Box<Replacement>),
    Stop,
}

pub(super) struct Shared {
    /// As configured.
    pub configured: Router,
    /// As replaced since.
    router: Mutex<Router>,
    pub clock: Arc<dyn Clock>,
    watts: f64,
    budget_bytes: u64,
    line: Mutex<Line>,
    wake: Condvar,
    costs: Mutex<Costs>,
    loaded: Mutex<Vec<LoadedModel>>,
    pulses: Mutex<BTreeMap<String, Pulse>>,
}

struct Line {
    queue: Queue<Job>,
    replacements: VecDeque<Replacement>,
    stopping: bool,
}

impl Shared {
    pub fn new(router: Router, clock: Arc<dyn Clock>, queue: usize, budget_bytes: u64, watts: f64) -> Self {
        Shared {
            router: Mutex::new(router.clone()),
            configured: router,
            clock,
            watts,
            budget_bytes,
            line: Mutex::new(Line {
                queue: Queue::new(queue),
                replacements: VecDeque::new(),
                stopping: false,
            }),
            wake: Condvar::new(),
            costs: Mutex::default(),
            loaded: Mutex::default(),
            pulses: Mutex::default(),
        }
    }

    /// Puts a job in the queue, or refuses it at once.
    pub fn push(&self, job: Job) {
        self.sweep();
        let mut line = lock(&self.line);
        if line.stopping {
            drop(line);
            return self.refuse(job, Refusal::Stopping);
        }
        let (priority, due) = (job.call.priority, job.due());
        let admission = line.queue.push(job, priority, due);
        let waiting = line.queue.len();
        drop(line);
        match admission {
            Admission::Waits => self.wake.notify_one(),
            Admission::InsteadOf(other) => {
                self.wake.notify_one();
                self.refuse(other, Refusal::Displaced);
            }
            Admission::Full(job) => self.refuse(job, Refusal::QueueFull { waiting }),
        }
    }

    /// Has a model take the place of another before the next request; refused at once while the
    /// runtime stops.
    pub fn replace(&self, replacement: Replacement) {
        let mut line = lock(&self.line);
        if line.stopping {
            // Whoever asked may have gone.
            let _ = replacement.done.send(Err(Refusal::Stopping.into()));
            return;
        }
        line.replacements.push_back(replacement);
        self.wake.notify_one();
    }

    /// Waits for what is to be done next.
    pub fn next(&self) -> Next {
        let mut line = lock(&self.line);
        loop {
            if line.stopping {
                return Next::Stop;
            }
            if let Some(replacement) = line.replacements.pop_front() {
                return Next::Replace(Box::new(replacement));
            }
            if let Some(job) = line.queue.pop() {
                return Next::Answer(Box::new(job));
            }
            line = self.wake.wait(line).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Refuses what waits in vain: too late, or no longer wanted.
    pub fn sweep(&self) {
        let now = self.clock.monotonic();
        let mut line = lock(&self.line);
        let expired = line.queue.expired(now);
        let unwanted = line.queue.withdrawn(Job::is_unwanted);
        drop(line);
        for job in expired {
            let after = job.call.deadline.unwrap_or_default();
            self.refuse(job, Refusal::Deadline { after });
        }
        unwanted.into_iter().for_each(|job| self.refuse(job, Refusal::Cancelled));
    }

    /// Why a job must not be gone on with.
    pub fn in_the_way(&self, job: &Job) -> Option<Refusal> {
        if job.is_unwanted() {
            return Some(Refusal::Cancelled);
        }
        if lock(&self.line).stopping {
            return Some(Refusal::Stopping);
        }
        let late = job.due().is_some_and(|due| due <= self.clock.monotonic());
        late.then(|| Refusal::Deadline { after: job.call.deadline.unwrap_or_default() })
    }

    /// Lets nothing more in, and refuses what waits.
    pub fn stop(&self) {
        let mut line = lock(&self.line);
        line.stopping = true;
        let left = line.queue.drain();
        let replacements = std::mem::take(&mut line.replacements);
        drop(line);
        for replacement in replacements {
            // Whoever asked may have gone.
            let _ = replacement.done.send(Err(Refusal::Stopping.into()));
        }
        self.wake.notify_all();
        left.into_iter().for_each(|job| self.refuse(job, Refusal::Stopping));
    }

    /// Answers a job, counted.
    pub fn keep(&self, job: Job, answer: Answer) {
        let (task, model) = (job.task(), job.model.as_str());
        self.costs(|costs| {
            costs.answered(task, model, &answer.usage);
            match &answer.reply {
                Reply::Class(assessment) if assessment.label.is_none() => costs.abstained(task, model),
                Reply::Words(words) if answer.by == WordedBy::Rules => {
                    costs.fell_back(task, model, words.fallback.as_deref().unwrap_or("none"));
                }
                _ => {}
            }
        });
        job.promise.keep(Ok(answer));
    }

    /// Refuses a job, counted.
    pub fn refuse(&self, job: Job, why: Refusal) {
        self.costs(|costs| costs.refused(job.task(), &job.model, &why));
        job.promise.keep(Err(why));
    }

    /// Changes the costs.
    pub fn costs<T>(&self, change: impl FnOnce(&mut Costs) -> T) -> T {
        change(&mut lock(&self.costs))
    }

    /// Does something with the models as they are now.
    pub fn router<T>(&self, with: impl FnOnce(&mut Router) -> T) -> T {
        with(&mut lock(&self.router))
    }

    /// Changes what is known of a model's health.
    pub fn pulse(&self, model: &str, change: impl FnOnce(&mut Pulse)) {
        change(lock(&self.pulses).entry(model.to_owned()).or_default());
    }

    /// How a model does since it took its place.
    pub fn health(&self, model: &str) -> ModelHealth {
        lock(&self.pulses).get(model).map(Pulse::health).unwrap_or_default()
    }

    /// Says which models are loaded.
    pub fn loaded(&self, loaded: Vec<(String, u64)>) {
        *lock(&self.loaded) = loaded.into_iter().map(|(name, bytes)| LoadedModel { name, bytes }).collect();
    }

    /// How it is.
    pub fn figures(&self) -> SlmFigures {
        SlmFigures {
            waiting: lock(&self.line).queue.len() as u64,
            budget_bytes: self.budget_bytes,
            loaded: lock(&self.loaded).clone(),
            costs: lock(&self.costs).figures(self.watts),
        }
    }
}

/// Whoever panicked held the lock for a few assignments that cannot.
fn lock<T>(part: &Mutex<T>) -> MutexGuard<'_, T> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}
