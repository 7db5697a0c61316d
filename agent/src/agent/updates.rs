//! Wires the updater of a running agent: which model runs at the start, who asks the OTA server,
//! who answers operators.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::Duration;

use lineside_bundle::{DeviceFacts, Manifest, Version};
use rand::TryRng;
use rand::rngs::SysRng;
use tracing::warn;

use super::{AgentError, Deathbed, spawn};
use crate::clock::Clock;
use crate::config::{Config, UpdateConfig};
use crate::detect::detector::{Detector, DetectorModel, DetectorSettings};
use crate::random;
use crate::slm::runtime::{Model, Router};
use crate::status::StatusBoard;
use crate::update::attempt::Chronicle;
use crate::update::control::{Answer, Request};
use crate::update::disk::{Disk, RealDisk};
use crate::update::fetch::{Http, Limits, Pace, Rules};
use crate::update::host::{Hosted, NoHost, Release};
use crate::update::identity::Identity;
use crate::update::journal::Journal;
use crate::update::managed::{self, Managed, Opened, Running};
use crate::update::prober::ChildProber;
use crate::update::remote::{HttpRemote, Remote};
use crate::update::report::Reporter;
use crate::update::slots::Opener;
use crate::update::updater::{Parts, Updater};
use crate::update::{UpdateError, control};

/// Folder of updates within the data folder.
const UPDATE: &str = "update";
/// Name of the detector's bundles.
pub const DETECTOR: &str = "detector";
/// Two polls are never closer, whatever is configured.
const LEAST_PAUSE: Duration = Duration::from_millis(200);
/// Over so long a download's rate is measured: a mobile connection may stall for seconds.
const RATE_WINDOW: Duration = Duration::from_secs(30);
/// How long a stop may be held up by a server that says nothing.
const STALL: Duration = Duration::from_secs(5);

/// The update folder of a gateway, held by this process alone.
pub struct UpdateFolder {
    folder: PathBuf,
    disk: Arc<dyn Disk>,
    chronicle: Chronicle,
    lock: std::fs::File,
}

/// Where updates come from and who is told, as far as an OTA server is configured.
#[derive(Default)]
struct Server {
    remote: Option<Arc<dyn Remote>>,
    reporter: Option<Reporter>,
}

impl UpdateFolder {
    /// Opens the update folder of a configuration.
    ///
    /// # Errors
    /// When it cannot be used, or another process holds it.
    pub fn open(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, UpdateError> {
        let folder = update_folder(config);
        let unusable = |cause| UpdateError::Folder { path: folder.clone(), cause };
        std::fs::create_dir_all(&folder).map_err(unusable)?;
        let lock = std::fs::File::create(folder.join("lock")).map_err(unusable)?;
        lock.try_lock().map_err(|_| UpdateError::Held { path: folder.clone() })?;
        let journal = Arc::new(Journal::open(&folder.join("history")));
        let disk = Arc::new(RealDisk::new(folder.clone()));
        Ok(UpdateFolder { disk, folder, chronicle: Chronicle { journal, clock }, lock })
    }

    /// Does what an operator asks for while no agent runs.
    ///
    /// # Errors
    /// When the folder or a file of the section `update` cannot be used.
    pub fn answer(self, config: &Config, request: Request) -> Result<Answer, UpdateError> {
        // What cannot run is the agent's to find out: a command only looks at what is there.
        let mut models: Vec<Running> = Vec::new();
        if config.detect.model.is_none() {
            let (opened, _, hosted) = self.detector(&[], Opener::Command)?;
            models.push((Box::new(NoHost(hosted)), opened));
        }
        let router =
            Router::new(&config.slm.task).map_err(|error| UpdateError::Factory(error.to_string()))?;
        for model in router.models() {
            let (opened, hosted) = self.language(model, Opener::Command, |_| Ok(()))?;
            models.push((Box::new(NoHost(hosted)), opened));
        }
        let parts = self.updater(config, models, None, Arc::default())?;
        let (_operator, asked) = channel();
        Ok(Updater::new(parts, asked).answer(request))
    }

    /// The slots of the detector, and the model that runs: the active one, or what is behind it
    /// where that cannot run for these devices.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn detector(
        &self,
        devices: &[DetectorSettings],
        opener: Opener,
    ) -> Result<(Opened, DetectorModel, Hosted), UpdateError> {
        let factory = DetectorModel::builtin().map_err(|error| UpdateError::Factory(error.to_string()))?;
        let load = |release: Release| {
            let model = DetectorModel::from_bundle(release.bundle).map_err(|error| error.to_string())?;
            // A release that ran under another version of the agent, or for other devices, may not
            // run here: then the one before must, and not a service manager's restarts.
            for device in devices {
                Detector::new(&model, device).map_err(|error| error.to_string())?;
            }
            Ok(model)
        };
        let disk = Arc::clone(&self.disk);
        let (opened, model) = managed::open(disk, DETECTOR, factory.release(), opener, &self.chronicle, load)
            .map_err(|cause| UpdateError::Folder { path: self.folder.clone(), cause })?;
        let hosted = Hosted {
            name: DETECTOR.to_owned(),
            factory_release: factory.release(),
            factory_version: factory.version().to_owned(),
        };
        Ok((opened, model.unwrap_or(factory), hosted))
    }

    /// The slots of a language model; `run` is asked to let a release answer in the place of the
    /// configured bundle, where one is active.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn language(
        &self,
        model: &Model,
        opener: Opener,
        run: impl Fn(Release) -> Result<(), String>,
    ) -> Result<(Opened, Hosted), UpdateError> {
        let Manifest { name, release, version, .. } = &model.manifest;
        let disk = Arc::clone(&self.disk);
        let (opened, _) = managed::open(disk, name, *release, opener, &self.chronicle, run)
            .map_err(|cause| UpdateError::Folder { path: self.folder.clone(), cause })?;
        let hosted =
            Hosted { name: name.clone(), factory_release: *release, factory_version: version.clone() };
        Ok((opened, hosted))
    }

    /// An updater for these models, and what runs it.
    ///
    /// # Errors
    /// When a file of the section `update` cannot be used.
    pub fn updater(
        self,
        config: &Config,
        models: Vec<Running>,
        board: Option<Arc<StatusBoard>>,
        stop: Arc<AtomicBool>,
    ) -> Result<Parts, UpdateError> {
        let settings = &config.update;
        let facts = facts(config);
        let factory_root = match &settings.root {
            None => None,
            Some(path) => {
                Some(std::fs::read(path).map_err(|cause| UpdateError::Root { path: path.clone(), cause })?)
            }
        };
        let Server { remote, reporter } = match settings.enabled {
            true => self.server(config, &facts)?,
            false => Server::default(),
        };
        let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("lineside"));
        let managed = models
            .into_iter()
            .map(|(host, opened)| Managed::new(host, opened, self.chronicle.clone()))
            .collect();
        Ok(Parts {
            group: settings.group.clone(),
            facts,
            factory_root,
            disk: self.disk,
            folder: self.folder,
            server: remote,
            reporter,
            pace: pace(settings)?,
            prober: Arc::new(ChildProber::new(program)),
            models: managed,
            chronicle: self.chronicle,
            board,
            stop,
            random: Box::new(random::fraction),
            lock: self.lock,
        })
    }

    fn server(&self, config: &Config, facts: &DeviceFacts) -> Result<Server, UpdateError> {
        let settings = &config.update;
        let limits = Limits { stall: STALL, ..Limits::default() };
        let http = Http::new(&settings.url, settings.ca_file.as_deref(), limits)
            .map_err(|error| UpdateError::Server(error.to_string()))?;
        let rules = Rules { min_rate: settings.min_rate.0, window: RATE_WINDOW, ..Rules::default() };
        let clock = Arc::clone(&self.chronicle.clock);
        let remote: Arc<dyn Remote> = Arc::new(HttpRemote::new(http.clone(), rules, clock));
        let reporter = match &settings.enroll_token_file {
            None => None,
            Some(token) => {
                let identity = Identity::open(&self.folder, facts.id.clone(), seed)
                    .map_err(|cause| UpdateError::Folder { path: self.folder.clone(), cause })?;
                Some(Reporter::new(
                    http,
                    identity,
                    settings.group.clone(),
                    facts.clone(),
                    token.clone(),
                    pace(settings)?,
                    settings.report_interval.0,
                ))
            }
        };
        Ok(Server { remote: Some(remote), reporter })
    }
}

/// The threads of a running updater.
pub struct Updates {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Updates {
    /// Starts the updater of the models that run in this agent.
    ///
    /// # Errors
    /// When a file of the section `update` cannot be used, or there is no thread.
    pub(super) fn start(
        folder: UpdateFolder,
        config: &Config,
        models: Vec<Running>,
        board: Arc<StatusBoard>,
        deathbed: Deathbed,
    ) -> Result<Updates, AgentError> {
        let stop = Arc::new(AtomicBool::new(false));
        let path = folder.folder.clone();
        let parts = folder.updater(config, models, Some(board), Arc::clone(&stop))?;
        let (operator, asked) = channel();
        let mut threads = Vec::new();
        match control::listen(&path, operator, Arc::clone(&stop)) {
            Ok(thread) => threads.push(thread),
            // Everything but `lineside model` works without it.
            Err(error) => warn!(%error, "no socket for `lineside model`"),
        }
        threads.push(spawn("updater", move || {
            let _deathbed = deathbed;
            Updater::new(parts, asked).run();
        })?);
        Ok(Updates { stop, threads })
    }

    /// Ends the updater; what it was fetching goes on after the next start.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            if thread.join().is_err() {
                warn!("a thread of the updater ended with a panic");
            }
        }
    }
}

/// Where a configuration keeps updates.
#[must_use]
pub fn update_folder(config: &Config) -> PathBuf {
    config.gateway.data_dir.join(UPDATE)
}

/// What rollouts and releases are held against.
fn facts(config: &Config) -> DeviceFacts {
    let tag = |tag: &String| tag.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    let tags: BTreeMap<_, _> = config.update.tags.iter().filter_map(tag).collect();
    DeviceFacts {
        id: format!("{}/{}", config.gateway.site, config.gateway.name),
        arch: std::env::consts::ARCH.to_owned(),
        agent: env!("CARGO_PKG_VERSION").parse().unwrap_or(Version(0, 0, 0)),
        memory_kib: memory_kib(Path::new("/proc/meminfo")),
        tags,
    }
}

/// All memory of the board, in KiB; 0 where the system does not tell.
fn memory_kib(meminfo: &Path) -> u64 {
    let text = std::fs::read_to_string(meminfo).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

fn pace(settings: &UpdateConfig) -> Result<Pace, UpdateError> {
    let UpdateConfig { interval, backoff, .. } = settings;
    let first = backoff.min.0.max(LEAST_PAUSE);
    let pace = Pace::new(interval.0.max(LEAST_PAUSE), first, backoff.max.0.max(first), LEAST_PAUSE);
    pace.map_err(|error| UpdateError::Server(error.to_string()))
}

fn seed() -> [u8; 32] {
    let mut seed = [0; 32];
    #[expect(clippy::expect_used, reason = "a key that is not random must never be made")]
    SysRng.try_fill_bytes(&mut seed).expect("the system gives random numbers");
    seed
}

/// The devices' settings, for detectors that are loaded beside the worker.
///
/// # Errors
/// When a device's timing does not work out.
pub fn detector_settings(config: &Config) -> Result<Vec<DetectorSettings>, AgentError> {
    let settings = |device| crate::pipeline::DevicePipeline::detector_settings(device, config);
    Ok(config.devices.iter().map(settings).collect::<Result<_, _>>()?)
}
