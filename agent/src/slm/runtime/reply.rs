//! What comes back, and why nothing does.

use std::time::Duration;

use lineside_bundle::manifest::Task;
use serde::{Deserialize, Serialize};

use crate::slm::case::Assessment;
use crate::slm::description::WordedBy;
use crate::slm::model::ModelError;

/// A text as a vector of length 1.
pub type Vector = Vec<f32>;

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What was asked for.
    pub reply: Reply,
    /// Who answered.
    pub by: WordedBy,
    /// The name of the model that answered.
    pub model: String,
    /// Its version; empty where it is not known.
    pub version: String,
    /// What it took.
    pub usage: Usage,
    /// The text as it was written out before it was classified, where the model does that.
    pub normalised: Option<String>,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// A class, or "unknown".
    Class(Assessment),
    /// Words about an incident or a shift.
    Words(Words),
    /// A text.
    Text {
        /// The whole of it.
        text: String,
        /// Why it ends.
        finish: Finish,
    },
    /// One vector a text.
    Vectors(Vec<Vector>),
}

/// Words about an incident or a shift.
#[derive(Clone, Debug, PartialEq)]
pub struct Words {
    /// The text.
    pub text: String,
    /// Why the model's own words were not taken, where they were not.
    pub fallback: Option<String>,
}

/// Why a text ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model ended it, or a stop text did.
    Stop,
    /// It has as many tokens as were allowed.
    Length,
}

/// What an answer took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens read.
    pub tokens_in: u64,
    /// Tokens written.
    pub tokens_out: u64,
    /// Time of the processor.
    pub cpu: Duration,
    /// Time in the queue.
    pub waited: Duration,
    /// Time from the queue to the answer.
    pub took: Duration,
}

/// Why nothing comes back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such task, or none that a model is configured for.
    #[error("no model does `{task}` here; {}", configured(known))]
    UnknownTask {
        /// What was asked for.
        task: String,
        /// The tasks that models are configured for.
        known: Vec<Task>,
    },
    /// No such model, or it does not do this task.
    #[error("no model `{model}` does this here; configured: {}", listed(known))]
    UnknownModel {
        /// What was asked for.
        model: String,
        /// The models that do the task.
        known: Vec<String>,
    },
    /// As many requests wait as may.
    #[error("{waiting} requests wait already; ask again later")]
    QueueFull {
        /// How many wait.
        waiting: usize,
    },
    /// A more urgent request took its place in the queue.
    #[error("an incident took this request's place in the queue; ask again later")]
    Displaced,
    /// It was not answered in time.
    #[error("not answered within {}", crate::config::Span(*.after))]
    Deadline {
        /// How long it might have taken.
        after: Duration,
    },
    /// Whoever asked no longer wants the answer.
    #[error("nobody waits for the answer any more")]
    Cancelled,
    /// The model does not fit into the memory for models.
    #[error(
        "model `{model}` needs {needs} bytes; of the {budget} bytes for models {in_use} are in use by \
         models that are answering: raise `slm.memory`, or configure a smaller model"
    )]
    TooLarge {
        /// The model.
        model: String,
        /// Bytes that it needs.
        needs: u64,
        /// Bytes held by models that cannot be unloaded now.
        in_use: u64,
        /// Bytes for all models together.
        budget: u64,
    },
    /// The request cannot be answered as it stands.
    #[error("`{field}`: {problem}")]
    Invalid {
        /// The field.
        field: String,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// The model could not be loaded or run.
    #[error("model `{model}`: {problem}")]
    Model {
        /// The model.
        model: String,
        /// What happened.
        problem: String,
    },
    /// The agent is stopping.
    #[error("the agent is stopping")]
    Stopping,
}

impl Refusal {
    /// A request that cannot be answered as it stands.
    #[must_use]
    pub fn invalid(field: &str, problem: impl Into<String>) -> Self {
        Refusal::Invalid { field: field.into(), problem: problem.into() }
    }

    /// What a model could not do.
    #[must_use]
    pub fn model(model: &str, error: &ModelError) -> Self {
        Refusal::Model { model: model.into(), problem: error.to_string() }
    }

    /// Whether a model was given the request and did not answer it.
    pub(super) fn is_the_models(&self) -> bool {
        matches!(self, Refusal::Model { .. } | Refusal::TooLarge { .. } | Refusal::Deadline { .. })
    }

    /// Its name in counters.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Refusal::UnknownTask { .. } => "unknown_task",
            Refusal::UnknownModel { .. } => "unknown_model",
            Refusal::QueueFull { .. } => "queue_full",
            Refusal::Displaced => "displaced",
            Refusal::Deadline { .. } => "deadline",
            Refusal::Cancelled => "cancelled",
            Refusal::TooLarge { .. } => "too_large",
            Refusal::Invalid { .. } => "invalid",
            Refusal::Model { .. } => "model_error",
            Refusal::Stopping => "stopping",
        }
    }
}

fn configured(tasks: &[Task]) -> String {
    if tasks.is_empty() {
        return "no task has one: name a bundle under `[slm.task]`".into();
    }
    format!("known tasks: {}", tasks.iter().map(|task| task.name()).collect::<Vec<_>>().join(", "))
}

fn listed(models: &[String]) -> String {
    if models.is_empty() { "none".into() } else { models.join(", ") }
}
