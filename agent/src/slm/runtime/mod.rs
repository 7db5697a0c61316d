//! Who is asked, when, and what it costs.
//!
//! ```text
//! Runtime::ask → router: which bundle → queue: when → worker → cache: loaded → executor: answer
//!                                                          └→ cost: what it took
//! ```
//!
//! One thread with low priority answers one request after the other, incidents first. Nothing here
//! is waited for by the detector: what cannot be answered is refused with its reason, counted, and
//! the deterministic sentence stays.

pub mod cache;
pub mod cost;
mod escalate;
pub mod executor;
#[cfg(test)]
pub(crate) mod fixtures;
mod health;
mod incident;
mod language;
pub mod queue;
pub mod reply;
pub mod request;
pub mod router;
mod shared;
#[cfg(test)]
mod tests;
pub mod ticket;
mod told;
mod worker;

pub use cost::{CostFigures, LoadedModel, SlmFigures};
pub use escalate::EndpointError;
pub use executor::{Done, Executor, Loader, Run};
pub use health::ModelHealth;
pub use incident::diagnosis_in;
pub use reply::{Answer, Finish, Refusal, Reply, Usage, Vector, Words};
pub use request::{
    Call, Form, Generation, Message, Pieces, Priority, Prompt, Request, Role, Sampling, Shift,
};
pub use router::{Model, Router, RouterError, Source};
pub use shared::ReplaceError;
pub use ticket::{Outcome, Ticket};

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use lineside_bundle::manifest::Task;

use crate::clock::Clock;
use crate::config::{Config, SlmConfig};
use crate::slm::model::LoadOptions;
use cache::Cache;
use escalate::{Desk, Escalation};
use language::BundleLoader;
use shared::{Job, Replacement, Shared};
use worker::Worker;

/// Why the models cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configured bundles do not fit their tasks.
    #[error(transparent)]
    Router(#[from] RouterError),
    /// The larger model of `slm.escalation` cannot be asked.
    #[error(transparent)]
    Escalation(#[from] EndpointError),
    /// The site's fault modes cannot be read, or the model does not judge by any.
    #[error("slm.task.classify-incident.signatures: {}: {problem}", path.display())]
    Signatures {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The system gives no thread.
    #[error("no thread for the language models: {0}")]
    Thread(#[from] io::Error),
}

/// The models of this gateway. Clones ask the same ones; with the last clone they stop.
#[derive(Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    desk: Option<Arc<Desk>>,
    worker: Mutex<Option<JoinHandle<()>>>,
}

impl Runtime {
    /// The models that a configuration names. Each is loaded when it is first asked.
    ///
    /// # Errors
    /// When a bundle cannot be read or does not do the task it is configured for.
    pub fn start(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let slm = &config.slm;
        let options = LoadOptions { threads: slm.threads as usize, ..LoadOptions::default() };
        let loader = BundleLoader { options, tasks: slm.task.clone(), clock: Arc::clone(&clock) };
        let escalation = match slm.task.escalated().is_empty() {
            true => None,
            false => Some(Escalation::new(slm, &config.gateway.data_dir, Arc::clone(&clock))?),
        };
        let classify = &slm.task.classify_incident;
        if let Some(path) = &classify.signatures {
            // A slip in the site's file must not come to light at the first incident only.
            let router = Router::new(&slm.task)?;
            let model = router.route(Task::ClassifyIncident, None).map_err(|why| why.to_string());
            let loaded = model.and_then(|model| match model.manifest.diagnosis {
                Some(_) => loader.load(model).map(drop),
                None => Err(format!("`{}` judges by no table of fault modes", model.name())),
            });
            loaded.map_err(|problem| StartError::Signatures { path: path.clone(), problem })?;
        }
        Self::with(slm, Arc::new(loader), escalation, clock)
    }

    /// Starts the threads, with another way to load models or to escalate.
    pub(crate) fn with(
        config: &SlmConfig,
        loader: Arc<dyn Loader>,
        escalation: Option<Escalation>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        let router = Router::new(&config.task)?;
        let budget = config.memory.0;
        let shared = Arc::new(Shared::new(router, clock, config.queue as usize, budget, config.watts));
        let desk = match escalation {
            None => None,
            Some(escalation) => {
                let desk = Arc::new(Desk::new(Arc::clone(&shared), config));
                let asks = Arc::clone(&desk);
                // Not joined when the agent stops: the endpoint may take its time, and the desk has
                // answered everybody by then.
                thread::Builder::new().name("slm-escalation".into()).spawn(move || asks.run(escalation))?;
                Some(desk)
            }
        };
        let worker = Worker {
            shared: Arc::clone(&shared),
            loader,
            cache: Cache::new(budget),
            nice: i32::try_from(config.nice).unwrap_or(i32::MAX),
            desk: desk.clone(),
        };
        let thread = thread::Builder::new().name("slm".into()).spawn(|| worker.run())?;
        Ok(Runtime { inner: Arc::new(Inner { shared, desk, worker: Mutex::new(Some(thread)) }) })
    }

    /// Hands over a request. Pieces of a text go to `pieces` while it is written. Never waits: what
    /// cannot be answered is refused through the ticket.
    #[must_use]
    pub fn ask(&self, call: Call, pieces: Option<Pieces>) -> Ticket {
        let (promise, ticket) = ticket::pair();
        let shared = &self.inner.shared;
        let task = call.request.task();
        let name = call.model.as_deref();
        match shared.router(|router| router.route(task, name).map(|model| model.name().to_owned())) {
            Ok(model) => {
                let asked = shared.clock.monotonic();
                shared.push(Job { call, model, pieces, promise, asked });
            }
            Err(why) => {
                shared.costs(|costs| costs.refused(task, "", &why));
                promise.keep(Err(why));
            }
        }
        ticket
    }

    /// The models as they are now.
    #[must_use]
    pub fn models(&self) -> Vec<Model> {
        self.inner.shared.router(|router| router.models().to_vec())
    }

    /// The models as they are configured.
    #[must_use]
    pub fn configured(&self) -> &[Model] {
        self.inner.shared.configured.models()
    }

    /// The tasks that a model is configured for.
    pub fn tasks(&self) -> impl Iterator<Item = Task> + '_ {
        self.inner.shared.configured.tasks()
    }

    /// Whether a model is configured for a task.
    #[must_use]
    pub fn serves(&self, task: Task) -> bool {
        self.tasks().any(|served| served == task)
    }

    /// Puts the bundle at `source` in the place of the configured one of this name, or the configured
    /// one back. It is loaded before this returns; the request that is being answered is finished
    /// first, by the one before.
    ///
    /// # Errors
    /// When it cannot be read, is not what was signed, does not do what this one is configured for, or
    /// cannot be loaded. The one before goes on.
    pub fn replace(&self, name: &str, source: Option<Source>) -> Result<(), ReplaceError> {
        let shared = &self.inner.shared;
        let model = match source {
            Some(source) => {
                let manifest = source.manifest().map_err(ReplaceError::Unreadable)?;
                if manifest.name != name {
                    let problem = format!("{source}: is `{}`, not `{name}`", manifest.name);
                    return Err(ReplaceError::Unreadable(problem));
                }
                Model { source, manifest }
            }
            None => shared.configured.named(name)?.clone(),
        };
        let (done, outcome) = channel();
        shared.replace(Replacement { model, done });
        outcome.recv().unwrap_or_else(|_| Err(Refusal::Stopping.into()))
    }

    /// How a model does since it took its place.
    #[must_use]
    pub fn health(&self, name: &str) -> ModelHealth {
        self.inner.shared.health(name)
    }

    /// How the models are and what they cost.
    #[must_use]
    pub fn figures(&self) -> SlmFigures {
        self.inner.shared.figures()
    }

    /// Refuses what waits and ends the thread; the request that is being answered is broken off.
    pub fn stop(&self) {
        self.inner.stop();
    }
}

impl Inner {
    fn stop(&self) {
        self.shared.stop();
        let worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if worker.is_some_and(|worker| worker.join().is_err()) {
            tracing::error!("slm: the thread that answers ended with a panic");
        }
        if let Some(desk) = &self.desk {
            desk.stop();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop();
    }
}
