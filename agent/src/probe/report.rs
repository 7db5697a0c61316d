//! What a probe found.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a probe found. Figures of steps that were not reached are 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProbeReport {
    /// How long the runtime took to load the model, in milliseconds.
    pub load_ms: u64,
    /// How the golden cases went; absent where the bundle has none, or none was run.
    pub golden: Option<GoldenResult>,
    /// 95th percentile of one call, in microseconds: of a language model that writes, one token.
    pub p95_us: u64,
    /// Median of one call, in microseconds.
    pub p50_us: u64,
    /// What the process grew by for the model, in KiB, without what the runtime takes for any model;
    /// never less than the model file's own length.
    pub memory_kib: u64,
    /// Whether the model may run.
    pub verdict: Verdict,
}

/// How the golden cases went.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GoldenResult {
    /// How many cases there are.
    pub cases: usize,
    /// The first case, from 0, whose outputs were not those promised.
    pub failed: Option<usize>,
    /// Largest difference of any output; absent where one was no number.
    pub largest_difference: Option<f32>,
}

/// Whether a model may run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Verdict {
    /// It does what its manifest says.
    #[default]
    Ok,
    /// It does not.
    Failed {
        /// For programs.
        reason: Reason,
        /// For people.
        detail: String,
    },
}

/// Why a model may not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It cannot be loaded, or is not the model that its manifest describes.
    LoadFailed,
    /// A golden case gave other outputs.
    GoldenMismatch,
    /// It is slower than its budget.
    OverLatency,
    /// It needs more memory than its budget.
    OverMemory,
}

impl Reason {
    /// As reports carry it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::LoadFailed => "load_failed",
            Reason::GoldenMismatch => "golden_mismatch",
            Reason::OverLatency => "over_latency",
            Reason::OverMemory => "over_memory",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl ProbeReport {
    /// Whether the model may run.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.verdict == Verdict::Ok
    }
}
