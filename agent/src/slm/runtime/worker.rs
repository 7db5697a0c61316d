//! The thread that answers: one request after the other, behind everything else on the gateway.
//!
//! A model that panics fails its request and is unloaded; the thread goes on.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use lineside_bundle::Manifest;
use rustix::time::{ClockId, clock_gettime};

use super::cache::{Cache, NoRoom};
use super::escalate::{Desk, Handed};
use super::executor::{Done, Executor, Loader, Run};
use super::health::Pulse;
use super::reply::{Answer, Refusal, Usage};
use super::router::Model;
use super::shared::{Job, Next, ReplaceError, Replacement, Shared};

/// Answers until the runtime stops.
pub(super) struct Worker {
    pub shared: Arc<Shared>,
    pub loader: Arc<dyn Loader>,
    pub cache: Cache<dyn Executor>,
    pub nice: i32,
    /// Where what is left open goes.
    pub desk: Option<Arc<Desk>>,
}

impl Worker {
    /// Runs until the runtime stops.
    pub fn run(mut self) {
        // The kernel counts niceness by thread. Without it the models are only less polite.
        if let Err(error) = rustix::process::setpriority_process(None, self.nice) {
            tracing::warn!("slm: the models cannot step back behind other work: {error}");
        }
        loop {
            match self.shared.next() {
                Next::Answer(job) => self.answer(*job),
                Next::Replace(replacement) => {
                    let Replacement { model, done } = *replacement;
                    // Whoever asked may have gone.
                    let _ = done.send(self.replace(model));
                }
                Next::Stop => return,
            }
        }
    }

    /// Puts a model in the place of the one that has its name, once it is loaded.
    fn replace(&mut self, model: Model) -> Result<(), ReplaceError> {
        let name = model.name().to_owned();
        // Asked before the model is loaded, which is much work.
        self.shared.router(|router| router.clone().replace(model.clone()))?;
        let room = self.cache.make_room(model.stated_bytes()).map_err(too_large(&name))?;
        told(&room, &name);
        let loaded = self.open(&model)?;
        self.cache.remove(&name);
        let bytes = loaded.memory_bytes();
        let kept = self.cache.insert(&name, bytes, loaded).map_err(too_large(&name));
        self.show_loaded();
        told(&kept?, &name);
        self.shared.router(|router| router.replace(model))?;
        self.shared.pulse(&name, |pulse| *pulse = Pulse::default());
        Ok(())
    }

    fn answer(&mut self, job: Job) {
        let shared = Arc::clone(&self.shared);
        if let Some(why) = shared.in_the_way(&job) {
            return shared.refuse(job, why);
        }
        let (started, busy_since) = (shared.clock.monotonic(), busy());
        let done = self.done(&job);
        let cpu = busy().saturating_sub(busy_since);
        let took = shared.clock.monotonic().saturating_sub(started);
        shared.costs(|costs| costs.busy(job.task(), &job.model, cpu));
        match done {
            Err(why) => {
                if why.is_the_models() {
                    shared.pulse(&job.model, |pulse| pulse.failures += 1);
                }
                shared.refuse(job, why);
            }
            Ok((done, model)) => {
                shared.pulse(&job.model, |pulse| pulse.latency.record(took));
                let waited = started.saturating_sub(job.asked);
                let usage =
                    Usage { tokens_in: done.tokens_in, tokens_out: done.tokens_out, cpu, waited, took };
                let Manifest { name, version, .. } = model.manifest;
                let Done { reply, by, normalised, .. } = done;
                let answer = Answer { reply, by, model: name, version, usage, normalised };
                match &self.desk {
                    Some(desk) => desk.hand(Handed { job, answer }),
                    None => shared.keep(job, answer),
                }
            }
        }
    }

    fn done(&mut self, job: &Job) -> Result<(Done, Model), Refusal> {
        let (task, name) = (job.task(), job.model.as_str());
        let routed = self.shared.router(|router| router.route(task, Some(name)).cloned())?;
        let model = self.load(&routed)?;
        let resident = model.memory_bytes();
        let shared = &self.shared;
        let go_on = || {
            shared.sweep();
            shared.in_the_way(job).is_none()
        };
        let run = Run { go_on: &go_on, pieces: job.pieces.as_ref() };
        let outcome = catch_unwind(AssertUnwindSafe(|| model.run(&job.call.request, &run)));
        drop(model);
        let outcome = outcome.unwrap_or_else(|panic| {
            self.cache.remove(name);
            self.show_loaded();
            let problem = format!("it panicked and was unloaded: {}", words_of(&*panic));
            tracing::error!("slm: model `{name}`: {problem}");
            Err(Refusal::Model { model: name.to_owned(), problem })
        });
        match outcome {
            // The model only knows that it was to stop.
            Err(Refusal::Cancelled) => Err(self.shared.in_the_way(job).unwrap_or(Refusal::Cancelled)),
            Err(why) => Err(why),
            Ok(done) => {
                let bytes = resident.saturating_add(done.memory_bytes);
                self.shared.costs(|costs| costs.held(task, name, bytes));
                Ok((done, routed))
            }
        }
    }

    /// A model, loaded now if it was not.
    fn load(&mut self, model: &Model) -> Result<Arc<dyn Executor>, Refusal> {
        let name = model.name();
        if let Some(loaded) = self.cache.get(name) {
            return Ok(loaded);
        }
        // What the manifest states is asked first: loading alone could be too much for the board.
        let room = self.cache.make_room(model.stated_bytes()).map_err(too_large(name))?;
        let loaded = self.open(model);
        let kept = loaded.and_then(|loaded| {
            let bytes = loaded.memory_bytes();
            let more = self.cache.insert(name, bytes, Arc::clone(&loaded)).map_err(too_large(name))?;
            told(&more, name);
            Ok(loaded)
        });
        told(&room, name);
        self.show_loaded();
        kept
    }

    fn open(&self, model: &Model) -> Result<Arc<dyn Executor>, Refusal> {
        let failed = |problem: String| Refusal::Model { model: model.name().to_owned(), problem };
        match catch_unwind(AssertUnwindSafe(|| self.loader.load(model))) {
            Ok(loaded) => loaded.map_err(failed),
            Err(panic) => Err(failed(format!("it panicked while it was loaded: {}", words_of(&*panic)))),
        }
    }

    fn show_loaded(&self) {
        self.shared.loaded(self.cache.loaded().map(|(name, bytes)| (name.to_owned(), bytes)).collect());
    }
}

fn too_large(name: &str) -> impl Fn(NoRoom) -> Refusal {
    move |NoRoom { needs, in_use, budget }| Refusal::TooLarge {
        model: name.to_owned(),
        needs,
        in_use,
        budget,
    }
}

/// Says which models made room.
fn told(unloaded: &[String], name: &str) {
    for other in unloaded {
        tracing::info!("slm: `{other}` made room for `{name}`");
    }
}

/// How long a processor was busy with this thread.
fn busy() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), nanos)
}

/// What a panic says.
fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words")
}
