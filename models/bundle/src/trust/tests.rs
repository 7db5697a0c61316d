//! The rows of the table of faults and attacks that this module answers for.

mod attacks;
mod lease;
mod store;
mod walk;

use std::sync::Arc;

use super::fixture::{NOW, Repo, time};
use super::{MemoryStore, TrustError, Verifier};

/// A device: the root it was built with, and what it keeps.
struct Device {
    factory: Vec<u8>,
    store: Arc<MemoryStore>,
}

impl Device {
    /// Built with the root that `repo` has now.
    fn of(repo: &Repo) -> Self {
        Device { factory: repo.get(&repo.file("root")), store: Arc::default() }
    }

    fn open(&self, repo: &Repo) -> Verifier {
        let (source, store) = (Box::new(repo.served.clone()), Box::new(self.store.clone()));
        Verifier::open(&self.factory, source, store).unwrap()
    }

    /// A whole cycle at `now`.
    fn cycle_at(&self, repo: &Repo, now: &str) -> Result<Verifier, TrustError> {
        let mut verifier = self.open(repo);
        verifier.refresh(time(now))?;
        Ok(verifier)
    }

    fn cycle(&self, repo: &Repo) -> Result<Verifier, TrustError> {
        self.cycle_at(repo, NOW)
    }

    /// The word for why a cycle fails.
    fn refused(&self, repo: &Repo) -> &'static str {
        self.cycle(repo).expect_err("the cycle succeeded").reason()
    }

    /// The version of a role that is kept.
    fn kept(&self, role: &str) -> Option<u64> {
        use super::Store as _;
        let bytes = self.store.load(&format!("{role}.json")).unwrap()?;
        serde_json::from_slice::<serde_json::Value>(&bytes).unwrap()["signed"]["version"].as_u64()
    }
}
