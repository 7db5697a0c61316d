//! The repository with the online key.

use std::fmt;

use jiff::Timestamp;
use lineside_bundle::{Rollout, Sha256Hex};

use super::publisher::{Chosen, PublishError, Publisher};
use crate::keys::Signer;
use crate::repository::{Expiries, Repository, RepositoryError, Terms};
use crate::tuf::ROLLOUTS;

/// A repository, and the key that signs in it without people.
pub struct Online {
    repository: Repository,
    signer: Box<dyn Signer>,
    expiries: Expiries,
}

impl Online {
    /// `signer` must be the online key of `repository`.
    #[must_use]
    pub fn new(repository: Repository, signer: Box<dyn Signer>, expiries: Expiries) -> Online {
        Online { repository, signer, expiries }
    }

    fn terms(&self, now: Timestamp) -> Terms {
        Terms { now, expiries: self.expiries }
    }
}

impl fmt::Debug for Online {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Online").field("repository", &self.repository).finish_non_exhaustive()
    }
}

impl Publisher for Online {
    fn key_id(&self) -> String {
        self.signer.public().id().to_string()
    }

    fn release(&self, model: &str, release: u32) -> Result<Option<Chosen>, PublishError> {
        let releases = self.repository.state().map_err(failed)?.releases(model);
        let Some(found) = releases.into_iter().find(|known| known.info.release == release) else {
            return Ok(None);
        };
        let sha256 = Sha256Hex::try_from(found.sha256)
            .map_err(|e| PublishError(format!("{}: its digest: {e}", found.target)))?;
        Ok(Some(Chosen { target: found.target, sha256 }))
    }

    fn publish(&self, rollout: &Rollout, now: Timestamp) -> Result<(), PublishError> {
        let document = serde_json::to_vec(rollout).map_err(|e| PublishError(e.to_string()))?;
        let there = self.repository.rollout(&rollout.group, &rollout.model).map_err(failed)?;
        if there.as_deref() == Some(&document) {
            return Ok(());
        }
        self.repository.add_rollout(&document, &[&*self.signer], &self.terms(now)).map_err(failed)?;
        Ok(())
    }

    fn refresh(&self, now: Timestamp) -> Result<bool, PublishError> {
        let state = self.repository.state().map_err(failed)?;
        let (terms, lives) = (self.terms(now), self.expiries);
        let rollouts = state.roles.get(ROLLOUTS).map(|role| role.signed.expires);
        let due = rollouts.is_some_and(|expires| terms.is_due(expires, lives.rollouts))
            || terms.is_due(state.timestamp.signed.expires, lives.timestamp)
            || terms.is_due(state.snapshot.signed.expires, lives.snapshot);
        if !due {
            return Ok(false);
        }
        let done = self.repository.refresh(&[&*self.signer], &terms).map_err(failed)?;
        for (role, expires) in done.expiring {
            tracing::warn!(role, %expires, "people must sign this role again before it expires");
        }
        Ok(true)
    }
}

fn failed(error: RepositoryError) -> PublishError {
    PublishError(error.to_string())
}
