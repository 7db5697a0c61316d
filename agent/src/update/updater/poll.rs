//! One look into a repository: verify it, choose for each model, bring what is chosen.

use std::sync::Arc;
use std::time::Duration;

use lineside_bundle::trust::{TrustError, Verifier};

use super::Updater;
use crate::update::choose::{self, Choice};
use crate::update::event::Phase;
use crate::update::remote::Remote;
use crate::update::trust_store::TrustStore;

/// A release that is ready is held against its rollout a second time in the same poll.
const ROUNDS: u32 = 2;

/// Whose word counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// The rollouts'.
    Follow,
    /// An engineer's, who has the repository in hand: the newest release that may run here. Its
    /// timestamp may have expired if a signed lease covers it.
    Apply,
}

/// Why a repository gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpolled {
    /// The stable word, such as `stale_metadata`.
    pub reason: String,
    /// For people.
    pub detail: String,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl From<TrustError> for Unpolled {
    fn from(error: TrustError) -> Self {
        Unpolled {
            reason: error.reason().to_owned(),
            detail: error.to_string(),
            retry_after: error.retry_after(),
        }
    }
}

impl Updater {
    /// Looks into a repository and brings what is asked for. Every model gets its turn, also when
    /// another one failed; the first failure is what is returned.
    pub(super) fn poll(&mut self, remote: &Arc<dyn Remote>, how: How) -> Result<(), Unpolled> {
        self.polling = true;
        let mut outcome = Ok(());
        for _ in 0..ROUNDS {
            outcome = self.round(remote, how);
            let ready = self.parts.models.iter().any(|model| model.ready().is_some());
            if outcome.is_err() || !ready {
                break;
            }
        }
        self.polling = false;
        outcome
    }

    fn round(&mut self, remote: &Arc<dyn Remote>, how: How) -> Result<(), Unpolled> {
        let mut verifier = self.verified(remote, how)?;
        let mut first = Ok(());
        for index in 0..self.parts.models.len() {
            let outcome = self.consider(index, remote, how, &mut verifier);
            first = first.and(outcome);
        }
        first
    }

    fn verified(&mut self, remote: &Arc<dyn Remote>, how: How) -> Result<Verifier, Unpolled> {
        let Some(root) = self.parts.factory_root.clone() else {
            let detail = "no root of trust: set `update.root` to the repository's 1.root.json";
            return Err(Unpolled { reason: "no_root".into(), detail: detail.into(), retry_after: None });
        };
        let now = self.now();
        let (source, store) = (remote.source(), TrustStore::new(Arc::clone(&self.parts.disk)));
        let verifier = self.meanwhile(|| {
            let mut verifier = Verifier::open(&root, source, Box::new(store))?;
            match how {
                How::Follow => verifier.refresh(now)?,
                How::Apply => verifier.refresh_with_lease(now)?,
            }
            Ok::<_, TrustError>(verifier)
        })?;
        if let Some(at) = verifier.judged_at() {
            let at = crate::time::Timestamp::from_micros(at.as_microsecond());
            if let Err(error) = self.device_clock.found_fresh(at) {
                tracing::warn!(%error, "update: the last good time cannot be written");
            }
        }
        Ok(verifier)
    }

    /// The time to judge by.
    fn now(&self) -> jiff::Timestamp {
        let now = self.device_clock.now(self.parts.chronicle.clock.now());
        jiff::Timestamp::from_microsecond(now.as_micros()).unwrap_or(jiff::Timestamp::MAX)
    }

    fn consider(
        &mut self,
        index: usize,
        remote: &Arc<dyn Remote>,
        how: How,
        verifier: &mut Verifier,
    ) -> Result<(), Unpolled> {
        let managed = &self.parts.models[index];
        let (model, state) = (managed.name().to_owned(), managed.slots().state().clone());
        let (group, facts) = (self.parts.group.clone(), self.parts.facts.clone());
        let now = self.now().to_zoned(jiff::tz::TimeZone::system());
        let choice = self.meanwhile(|| match how {
            How::Follow => choose::follow(verifier, &group, &model, &state, &facts, &now),
            How::Apply => choose::newest(verifier, &model, &state, &facts),
        })?;
        let word = match &choice {
            Choice::Nothing(why) | Choice::Wait(why) => why.clone(),
            Choice::Rejected { reason, .. } => (*reason).to_owned(),
            Choice::Take(candidate) => format!("release {}", candidate.slot.release),
        };
        self.waiting.insert(model.clone(), word);
        match choice {
            Choice::Wait(_) => Ok(()),
            Choice::Nothing(why) => {
                self.parts.models[index].withdraw(&why);
                Ok(())
            }
            Choice::Rejected { slot, rollout, reason, detail } => {
                self.parts.models[index].withdraw(reason);
                let chronicle = self.parts.chronicle.clone();
                self.attempt(&model, &slot, &rollout).say(&chronicle, Phase::Rejected, reason, &detail);
                Ok(())
            }
            Choice::Take(candidate) => {
                let managed = &mut self.parts.models[index];
                if managed.candidate() == Some(&candidate.slot) {
                    // It is ready, and the rollout that was read just now still wants it.
                    managed.activate();
                    return Ok(());
                }
                if managed.on_trial() {
                    self.waiting.insert(model, "soak".to_owned());
                    return Ok(());
                }
                self.bring(index, remote, &candidate, verifier)
            }
        }
    }
}
