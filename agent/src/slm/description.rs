//! What the language models made of an incident.

use serde::{Deserialize, Serialize};

use super::case::Assessment;
use crate::publish::payload::ModelRef;

/// What the language models made of an incident: what follows the alarm, never before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// What happened, in words.
    pub summary: String,
    /// Who found the words.
    pub by: WordedBy,
    /// What it was classified as; `None` where no model classifies.
    pub assessment: Option<Assessment>,
    /// The models behind it.
    pub models: Vec<ModelRef>,
}

/// Who found the words of a summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WordedBy {
    /// The deterministic sentence.
    #[default]
    Rules,
    /// A model on the gateway.
    Model,
    /// A larger model on one's own network.
    Escalation,
}
