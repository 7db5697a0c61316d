//! One attempt to bring a release onto this gateway, and what is said about it.

use std::sync::Arc;

use metrics::counter;
use tracing::{info, warn};

use super::event::{Event, Phase};
use super::journal::Journal;
use super::state::Slot;
use crate::clock::Clock;
use crate::status::metrics as names;

/// Steps of an attempt that one process can count; those after a restart continue above.
pub const STEPS_PER_START: u32 = 1_000;

/// Writes down what happens.
#[derive(Clone)]
pub struct Chronicle {
    /// History and reports.
    pub journal: Arc<Journal>,
    /// Dates what happens.
    pub clock: Arc<dyn Clock>,
}

/// One attempt.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Its id, unique.
    pub id: String,
    /// Next step.
    pub seq: u32,
    /// The model's name.
    pub model: String,
    /// What is to be brought here.
    pub slot: Slot,
    /// The rollout that asks for it; empty where an engineer does.
    pub rollout: String,
    /// The last thing said, which is not said twice.
    pub said: Option<(Phase, String)>,
}

impl Attempt {
    /// Says how far it has come; the same word twice in a row is said once.
    pub fn say(&mut self, to: &Chronicle, phase: Phase, reason: &str, detail: &str) {
        let word = (phase, reason.to_owned());
        if self.said.as_ref() == Some(&word) {
            return;
        }
        self.said = Some(word);
        let Slot { release, version, .. } = &self.slot;
        match phase {
            Phase::RolledBack | Phase::Rejected | Phase::Failed => {
                warn!(model = self.model, release, version, reason, detail, "update: {phase:?}");
            }
            _ => info!(model = self.model, release, version, detail, "update: {phase:?}"),
        }
        let labels = [
            ("model", self.model.clone()),
            ("phase", phase.as_str().to_owned()),
            ("reason", reason.to_owned()),
        ];
        counter!(names::UPDATE_STEPS.name, &labels).increment(1);
        to.journal.record(&Event {
            attempt: self.id.clone(),
            seq: self.seq,
            model: self.model.clone(),
            release: *release,
            rollout: self.rollout.clone(),
            phase,
            reason: reason.to_owned(),
            detail: detail.to_owned(),
            time: to.clock.now().to_rfc3339(),
        });
        self.seq += 1;
    }
}
