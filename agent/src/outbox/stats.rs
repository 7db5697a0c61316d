//! The outbox in figures.

use serde::Serialize;

use super::counters::{Counts, Eviction, Loss, Refusal, Tally, total};
use crate::time::Timestamp;

/// The outbox in figures, since it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OutboxStats {
    /// The count of starts; part of every message's key.
    pub boot: u32,
    /// Records handed over by `append`.
    pub handed_over: u64,
    /// Records that should have been there when it was opened.
    pub recovered: u64,
    /// Records whose commit has reached the disk.
    pub accepted: u64,
    /// Records the broker has acknowledged.
    pub acknowledged: u64,
    /// Accepted records given up on purpose, by reason.
    pub evicted: Counts<Eviction>,
    /// Records that were never accepted, by reason.
    pub refused: Counts<Refusal>,
    /// Accepted records that disappeared against our will, by reason. After damage to the
    /// database it is an upper bound.
    pub lost: Counts<Loss>,
    /// Records stored now.
    pub depth: u64,
    /// Bytes of the records stored now.
    pub bytes: u64,
    /// When the oldest stored record was handed over.
    pub oldest_unsent: Option<Timestamp>,
    /// Records handed over that wait for their commit.
    pub waiting: u64,
    /// Why the database cannot be written at the moment, in words.
    pub failure: Option<String>,
}

impl OutboxStats {
    /// Accepted records given up on purpose, over all reasons.
    #[must_use]
    pub fn evicted_total(&self) -> u64 {
        total(&self.evicted)
    }

    /// Records never accepted, over all reasons.
    #[must_use]
    pub fn refused_total(&self) -> u64 {
        total(&self.refused)
    }

    /// Accepted records that disappeared, over all reasons.
    #[must_use]
    pub fn lost_total(&self) -> u64 {
        total(&self.lost)
    }

    pub(super) fn count(&mut self, tally: &Tally) {
        self.recovered = tally.recovered;
        self.accepted = tally.accepted;
        self.acknowledged = tally.acknowledged;
        self.evicted.clone_from(&tally.evicted);
        self.refused.clone_from(&tally.refused);
        self.lost.clone_from(&tally.lost);
        self.handed_over = tally.handed_over;
    }
}
