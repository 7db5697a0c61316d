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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// The most likely label; `None` when the classifier abstains: "unknown".
    pub label: Option<String>,
    /// The probability of the most likely label, 0 to 1, whether or not it is said.
    pub confidence: f32,
    /// Every label with its probability, the most likely first.
    pub scores: Vec<(String, f32)>,
    /// What the label means in plain words: "a blocked outlet".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// A second fault in plain words, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<String>,
    /// What to look at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// Channels, by their names, that neither fault explains.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unexplained: Vec<String>,
    /// Whether it is no fault: unusual, but as it may be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub benign: bool,
    /// What carried the decision, the heaviest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<Because>,
}

/// Something that carried a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Because {
    /// A channel's name, or [`NOTES`].
    pub what: String,
    /// The probability that the decision loses without it.
    pub weight: f32,
}

/// What the notes are called among channels in [`Because::what`].
pub const NOTES: &str = "notes";

impl Assessment {
    /// The likely cause in words: the label's where none are given, nothing where it abstains.
    #[must_use]
    pub fn likely(&self) -> Option<String> {
        let label = self.label.as_deref()?;
        Some(self.cause.clone().unwrap_or_else(|| label.replace('_', " ")))
    }

    /// The second fault in words, behind a likely cause.
    #[must_use]
    pub fn besides(&self) -> Option<&str> {
        self.label.as_ref().and(self.second.as_deref())
    }

    /// Whether neither fault explains a channel of this name.
    #[must_use]
    pub fn leaves_over(&self, channel: &str) -> bool {
        self.unexplained.iter().any(|name| name == channel)
    }
}
