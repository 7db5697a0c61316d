//! Where a model runs: what the updater asks of it. The detector's host is the worker; a
//! classifier's and a summarizer's are their runtimes. Each is updated on its own.

use std::path::PathBuf;

use lineside_bundle::{Bundle, Sha256Hex};

/// A model that the agent can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosted {
    /// Its name, as bundles and rollouts call it.
    pub name: String,
    /// Release of the factory model, which needs no file.
    pub factory_release: u32,
    /// Version of the factory model.
    pub factory_version: String,
}

/// A verified release.
#[derive(Clone, Debug)]
pub struct Release {
    /// Its bundle.
    pub bundle: Bundle,
    /// The file it lies in, for a host that loads it again later.
    pub file: PathBuf,
    /// Digest of that file: what is loaded later must have it.
    pub sha256: Sha256Hex,
}

/// How a model does since it became active.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Windows or requests it has answered.
    pub answered: u64,
    /// Those it had no usable answer for.
    pub failures: u64,
    /// 95th percentile of one answer, in microseconds.
    pub p95_us: u64,
}

/// A release in shadow beside the active one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Windows that both have answered.
    pub windows: u64,
    /// Windows for which both say the same about an alarm.
    pub agreed: u64,
    /// Mean difference of their scores' distances from their limits, new minus old.
    pub score_shift: f64,
    /// Windows that the one in shadow had no usable answer for.
    pub failures: u64,
    /// Its 95th percentile of one window, in microseconds.
    pub p95_us: u64,
}

impl Comparison {
    /// Share of windows for which both say the same; 1 while there are none.
    #[must_use]
    pub fn agreement(&self) -> f64 {
        if self.windows == 0 { 1.0 } else { self.agreed as f64 / self.windows as f64 }
    }
}

/// Why a host does not take a bundle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HostError(pub String);

/// Where nothing runs: for commands that change what the next start of the agent runs.
pub struct NoHost(pub Hosted);

impl Host for NoHost {
    fn model(&self) -> &Hosted {
        &self.0
    }

    fn activate(&mut self, _: Option<&Release>) -> Result<(), HostError> {
        Ok(())
    }

    fn start_shadow(&mut self, _: &Bundle) -> Result<(), HostError> {
        Err(HostError("it can only be compared while the agent runs: start it first".to_owned()))
    }

    fn comparison(&self) -> Comparison {
        Comparison::default()
    }

    fn stop_shadow(&mut self) {}

    fn health(&self) -> Health {
        Health::default()
    }
}

/// Where one model runs.
pub trait Host: Send {
    /// Which model it runs.
    fn model(&self) -> &Hosted;

    /// Loads a release and lets it take over; `None` is the factory model. The one before runs
    /// until this one is loaded, and nothing is left unanswered in between. [`Host::health`]
    /// starts anew.
    ///
    /// # Errors
    /// When it cannot be loaded: the one before then goes on.
    fn activate(&mut self, release: Option<&Release>) -> Result<(), HostError>;

    /// Lets a bundle answer beside the active one, for nobody but [`Host::comparison`].
    ///
    /// # Errors
    /// When it cannot be loaded.
    fn start_shadow(&mut self, bundle: &Bundle) -> Result<(), HostError>;

    /// How the one in shadow compares so far.
    fn comparison(&self) -> Comparison;

    /// Ends the shadow.
    fn stop_shadow(&mut self);

    /// How the active one does.
    fn health(&self) -> Health;
}
