//! A language model's host: how a release of it comes to answer in the place of the one before.

use lineside_bundle::Bundle;

use crate::slm::runtime::{Runtime, Source};
use crate::update::host::{Comparison, Health, Host, HostError, Hosted, Release};

/// Hosts one language model of the runtime. Its factory model is the bundle of the configuration.
pub struct LanguageHost {
    hosted: Hosted,
    runtime: Runtime,
}

impl LanguageHost {
    /// For the model that `hosted` names.
    #[must_use]
    pub fn new(hosted: Hosted, runtime: Runtime) -> Self {
        LanguageHost { hosted, runtime }
    }
}

impl Host for LanguageHost {
    fn model(&self) -> &Hosted {
        &self.hosted
    }

    fn activate(&mut self, release: Option<&Release>) -> Result<(), HostError> {
        let source = release.map(source);
        self.runtime.replace(&self.hosted.name, source).map_err(|error| HostError(error.to_string()))
    }

    fn start_shadow(&mut self, _: &Bundle) -> Result<(), HostError> {
        // Two texts that differ may both be right: there is nothing that counts agreement.
        let advice = "a language model cannot be compared in shadow: set `trial.shadow_windows` to 0";
        Err(HostError(advice.to_owned()))
    }

    fn comparison(&self) -> Comparison {
        Comparison::default()
    }

    fn stop_shadow(&mut self) {}

    fn health(&self) -> Health {
        let health = self.runtime.health(&self.hosted.name);
        Health { answered: health.answered, failures: health.failures, p95_us: health.p95_us }
    }
}

/// Where the runtime finds a release, now and whenever it loads it again.
#[must_use]
pub fn source(release: &Release) -> Source {
    Source::At { path: release.file.clone(), sha256: Some(release.sha256.clone()) }
}
