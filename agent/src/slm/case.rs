//! What a language model is told of an incident: its evidence, never a sample.

use serde::{Deserialize, Serialize};

use crate::incident::Incident;
use crate::incident::sentence::Subject;

/// An incident as a language model is told of it. Promise 3: there is no sample in it.
#[derive(Clone, Debug)]
pub struct Case {
    /// The machine and its channels, by the names that people use.
    pub subject: Subject,
    /// The incident with its evidence and its deterministic sentence.
    pub incident: Incident,
    /// What the incident was classified as, where it was.
    pub assessment: Option<Assessment>,
    /// Free text that belongs to it: alarms of the machine, an operator's notes.
    pub notes: Vec<String>,
}

/// What something was classified as.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// The most likely label; `None` when the classifier abstains: "unknown".
    pub label: Option<String>,
    /// The probability of the most likely label, 0 to 1, whether or not it is said.
    pub confidence: f32,
    /// Every label with its probability, the most likely first.
    pub scores: Vec<(String, f32)>,
}
