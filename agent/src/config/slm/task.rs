//! Which model does what. A task without a model is not done by one.

use std::path::{Path, PathBuf};

use lineside_bundle::manifest::Task;
use schemars::JsonSchema;
use serde::Deserialize;

/// The tasks, by their names.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct TasksConfig {
    /// Which fault an incident shows.
    pub classify_incident: ClassifyIncidentConfig,
    /// What happened in an incident, in words.
    pub summarize_incident: WordsConfig,
    /// What happened in a shift, in words.
    pub shift_report: WordsConfig,
    /// What a short text is about.
    pub classify_text: ClassifyTextConfig,
    /// Continues a text or a conversation.
    pub generate: GenerateConfig,
    /// Turns a text into a vector.
    pub embed: EmbedConfig,
}

/// Below this a classifier that states no limit of its own is wrong more often than it helps.
pub(crate) const MIN_CONFIDENCE: f64 = 0.6;

/// Which fault an incident shows.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClassifyIncidentConfig {
    /// The model's bundle, a folder or a tar. Without it the one that is built into the agent answers.
    pub model: Option<PathBuf>,
    /// Whether the built-in model answers where no bundle is named.
    pub built_in: bool,
    /// Fault modes of the site's own, in a file of the form of the bundle's `signatures.toml`.
    pub signatures: Option<PathBuf>,
    /// The probability, 0 to 1, below which the answer is "unknown". Without it the model's own, or
    /// 0.6 where it states none.
    pub min_confidence: Option<f64>,
    /// Whether the larger model is asked where the answer is "unknown".
    pub escalate: bool,
}

impl Default for ClassifyIncidentConfig {
    fn default() -> Self {
        ClassifyIncidentConfig {
            model: None,
            built_in: true,
            signatures: None,
            min_confidence: None,
            escalate: false,
        }
    }
}

/// Words about an incident or a shift.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WordsConfig {
    /// The model's bundle, a folder or a tar.
    pub model: Option<PathBuf>,
    /// Whether the larger model is asked where this one's words do not agree with the evidence.
    pub escalate: bool,
    /// How the next token is chosen.
    pub sampling: SamplingConfig,
}

/// What a short text is about.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClassifyTextConfig {
    /// The model's bundle, a folder or a tar.
    pub model: Option<PathBuf>,
    /// The probability, 0 to 1, below which the answer is "unknown".
    pub min_confidence: f64,
}

impl Default for ClassifyTextConfig {
    fn default() -> Self {
        ClassifyTextConfig { model: None, min_confidence: MIN_CONFIDENCE }
    }
}

/// Continues a text or a conversation.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GenerateConfig {
    /// The model's bundle, a folder or a tar.
    pub model: Option<PathBuf>,
    /// How the next token is chosen where a request does not say it.
    pub sampling: SamplingConfig,
}

/// Turns a text into a vector.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EmbedConfig {
    /// The model's bundle, a folder or a tar.
    pub model: Option<PathBuf>,
}

/// How the next token is chosen, and when to stop.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SamplingConfig {
    /// Most tokens of an answer.
    pub max_tokens: u32,
    /// 0 takes the most likely token; 1 chooses as the model weighs them.
    pub temperature: f64,
    /// Chooses among so many of the most likely tokens; 0 among all.
    pub top_k: u32,
    /// Chooses among the most likely tokens that together have this probability; 1 among all.
    pub top_p: f64,
}

impl Default for SamplingConfig {
    fn default() -> Self {
        SamplingConfig { max_tokens: 256, temperature: 0.0, top_k: 0, top_p: 1.0 }
    }
}

impl TasksConfig {
    /// The tasks that a bundle is named for, each with it.
    pub fn models(&self) -> impl Iterator<Item = (Task, &Path)> {
        [
            (Task::ClassifyIncident, &self.classify_incident.model),
            (Task::SummarizeIncident, &self.summarize_incident.model),
            (Task::ShiftReport, &self.shift_report.model),
            (Task::ClassifyText, &self.classify_text.model),
            (Task::Generate, &self.generate.model),
            (Task::Embed, &self.embed.model),
        ]
        .into_iter()
        .filter_map(|(task, model)| Some((task, model.as_deref()?)))
    }

    /// The tasks whose open answers are escalated.
    #[must_use]
    pub fn escalated(&self) -> Vec<Task> {
        [
            (Task::ClassifyIncident, self.classify_incident.escalate),
            (Task::SummarizeIncident, self.summarize_incident.escalate),
            (Task::ShiftReport, self.shift_report.escalate),
        ]
        .into_iter()
        .filter_map(|(task, escalate)| escalate.then_some(task))
        .collect()
    }

    /// Whether the model that is built into the agent says which fault an incident shows.
    #[must_use]
    pub fn has_built_in(&self) -> bool {
        self.classify_incident.model.is_none() && self.classify_incident.built_in
    }

    /// Whether no task has a model.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.models().next().is_none() && !self.has_built_in()
    }
}
