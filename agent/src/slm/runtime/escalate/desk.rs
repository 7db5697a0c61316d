//! Where what is left open waits for the larger model.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use lineside_bundle::manifest::Task;

use super::super::reply::{Answer, Reply};
use super::super::shared::{Job, Shared};
use super::{Escalation, Inquiry, outcome};
use crate::config::SlmConfig;
use crate::slm::description::WordedBy;

/// So many may wait: behind more, the last would get its words minutes after its incident.
const WAITING: usize = 4;

/// A request that was answered here and left something open.
pub(in super::super) struct Handed {
    pub job: Job,
    /// What is left if the larger model does not answer.
    pub answer: Answer,
}

/// Where requests wait for the larger model.
pub(in super::super) struct Desk {
    shared: Arc<Shared>,
    /// The larger model's name.
    model: String,
    /// The tasks that are escalated.
    tasks: Vec<Task>,
    line: Mutex<Line>,
    wake: Condvar,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<(Handed, Inquiry)>,
    /// The one that is being asked about.
    current: Option<Handed>,
    stopping: bool,
}

impl Desk {
    pub fn new(shared: Arc<Shared>, config: &SlmConfig) -> Self {
        let (model, tasks) = (config.escalation.model.clone(), config.task.escalated());
        Desk { shared, model, tasks, line: Mutex::default(), wake: Condvar::new() }
    }

    /// Answers a request, after the larger model was asked where the answer leaves something open.
    pub fn hand(&self, handed: Handed) {
        let Handed { job, answer } = &handed;
        let open = || Inquiry::of(&job.call.request, &answer.reply, answer.by);
        let Some(inquiry) = Some(job.task()).filter(|task| self.tasks.contains(task)).and_then(|_| open())
        else {
            return self.shared.keep(handed.job, handed.answer);
        };
        let mut line = self.lock();
        if line.stopping || line.waiting.len() >= WAITING {
            drop(line);
            return self.close(handed, Err(outcome::BUSY));
        }
        line.waiting.push_back((handed, inquiry));
        self.wake.notify_one();
    }

    /// Asks about one request after the other, until it stops.
    pub fn run(&self, mut escalation: Escalation) {
        while let Some(inquiry) = self.next() {
            let reply = escalation.answer(&inquiry);
            let current = self.lock().current.take();
            // None when it was answered because the agent stops.
            let Some(handed) = current else { return };
            self.close(handed, reply.map(|reply| (reply, self.model.clone())));
        }
    }

    fn next(&self) -> Option<Inquiry> {
        let mut line = self.lock();
        loop {
            if line.stopping {
                return None;
            }
            if let Some((handed, inquiry)) = line.waiting.pop_front() {
                line.current = Some(handed);
                return Some(inquiry);
            }
            line = self.wake.wait(line).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Answers everything with what there is. Nobody waits for an endpoint when the agent stops.
    pub fn stop(&self) {
        let mut line = self.lock();
        line.stopping = true;
        let waiting = std::mem::take(&mut line.waiting).into_iter().map(|(handed, _)| handed);
        let left: Vec<Handed> = line.current.take().into_iter().chain(waiting).collect();
        drop(line);
        self.wake.notify_all();
        left.into_iter().for_each(|handed| self.shared.keep(handed.job, handed.answer));
    }

    /// Answers a request, with the larger model's reply where there is one.
    fn close(&self, handed: Handed, reply: Result<(Reply, String), &'static str>) {
        let Handed { job, mut answer } = handed;
        let outcome = match reply {
            Ok((reply, model)) => {
                answer = Answer { reply, by: WordedBy::Escalation, model, version: String::new(), ..answer };
                outcome::ANSWERED
            }
            Err(outcome) => outcome,
        };
        self.shared.costs(|costs| costs.escalated(job.task(), &job.model, outcome));
        self.shared.keep(job, answer);
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
