//! What the models cost, for status, metrics and the control room.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The language models and what they cost since the agent started.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SlmFigures {
    /// Requests that wait.
    pub waiting: u64,
    /// Memory for loaded models, in bytes.
    pub budget_bytes: u64,
    /// The models that are loaded.
    pub loaded: Vec<LoadedModel>,
    /// What they cost, by task and model.
    pub costs: Vec<CostFigures>,
}

/// A loaded model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadedModel {
    /// Its name.
    pub name: String,
    /// The memory that it holds, in bytes.
    pub bytes: u64,
}

/// What one model cost with one task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CostFigures {
    /// The task.
    pub task: String,
    /// The model; empty for requests that no model was found for.
    pub model: String,
    /// Requests answered.
    pub answered: u64,
    /// Requests refused, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Tokens read.
    pub tokens_in: u64,
    /// Tokens written.
    pub tokens_out: u64,
    /// Time that a processor was busy, in milliseconds.
    pub cpu_ms: u64,
    /// The energy of that time, in joules, where `slm.watts` is set.
    pub energy_j: Option<f64>,
    /// Median of the time from request to answer, in milliseconds.
    pub p50_ms: f64,
    /// Its 95th percentile.
    pub p95_ms: f64,
    /// Its 99th percentile.
    pub p99_ms: f64,
    /// Most memory that the model held, in bytes.
    pub memory_peak_bytes: u64,
    /// Answers "unknown".
    pub abstained: u64,
    /// Answers in the deterministic words, by reason.
    pub fallbacks: BTreeMap<String, u64>,
    /// What became of asking the larger model.
    pub escalated: BTreeMap<String, u64>,
}
