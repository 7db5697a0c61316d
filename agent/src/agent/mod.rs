//! The running agent: sources on threads of their own, one worker for the pipelines, the outbox
//! on its thread, one task each for delivery and for what the agent shows of itself.

mod answers;
pub mod delivery;
pub mod describer;
pub mod drift;
mod feed;
mod gauges;
mod keeper;
mod language;
mod language_host;
pub mod models;
mod presence;
pub mod shifts;
pub mod state;
pub mod updates;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle as Task, spawn_blocking};
use tracing::{info, warn};

use self::delivery::{Delivery, Newest};
use self::drift::WatchedDrift;
use self::feed::{Fed, Feed, QUEUE};
use self::keeper::Keeper;
use self::language::Language;
use self::models::{ActiveModel, DetectorHost, ModelWatch};
use self::presence::Presence;
use self::state::StateFile;
use self::updates::{UpdateFolder, Updates};
use self::worker::{Watched, Worker};
use crate::clock::Clock;
use crate::config::{Config, DeviceConfig};
use crate::detect::detector::{DetectError, DetectorModel};
use crate::outbox::{Outbox, OutboxError, OutboxStats};
use crate::pipeline::{DevicePipeline, PipelineError};
use crate::publish::{PublishError, PublishStats, Publisher, TopicError, Topics};
use crate::retraining::{self, Journal};
use crate::slm::api::ApiStartError;
use crate::slm::runtime::{Runtime, StartError};
use crate::source::{self, SourceError};
use crate::status::StatusBoard;
use crate::status::report::{DevicePhase, ModelStatus, SourceState, StatusReport};
use crate::update::UpdateError;
use crate::update::managed::Running;
use crate::update::slots::Opener;

/// Folder of the outbox within the data folder.
const OUTBOX: &str = "outbox";
/// Folder of the devices' calibrations within the data folder.
const STATE: &str = "state";
/// How often the board and the metrics are brought up to date.
const SHOW: Duration = Duration::from_secs(1);

/// Why the agent cannot start.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The data folder cannot be used.
    #[error("gateway.data_dir {path}: {cause}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The outbox cannot be opened.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The model cannot be used.
    #[error("detect.model: {0}")]
    Model(#[from] DetectError),
    /// A device's pipeline cannot be built.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// A device's source cannot be opened.
    #[error("device `{device}`: {cause}")]
    Source {
        /// The device's id.
        device: String,
        /// What stands in the way.
        cause: SourceError,
    },
    /// A name cannot be part of a topic.
    #[error(transparent)]
    Topic(#[from] TopicError),
    /// Delivery cannot begin.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// Updates cannot begin.
    #[error(transparent)]
    Update(#[from] UpdateError),
    /// The language models cannot be used.
    #[error(transparent)]
    Language(#[from] StartError),
    /// The API of the language models cannot answer.
    #[error(transparent)]
    Api(#[from] ApiStartError),
    /// The system gives no thread.
    #[error("no thread for {what}: {cause}")]
    Thread {
        /// What it is for.
        what: String,
        /// What the system says.
        cause: std::io::Error,
    },
}

/// The agent while it runs.
pub struct Agent {
    board: Arc<StatusBoard>,
    outbox: Outbox,
    publisher: Option<Arc<Publisher>>,
    stop: Arc<AtomicBool>,
    sources: Vec<JoinHandle<()>>,
    worker: JoinHandle<()>,
    died: watch::Receiver<bool>,
    updates: Option<Updates>,
    language: Option<Language>,
    show: Task<()>,
}

/// Tells when the thread that holds it dies of a panic.
#[derive(Clone)]
struct Deathbed(watch::Sender<bool>);

impl Drop for Deathbed {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.send_replace(true);
        }
    }
}

/// The agent's last words.
#[derive(Clone, Debug)]
pub struct Closing {
    /// The board when it stopped.
    pub report: StatusReport,
    /// The outbox when it stopped.
    pub outbox: OutboxStats,
    /// Delivery when it stopped; `None` where nothing is published.
    pub publish: Option<PublishStats>,
}

impl Agent {
    /// Starts everything that a validated configuration asks for, on the current runtime.
    ///
    /// # Errors
    /// What stands in the way, with the key, file or device. An absent broker does not.
    pub fn start(config: &Config, clock: Arc<dyn Clock>) -> Result<Agent, AgentError> {
        let data = &config.gateway.data_dir;
        let unusable = |cause| AgentError::Folder { path: data.clone(), cause };
        std::fs::create_dir_all(data).map_err(unusable)?;
        let board = StatusBoard::new(config, Arc::clone(&clock));
        let devices = updates::detector_settings(config)?;
        let folder = UpdateFolder::open(config, Arc::clone(&clock))?;
        // A detector that an engineer put into the configuration is outside of updates.
        let (model, detector) = match &config.detect.model {
            Some(bundle) => (DetectorModel::load(bundle)?, None),
            None => {
                let (opened, model, hosted) = folder.detector(&devices, Opener::Agent)?;
                (model, Some((opened, hosted)))
            }
        };
        let (name, version) = (model.name().to_owned(), model.version().to_owned());
        board.models(|models| models.push(ModelStatus { name, version, role: "detector".into() }));

        let mut watched = Vec::new();
        let mut opened = Vec::new();
        for device in &config.devices {
            watched.push(watch(device, config, &model)?);
            let source = source::open(device, Arc::clone(&clock));
            opened.push(source.map_err(|cause| AgentError::Source { device: device.id.clone(), cause })?);
        }

        let (outbox, opening) = Outbox::open(&config.outbox, &data.join(OUTBOX), Arc::clone(&clock))?;
        for finding in &opening.findings {
            warn!("outbox: {finding}");
        }
        info!(boot = opening.boot, recovered = opening.recovered, "outbox open");
        let topics = Topics::new(&config.mqtt.prefix, &config.gateway.site, &config.gateway.name)?;
        let active = ActiveModel::new(model.reference());
        let presence = Presence::new(
            topics.clone(),
            active.clone(),
            outbox.clone(),
            Arc::clone(&board),
            Arc::clone(&clock),
        );
        let publisher = match config.mqtt.enabled {
            true => Some(Arc::new(Publisher::start(
                &config.mqtt,
                config.client_id(),
                presence.birth(),
                outbox.clone(),
                Arc::clone(&clock),
            )?)),
            false => None,
        };
        let journal = match config.retraining.enabled {
            true => Some(Arc::new(Journal::open(&data.join(retraining::FOLDER)).map_err(unusable)?)),
            false => None,
        };
        let delivery = Delivery {
            topics,
            leaves: config.publish.clone(),
            model: model.reference(),
            outbox: outbox.clone(),
            live: publisher.clone(),
            boot: opening.boot,
            newest: Newest::default(),
            journal,
        };
        for (index, Watched { device, pipeline, drift, .. }) in watched.iter().enumerate() {
            delivery.introduce(device, pipeline.open_incident(), clock.now());
            if let Some(drift) = drift {
                let compared = drift.report();
                delivery.drift(device, &compared, clock.now());
                board.device(index, |status| status.drift = compared);
            }
        }

        let (language, told) = Language::start(config, &delivery, &board, Arc::clone(&clock))?;
        let mut models: Vec<Running> = match &language {
            Some(language) => language.hosts(&folder)?,
            None => Vec::new(),
        };
        let (sender, fed) = sync_channel(QUEUE);
        let watch = Arc::new(ModelWatch::default());
        let worker = Worker {
            watched,
            delivery,
            board: Arc::clone(&board),
            clock,
            save_interval: config.detect.save_interval.0,
            watch: Arc::clone(&watch),
            active,
            told,
        };
        let (dying, died) = watch::channel(false);
        let deathbed = Deathbed(dying);
        let workers = deathbed.clone();
        let worker = spawn("worker", move || {
            let _deathbed = workers;
            worker.run(&fed);
        })?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut sources = Vec::new();
        for (index, source) in opened.into_iter().enumerate() {
            let feed = Feed { device: index, worker: sender.clone(), stop: Arc::clone(&stop) };
            let id = &config.devices[index].id;
            board.device(index, |status| {
                status.source = SourceState::Running;
                // The detector is loaded; its first window says where it stands.
                status.phase = DevicePhase::Learning;
            });
            sources.push(spawn(&format!("source {id}"), move || feed_from(source, feed))?);
        }
        if let Some((opened, hosted)) = detector {
            models.insert(0, (Box::new(DetectorHost::new(hosted, devices, sender.clone(), watch)), opened));
        }
        let updates = match models.is_empty() {
            true => None,
            false => Some(Updates::start(folder, config, models, Arc::clone(&board), deathbed)?),
        };
        drop(sender);
        let shown = Shown {
            board: Arc::clone(&board),
            outbox: outbox.clone(),
            publisher: publisher.clone(),
            presence,
            runtime: language.as_ref().and_then(Language::runtime),
        };
        let show = show(shown, config.publish.status_interval.0);
        let show = tokio::spawn(show);
        Ok(Agent { board, outbox, publisher, stop, sources, worker, died, updates, language, show })
    }

    /// How it is.
    #[must_use]
    pub fn board(&self) -> Arc<StatusBoard> {
        Arc::clone(&self.board)
    }

    /// Returns when the worker or the updater has died of a panic: nothing is scored any more, or
    /// no trial ends, and only a new start helps. Under a release on trial it counts against it.
    pub async fn died(&self) {
        let mut died = self.died.clone();
        if died.wait_for(|died| *died).await.is_err() {
            // It ended in order, which is no death.
            std::future::pending().await
        }
    }

    /// How the outbox is.
    #[must_use]
    pub fn outbox(&self) -> OutboxStats {
        self.outbox.stats()
    }

    /// Stops in order: sources, pipelines, outbox, delivery. What was accepted is on the disk
    /// when this returns, and delivered as far as the broker answers within some seconds.
    pub async fn stop(self) -> Closing {
        let Agent { board, outbox, publisher, stop, sources, worker, updates, language, show, .. } = self;
        stop.store(true, Ordering::Relaxed);
        let held = outbox.clone();
        let ended = spawn_blocking(move || {
            // The worker ends when nobody can ask it for anything any more.
            if let Some(updates) = updates {
                updates.stop();
            }
            for thread in sources.into_iter().chain([worker]) {
                if thread.join().is_err() {
                    warn!("a thread of the agent ended with a panic");
                }
            }
            if let Some(language) = language {
                language.stop();
            }
            held.flush();
        });
        if ended.await.is_err() {
            warn!("the agent's threads did not end in order");
        }
        show.abort();
        // Aborting drops the task's handle of the publisher at its next step at the latest.
        let _ = show.await;
        // Worker and display have let go of it by now.
        let publish = match publisher.and_then(Arc::into_inner) {
            None => None,
            Some(publisher) => Some(publisher.shutdown().await),
        };
        let figures = outbox.stats();
        gauges::show_delivery(&board, &figures, publish.as_ref());
        outbox.close();
        Closing { report: board.report(), outbox: figures, publish }
    }
}

/// Builds a device's pipeline and continues where it stood before a restart.
fn watch(device: &DeviceConfig, config: &Config, model: &DetectorModel) -> Result<Watched, AgentError> {
    let mut pipeline = DevicePipeline::new(device, config, model)?;
    let folder = config.gateway.data_dir.join(STATE);
    let unusable = |cause| AgentError::Folder { path: folder.clone(), cause };
    let state = StateFile::new(&folder, device).map_err(unusable)?;
    let path = state.path().display().to_string();
    let restored = match state.read().map_err(unusable)? {
        None => None,
        Some(Err(error)) => Some(Err(error.to_string())),
        Some(Ok(bytes)) => Some(pipeline.restore(&bytes)),
    };
    match restored {
        None => info!(device = %device.id, "new device: it learns first"),
        Some(Ok(())) => info!(device = %device.id, "continues with its calibration"),
        Some(Err(why)) => {
            warn!(device = %device.id, path, why, "its calibration is not used: it learns again");
        }
    }
    let tick = DevicePipeline::detector_settings(device, config)?.tick;
    let drift = WatchedDrift::open(config, device, tick, model).map_err(unusable)?;
    let keeper = Keeper::open(config, device, pipeline.open_incident().is_some()).map_err(unusable)?;
    Ok(Watched { device: device.clone(), pipeline, state, shadow: None, drift, keeper })
}

fn feed_from(mut source: Box<dyn source::Source>, mut feed: Feed) {
    let ended = source.run(&mut feed).err().map(|error| error.to_string());
    let stopping = feed.stop.load(Ordering::Relaxed);
    // When the agent stops, an open interval is not the end of the recording: it goes on later.
    if !stopping || ended.is_some() {
        // The worker outlives every source; were it gone, nobody could be told.
        let _ = feed.worker.send(Fed::Ended(feed.device, ended));
    }
}

fn spawn(what: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, AgentError> {
    let thread = thread::Builder::new().name(what.to_owned()).spawn(run);
    thread.map_err(|cause| AgentError::Thread { what: what.to_owned(), cause })
}

/// What is shown of a running agent.
struct Shown {
    board: Arc<StatusBoard>,
    outbox: Outbox,
    publisher: Option<Arc<Publisher>>,
    presence: Presence,
    runtime: Option<Runtime>,
}

/// Keeps the board, the metrics and the retained status up to date.
fn show(shown: Shown, status_interval: Duration) -> impl Future<Output = ()> + Send + 'static {
    let Shown { board, outbox, publisher, presence, runtime } = shown;
    async move {
        let mut look = tokio::time::interval(SHOW);
        let mut say = tokio::time::interval(status_interval.max(SHOW));
        // The first status is said with every connection.
        say.reset();
        loop {
            tokio::select! {
                _ = look.tick() => {
                    let publish = publisher.as_ref().map(|publisher| publisher.stats());
                    gauges::show_delivery(&board, &outbox.stats(), publish.as_ref());
                    if let Some(runtime) = &runtime {
                        board.slm(runtime.figures());
                    }
                    gauges::export(&board.report());
                }
                _ = say.tick() => {
                    if let Some(publisher) = &publisher {
                        let (topic, payload) = presence.online();
                        publisher.retain(topic, payload);
                        if let Some(runtime) = &runtime {
                            let (topic, payload) = presence.models(&runtime.figures());
                            publisher.retain(topic, payload);
                        }
                    }
                }
            }
        }
    }
}
