//! How slow change is watched, and what is kept to refit a model with.

use schemars::JsonSchema;
use serde::Deserialize;

use super::units::{ByteSize, Span};

/// How slow change is watched.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DriftConfig {
    /// Whether it is watched.
    pub enabled: bool,
    /// One window in this time is counted; a device whose windows are rarer has all of them counted.
    pub sample_interval: Span,
    /// What is compared with the reference at once, a multiple of the interval.
    pub span: Span,
    /// The first days, which the later ones are compared with; a multiple of the span.
    pub reference: Span,
    /// How many false drifts a year one device may show.
    pub false_drifts_per_year: f64,
}

impl Default for DriftConfig {
    fn default() -> Self {
        DriftConfig {
            enabled: true,
            // Slower than most machines repeat themselves, and a hundred samples a day.
            sample_interval: Span::secs(900),
            span: Span::secs(86_400),
            // Two weekends: what repeats every week is no drift.
            reference: Span::secs(14 * 86_400),
            false_drifts_per_year: 1.0,
        }
    }
}

impl DriftConfig {
    /// Samples of a span.
    #[must_use]
    pub fn span_samples(&self) -> u32 {
        times(self.span, self.sample_interval)
    }

    /// Spans of the reference.
    #[must_use]
    pub fn blocks(&self) -> u32 {
        times(self.reference, self.span)
    }
}

/// How often `short` fits into `long`.
fn times(long: Span, short: Span) -> u32 {
    u32::try_from(long.0.as_micros() / short.0.as_micros().max(1)).unwrap_or(u32::MAX)
}

/// What is kept on the gateway to refit a model with.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetrainingConfig {
    /// Whether windows are kept at all.
    pub enabled: bool,
    /// How long.
    pub keep: Span,
    /// How much, over all devices.
    pub max_size: ByteSize,
    /// What was written reaches the disk at the latest after this time.
    pub sync_interval: Span,
}

impl Default for RetrainingConfig {
    fn default() -> Self {
        RetrainingConfig {
            enabled: false,
            keep: Span::secs(14 * 86_400),
            max_size: ByteSize::mib(256),
            sync_interval: Span::secs(60),
        }
    }
}
