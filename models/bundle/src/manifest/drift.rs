//! `[drift]`: what the training recorded of the model's own answers, for a device to compare with.

use serde::{Deserialize, Serialize};

use crate::error::BundleError;
use crate::manifest::MANIFEST;

/// Most edges: finer shares than these nobody can tell apart on a device.
const MAX_EDGES: usize = 64;
/// Fewer answers are no reference.
const MIN_TOTAL: u64 = 100;

/// What the training recorded of the model's own answers on data it was not trained on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Drift {
    /// A detector's score of a device in normal operation, in logits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<Histogram>,
    /// A classifier's confidence in its answers, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Histogram>,
}

/// Counts over bins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Histogram {
    /// Upper edges of all bins but the last, rising.
    pub edges: Vec<f64>,
    /// What each bin holds: one more than there are edges.
    pub counts: Vec<u64>,
    /// Answers "unknown", which have no confidence.
    #[serde(default)]
    pub abstained: u64,
}

impl Drift {
    pub(super) fn check(&self) -> Result<(), BundleError> {
        for (key, histogram) in [("score", &self.score), ("confidence", &self.confidence)] {
            if let Some(histogram) = histogram {
                histogram.check(key)?;
            }
        }
        Ok(())
    }
}

impl Histogram {
    fn check(&self, key: &str) -> Result<(), BundleError> {
        let invalid = |what: &str, problem: String| {
            Err(BundleError::invalid(MANIFEST, format!("drift.{key}.{what}"), problem))
        };
        // A device counts in single precision: edges must differ there.
        let edges: Vec<f32> = self.edges.iter().map(|&edge| edge as f32).collect();
        let rising = edges.windows(2).all(|pair| pair[0] < pair[1]);
        if edges.is_empty()
            || edges.len() > MAX_EDGES
            || !rising
            || edges.iter().any(|edge| !edge.is_finite())
        {
            return invalid("edges", format!("must be 1 to {MAX_EDGES} finite numbers that rise"));
        }
        if self.counts.len() != edges.len() + 1 {
            let found = self.counts.len();
            return invalid(
                "counts",
                format!("has {found} bins for {} edges: one more than edges", edges.len()),
            );
        }
        let counts = self.counts.iter().chain([&self.abstained]);
        let total = counts.fold(0_u64, |total, &count| total.saturating_add(count));
        if !(MIN_TOTAL..=u64::from(u32::MAX)).contains(&total) {
            return invalid("counts", format!("hold {total} answers: must be {MIN_TOTAL} to {}", u32::MAX));
        }
        Ok(())
    }
}
