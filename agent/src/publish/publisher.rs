//! Keeps a connection to the broker, for as long as the agent runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::backoff::{Backoff, BackoffError};
use super::connect::Route;
use super::live::Live;
use super::refused::Refused;
use super::session::{End, Session};
use super::stats::{Latencies, PublishStats};
use super::tls::{self, TlsError};
use crate::clock::Clock;
use crate::config::MqttConfig;
use crate::outbox::Outbox;
use crate::random;
use crate::status::metrics as names;

/// A connection that held for so long was a good one: the next failure starts a new count.
const GOOD_CONNECTION: Duration = Duration::from_secs(60);

/// What the broker shows of the gateway itself, retained.
#[derive(Clone)]
pub struct Birth {
    /// The status topic.
    pub topic: String,
    /// What stands there when the gateway is gone: the last will, and the farewell.
    pub offline: Vec<u8>,
    /// Makes what stands there when it is connected; called on every connection.
    pub online: Arc<dyn Fn() -> Vec<u8> + Send + Sync>,
}

/// Why delivery cannot start. None of these heals by waiting.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The TLS files cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The back-off is impossible.
    #[error(transparent)]
    Backoff(#[from] BackoffError),
    /// It was called outside a tokio runtime.
    #[error("the publisher must be started within a tokio runtime with time and network enabled")]
    NoRuntime,
}

/// What the publisher's task shares with its handle.
pub(super) struct Shared {
    stats: Mutex<PublishStats>,
    latencies: Mutex<Latencies>,
    live: Mutex<Live>,
    /// Woken when a live value has changed.
    pub live_changed: Notify,
}

/// The handle of the task that delivers. Dropping it ends the task at once, and the broker
/// publishes the last will; [`Publisher::shutdown`] says good-bye.
pub struct Publisher {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl Publisher {
    /// Starts delivering what the outbox holds. A broker that is away is no error: it is called
    /// again, for ever, with growing pauses.
    ///
    /// # Errors
    /// What no waiting can heal: unusable TLS files, impossible settings, no tokio runtime.
    pub fn start(
        config: &MqttConfig,
        client_id: String,
        birth: Birth,
        outbox: Outbox,
        clock: Arc<dyn Clock>,
    ) -> Result<Publisher, PublishError> {
        let backoff = Backoff::from_config(&config.backoff)?;
        let tls = config.tls.as_ref().map(tls::client_config).transpose()?;
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| PublishError::NoRuntime)?;
        let will = (birth.topic.clone(), birth.offline.clone());
        let route = Route { config: config.clone(), client_id, tls, will };
        let shared = Arc::new(Shared {
            stats: Mutex::default(),
            latencies: Mutex::default(),
            live: Mutex::default(),
            live_changed: Notify::new(),
        });
        let (stop, stopped) = watch::channel(false);
        let context = Context { route, birth, outbox, clock, backoff, shared: shared.clone() };
        let task = runtime.spawn(keep_connected(context, stopped));
        Ok(Publisher { shared, stop, task: Some(task) })
    }

    /// Sets a live retained message: only the newest value of a topic is published, on change and
    /// again after every connection.
    pub fn retain(&self, topic: String, payload: Vec<u8>) {
        if self.shared.live().set(topic, payload) {
            self.shared.live_changed.notify_one();
        }
    }

    /// Delivery in figures.
    #[must_use]
    pub fn stats(&self) -> PublishStats {
        let latency = lock(&self.shared.latencies).quantiles();
        PublishStats { latency, ..self.shared.stats().clone() }
    }

    /// Stops sending, waits up to 5 s for acknowledgements, publishes the offline status and
    /// disconnects. Returns the last figures.
    pub async fn shutdown(mut self) -> PublishStats {
        self.stop.send_replace(true);
        if let Some(task) = self.task.take() {
            // A panic of the task has been printed already.
            let _ = task.await;
        }
        self.stats()
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Shared {
    pub fn stats(&self) -> MutexGuard<'_, PublishStats> {
        lock(&self.stats)
    }

    pub fn live(&self) -> MutexGuard<'_, Live> {
        lock(&self.live)
    }

    /// A record was acknowledged so long after it was handed over; one that waited through an
    /// outage says nothing about how fast delivery is.
    pub fn acknowledged(&self, latency: Duration, late: bool) {
        metrics::histogram!(names::PUBLISH_LATENCY.name).record(latency.as_secs_f64());
        if !late {
            lock(&self.latencies).record(latency);
        }
        self.stats().acknowledged += 1;
    }

    /// Keeps and logs why something failed; the same reason over and over only once.
    pub fn failed(&self, why: String) {
        let mut stats = self.stats();
        if stats.last_error.as_ref() == Some(&why) {
            tracing::debug!("{why}");
        } else {
            tracing::warn!("{why}");
            stats.last_error = Some(why);
        }
    }
}

/// What every connection needs.
pub(super) struct Context {
    pub route: Route,
    pub birth: Birth,
    pub outbox: Outbox,
    pub clock: Arc<dyn Clock>,
    pub backoff: Backoff,
    pub shared: Arc<Shared>,
}

async fn keep_connected(context: Context, mut stopped: watch::Receiver<bool>) {
    let mut failures = 0;
    let mut refused = Refused::default();
    loop {
        {
            let mut stats = context.shared.stats();
            stats.attempts += 1;
            stats.since.get_or_insert(context.clock.now());
        }
        let started = Instant::now();
        let (end, delivered) = Session::run(&context, &mut refused, &mut stopped).await;
        {
            let mut stats = context.shared.stats();
            if stats.connected {
                stats.since = Some(context.clock.now());
            }
            stats.connected = false;
            stats.in_flight = 0;
        }
        match end {
            End::Stopped => return,
            End::Failed(why) => context.shared.failed(why),
        }
        if delivered || started.elapsed() >= GOOD_CONNECTION {
            failures = 0;
        }
        let pause = context.backoff.pause(failures, random::fraction());
        failures = failures.saturating_add(1);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
