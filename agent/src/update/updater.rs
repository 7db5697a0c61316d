//! The updater's thread: asks for updates in time, brings releases here, gives verdicts, answers
//! operators. Nothing of it ever waits inside the pipeline.

mod bring;
mod poll;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use lineside_bundle::DeviceFacts;
use lineside_bundle::Sha256Hex;
use tracing::{info, warn};

use self::poll::How;
pub use self::poll::Unpolled;
use super::attempt::{Attempt, Chronicle};
use super::control::{Answer, Asked, Request};
use super::device_clock::DeviceClock;
use super::disk::Disk;
use super::fetch::Pace;
use super::managed::Managed;
use super::prober::Prober;
use super::remote::{FolderRemote, Remote};
use super::report::Reporter;
use super::show;
use super::state::Slot;
use crate::status::StatusBoard;

/// How often trials are looked at: a release that fails is back well within a second.
const TICK: Duration = Duration::from_millis(100);

/// Everything an updater works with.
pub struct Parts {
    /// Whose rollouts are followed.
    pub group: String,
    /// What rollouts and releases are held against.
    pub facts: DeviceFacts,
    /// The root of trust that came with the gateway; without it nothing can be verified.
    pub factory_root: Option<Vec<u8>>,
    /// The update folder.
    pub disk: Arc<dyn Disk>,
    /// The same, for files that other programs open.
    pub folder: PathBuf,
    /// The OTA server; `None` where only a USB stick brings updates.
    pub server: Option<Arc<dyn Remote>>,
    /// Tells the server what happens.
    pub reporter: Option<Reporter>,
    /// When to ask the server.
    pub pace: Pace,
    /// Tries bundles out.
    pub prober: Arc<dyn Prober>,
    /// The models of this gateway.
    pub models: Vec<Managed>,
    /// Where it is written down.
    pub chronicle: Chronicle,
    /// Where it is shown; `None` for a command that runs without an agent.
    pub board: Option<Arc<StatusBoard>>,
    /// Set when the agent stops.
    pub stop: Arc<AtomicBool>,
    /// Uniform from 0 to 1, for jitter and for the ids of attempts.
    pub random: Box<dyn FnMut() -> f64 + Send>,
    /// Keeps other processes off the update folder for as long as this one works with it.
    pub lock: File,
}

/// The updater.
pub struct Updater {
    parts: Parts,
    device_clock: DeviceClock,
    control: Receiver<Asked>,
    /// Attempts of this process, by model and digest.
    attempts: BTreeMap<(String, Sha256Hex), Attempt>,
    /// Digests that passed the probe in this process.
    passed: BTreeSet<Sha256Hex>,
    /// What each model waits for, for the status.
    waiting: BTreeMap<String, String>,
    /// Releases that were ready when their rollouts were last asked for.
    asked_for: Vec<Slot>,
    /// The outcome of the newest poll.
    outcome: Option<Result<(), Unpolled>>,
    polling: bool,
    polls: u64,
    /// Repositories to apply once the poll that is under way has ended.
    deferred: Vec<Asked>,
    next_poll: Duration,
    failures: u32,
}

impl Updater {
    /// An updater that answers requests from `control`.
    #[must_use]
    pub fn new(parts: Parts, control: Receiver<Asked>) -> Self {
        let device_clock = DeviceClock::open(Arc::clone(&parts.disk));
        let next_poll = parts.chronicle.clock.monotonic();
        Updater {
            parts,
            device_clock,
            control,
            attempts: BTreeMap::new(),
            passed: BTreeSet::new(),
            waiting: BTreeMap::new(),
            asked_for: Vec::new(),
            outcome: None,
            polling: false,
            polls: 0,
            deferred: Vec::new(),
            next_poll,
            failures: 0,
        }
    }

    /// Works until the agent stops.
    pub fn run(mut self) {
        while !self.parts.stop.load(Ordering::Relaxed) {
            self.serve();
            // What came through its shadow becomes active when its rollout still says so, which is
            // asked for once at once and then at the usual pace.
            let ready: Vec<_> = self.parts.models.iter().filter_map(Managed::ready).cloned().collect();
            let due = self.parts.chronicle.clock.monotonic() >= self.next_poll;
            let asks = !ready.is_empty() && ready != self.asked_for;
            if let Some(server) = self.parts.server.clone()
                && (due || asks)
            {
                self.poll_server(&server);
            }
            self.asked_for = ready;
            for asked in std::mem::take(&mut self.deferred) {
                let answer = self.answer(asked.request);
                let _ = asked.answer.send(answer);
            }
            self.report();
        }
    }

    fn poll_server(&mut self, server: &Arc<dyn Remote>) {
        self.polls += 1;
        let outcome = self.poll(server, How::Follow);
        let retry_after = match &outcome {
            Ok(()) => {
                self.failures = 0;
                None
            }
            Err(unpolled) => {
                let Unpolled { reason, detail, .. } = unpolled;
                warn!(reason, detail, "update: the server was asked without success");
                self.failures = self.failures.saturating_add(1);
                unpolled.retry_after
            }
        };
        let random = (self.parts.random)();
        let pause = self.parts.pace.next(self.failures, retry_after, random);
        self.next_poll = self.parts.chronicle.clock.monotonic() + pause;
        self.outcome = Some(outcome);
        self.show();
    }

    /// Looks at trials, answers an operator, for at most one tick.
    fn serve(&mut self) {
        match self.control.recv_timeout(TICK) {
            Ok(asked) if self.polling && matches!(asked.request, Request::Apply { .. }) => {
                self.deferred.push(asked);
            }
            Ok(asked) => {
                let answer = self.answer(asked.request);
                // Whoever asked may have given up.
                let _ = asked.answer.send(answer);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => thread::sleep(TICK),
        }
        self.parts.models.iter_mut().for_each(Managed::tick);
        self.show();
    }

    fn show(&self) {
        if let Some(board) = &self.parts.board {
            let polls = self.parts.server.as_ref().map(|_| self.polls);
            board.update(|status| {
                show::show(status, &self.parts.models, &self.waiting, self.outcome.as_ref(), polls);
            });
        }
    }

    /// Does blocking work on a thread of its own while trials and operators are served.
    fn meanwhile<T: Send>(&mut self, work: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let thread = scope.spawn(work);
            while !thread.is_finished() {
                self.serve();
            }
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn report(&mut self) {
        let Some(mut reporter) = self.parts.reporter.take() else { return };
        if reporter.due(&self.parts.chronicle) {
            let states: Vec<_> = self.parts.models.iter().map(show::running).collect();
            let chronicle = self.parts.chronicle.clone();
            let random = (self.parts.random)();
            self.meanwhile(|| reporter.send(&chronicle, &states, random));
        }
        self.parts.reporter = Some(reporter);
    }

    /// Does what an operator asks for.
    pub fn answer(&mut self, request: Request) -> Answer {
        match request {
            Request::List => Answer::Models(self.parts.models.iter().map(show::listed).collect()),
            Request::History => Answer::History(self.parts.chronicle.journal.events()),
            Request::Rollback { model } => self.on(&model, |managed| managed.operator_rollback()),
            Request::Pin { model, pinned } => self.on(&model, |managed| {
                managed.slots_mut().change(|state| state.pinned = pinned).map_err(|e| e.to_string())
            }),
            Request::Allow { model, release } => self.on(&model, |managed| {
                let denied = |slot: &super::state::Denial| slot.release == release;
                if !managed.slots().state().denied.values().any(denied) {
                    return Err(format!("release {release} is not denied"));
                }
                let forget = |state: &mut super::state::ModelState| {
                    state.denied.retain(|_, denial| denial.release != release);
                };
                managed.slots_mut().change(forget).map_err(|e| e.to_string())
            }),
            Request::Poll => {
                self.next_poll = self.parts.chronicle.clock.monotonic();
                Answer::Done
            }
            Request::Apply { from } => self.apply(&from),
        }
    }

    fn on(&mut self, model: &str, change: impl FnOnce(&mut Managed) -> Result<(), String>) -> Answer {
        let Some(managed) = self.parts.models.iter_mut().find(|managed| managed.name() == model) else {
            let known: Vec<&str> = self.parts.models.iter().map(Managed::name).collect();
            return Answer::Refused(format!("no model `{model}`; there are: {}", known.join(", ")));
        };
        let changed = change(managed);
        self.attempts.retain(|(of, _), _| of != model);
        changed.map_or_else(Answer::Refused, |()| Answer::Done)
    }

    fn apply(&mut self, from: &std::path::Path) -> Answer {
        info!(from = %from.display(), "update: a repository is applied by hand");
        let remote: Arc<dyn Remote> = Arc::new(FolderRemote::new(from));
        match self.poll(&remote, How::Apply) {
            Ok(()) => Answer::Applied(self.waiting.clone()),
            Err(Unpolled { reason, detail, .. }) => Answer::Refused(format!("{reason}: {detail}")),
        }
    }

    /// The attempt to bring `slot` here, new or continued.
    fn attempt(&mut self, model: &str, slot: &Slot, rollout: &str) -> &mut Attempt {
        let random = ((self.parts.random)() * f64::from(u32::MAX)) as u32;
        let id = format!("{:x}-{random:08x}", self.parts.chronicle.clock.now().as_micros());
        let key = (model.to_owned(), slot.sha256.clone());
        self.attempts.entry(key).or_insert_with(|| Attempt {
            id,
            seq: 0,
            model: model.to_owned(),
            slot: slot.clone(),
            rollout: rollout.to_owned(),
            said: None,
        })
    }
}
