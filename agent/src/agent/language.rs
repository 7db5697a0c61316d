//! Starts what has to do with language: the models, and the thread that has them describe.

use std::sync::Arc;
use std::thread::JoinHandle;

use jiff::tz::TimeZone;
use tokio::runtime::Handle;
use tracing::{info, warn};

use super::AgentError;
use super::answers::Answers;
use super::delivery::Delivery;
use super::describer::{self, Parts, Told};
use super::language_host::{self, LanguageHost};
use super::shifts::Shifts;
use super::updates::UpdateFolder;
use crate::clock::Clock;
use crate::config::{Config, SlmConfig};
use crate::incident::book::IncidentBook;
use crate::slm::api::{ApiServer, Gateway, RunningApi};
use crate::slm::runtime::Runtime;
use crate::status::StatusBoard;
use crate::update::managed::Running;
use crate::update::slots::Opener;

/// Folder of the book of incidents within the data folder.
const BOOK: &str = "incidents";

/// What has to do with language in a running agent.
pub struct Language {
    runtime: Option<Runtime>,
    describer: JoinHandle<()>,
    api: Option<RunningApi>,
}

impl Language {
    /// Starts what the configuration asks for: nothing where it asks neither for a model nor for
    /// reports.
    ///
    /// # Errors
    /// When a bundle cannot be used, or the system gives no thread.
    pub fn start(
        config: &Config,
        delivery: &Delivery,
        board: &Arc<StatusBoard>,
        clock: Arc<dyn Clock>,
    ) -> Result<(Option<Self>, Option<Told>), AgentError> {
        let settings = &config.slm;
        if !is_wanted(settings) {
            return Ok((None, None));
        }
        let runtime = match settings.task.is_empty() {
            true => None,
            false => Some(Runtime::start(config, Arc::clone(&clock))?),
        };
        let book = Arc::new(IncidentBook::open(&config.gateway.data_dir.join(BOOK)));
        let api = match settings.api.enabled {
            false => None,
            true => {
                let server = ApiServer::bind(&settings.api)?;
                info!(address = %server.address(), "language models at http://{}/v1", server.address());
                let (book, clock) = (Arc::clone(&book), Arc::clone(&clock));
                let gateway = Gateway::new(runtime.clone(), &config.devices, Some(book), clock);
                Some(server.start(Arc::new(gateway)))
            }
        };
        let answers = match config.drift.enabled {
            false => None,
            true => {
                let data = &config.gateway.data_dir;
                let unusable = |cause| AgentError::Folder { path: data.clone(), cause };
                Some(Answers::open(data, Arc::clone(board), Arc::clone(&clock)).map_err(unusable)?)
            }
        };
        let parts = Parts {
            devices: config.devices.clone(),
            runtime: runtime.clone(),
            deadline: settings.deadline.0,
            delivery: delivery.clone(),
            board: Arc::clone(board),
            book,
            answers,
            shifts: Shifts::new(settings.report.times(), TimeZone::system()),
            clock,
        };
        let (told, describer) = describer::start(parts)?;
        Ok((Some(Language { runtime, describer, api }), Some(told)))
    }

    /// The models, where any are configured.
    pub fn runtime(&self) -> Option<Runtime> {
        self.runtime.clone()
    }

    /// What updates of the models ask of it, one for each; a release that is active already takes
    /// the place of the configured bundle.
    ///
    /// # Errors
    /// When the update folder cannot be used.
    pub fn hosts(&self, folder: &UpdateFolder) -> Result<Vec<Running>, AgentError> {
        let mut hosts: Vec<Running> = Vec::new();
        let Some(runtime) = &self.runtime else { return Ok(hosts) };
        for model in runtime.configured() {
            let run = |release| {
                let source = Some(language_host::source(&release));
                runtime.replace(model.name(), source).map_err(|error| error.to_string())
            };
            let (opened, hosted) = folder.language(model, Opener::Agent, run)?;
            hosts.push((Box::new(LanguageHost::new(hosted, runtime.clone())), opened));
        }
        Ok(hosts)
    }

    /// Ends it, once the worker has ended. What a model has not put into words keeps its
    /// deterministic sentence.
    pub fn stop(self) {
        if let Some(runtime) = self.runtime {
            runtime.stop();
        }
        if let Some(api) = self.api {
            // This is a thread of its own, beside the one that drives the API.
            Handle::current().block_on(api.stop());
        }
        if self.describer.join().is_err() {
            warn!("the describer ended with a panic");
        }
    }
}

fn is_wanted(settings: &SlmConfig) -> bool {
    !settings.task.is_empty() || !settings.report.at.is_empty() || settings.api.enabled
}
