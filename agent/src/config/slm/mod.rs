//! Small language models: which does what, what they may cost, who else may be asked.

mod service;
mod task;

pub(in crate::config) use service::time_of_day;
pub use service::{BreakerConfig, EscalationConfig, ReportConfig, SlmApiConfig};
pub(crate) use task::MIN_CONFIDENCE;
pub use task::{
    ClassifyIncidentConfig, ClassifyTextConfig, EmbedConfig, GenerateConfig, SamplingConfig, TasksConfig,
    WordsConfig,
};

use schemars::JsonSchema;
use serde::Deserialize;

use super::units::{ByteSize, Span};

/// Small language models on this gateway.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SlmConfig {
    /// Threads of one call.
    pub threads: u32,
    /// Memory for loaded models; the one that was not asked for longest leaves first.
    pub memory: ByteSize,
    /// Requests that wait at most; one more is refused at once.
    pub queue: u32,
    /// How long an incident's words may take before the deterministic sentence stays.
    pub deadline: Span,
    /// What one busy core of this board draws, in watts; 0 estimates no energy.
    pub watts: f64,
    /// How far the models step back behind everything else, as `nice` counts it.
    pub nice: u32,
    /// Which model does what.
    pub task: TasksConfig,
    /// A larger model on one's own network, for what the local one leaves open.
    pub escalation: EscalationConfig,
    /// The report at the end of a shift.
    pub report: ReportConfig,
    /// The models for programs on this gateway.
    pub api: SlmApiConfig,
}

impl Default for SlmConfig {
    fn default() -> Self {
        SlmConfig {
            threads: 1,
            memory: ByteSize::mib(256),
            queue: 16,
            deadline: Span::secs(10),
            watts: 0.0,
            nice: 10,
            task: TasksConfig::default(),
            escalation: EscalationConfig::default(),
            report: ReportConfig::default(),
            api: SlmApiConfig::default(),
        }
    }
}
