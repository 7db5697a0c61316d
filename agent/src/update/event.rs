//! What happened to a release on this gateway, as history keeps it and reports send it.

use serde::{Deserialize, Serialize};

/// How far a release has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// A rollout asks for it and this gateway's turn has come.
    Offered,
    /// Its bytes are being fetched.
    Downloading,
    /// Its bytes are those that were signed, and it passed its golden vectors and its budget.
    Verified,
    /// It runs beside the active one.
    Shadow,
    /// It is the one that runs, on trial.
    Active,
    /// It has proven itself.
    Committed,
    /// It was active, failed, and the one before is back.
    RolledBack,
    /// It was refused before it ran: nothing will change until there is another release.
    Rejected,
    /// The attempt broke off; it will be tried again.
    Failed,
}

impl Phase {
    /// As reports, metrics and people have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Offered => "offered",
            Phase::Downloading => "downloading",
            Phase::Verified => "verified",
            Phase::Shadow => "shadow",
            Phase::Active => "active",
            Phase::Committed => "committed",
            Phase::RolledBack => "rolled_back",
            Phase::Rejected => "rejected",
            Phase::Failed => "failed",
        }
    }
}

/// One step of one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The attempt; with `seq` it makes a report idempotent.
    pub attempt: String,
    /// Counts the steps of an attempt, from 0.
    pub seq: u32,
    /// The model's name.
    pub model: String,
    /// The release.
    pub release: u32,
    /// The rollout that asked for it; empty where an engineer did.
    pub rollout: String,
    /// How far it has come.
    pub phase: Phase,
    /// Stable word, such as `golden_mismatch`; empty where nothing went wrong.
    pub reason: String,
    /// For people.
    pub detail: String,
    /// When, RFC 3339.
    pub time: String,
}
