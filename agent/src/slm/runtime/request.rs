//! What can be asked for.

use std::time::Duration;

use lineside_bundle::manifest::Task;

use crate::slm::case::Case;
pub use crate::slm::tokenizer::{Message, Role};
use crate::time::Timestamp;

/// Where pieces of a text go while it is written. A receiver that is gone stops the writing.
pub type Pieces = tokio::sync::mpsc::UnboundedSender<String>;

/// One request with what the queue must know of it.
#[derive(Clone, Debug)]
pub struct Call {
    /// What is asked for.
    pub request: Request,
    /// The name of a configured bundle; `None` takes the one that the task is configured with.
    pub model: Option<String>,
    /// Who goes first.
    pub priority: Priority,
    /// How long the answer may take from now, waiting included; `None` waits for ever.
    pub deadline: Option<Duration>,
}

impl Call {
    /// A call to the task's own model.
    #[must_use]
    pub fn new(request: Request, priority: Priority, deadline: Option<Duration>) -> Self {
        Call { request, model: None, priority, deadline }
    }
}

/// Who goes first, the most urgent last in the order of this type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Nobody waits for it: a shift report, a batch.
    Background,
    /// A person or a program waits.
    Interactive,
    /// Somebody may have to act.
    Incident,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub enum Request {
    /// Which fault an incident shows: [`super::Reply::Class`].
    ClassifyIncident(Box<Case>),
    /// What happened in an incident: [`super::Reply::Words`].
    SummarizeIncident(Box<Case>),
    /// What happened in a shift: [`super::Reply::Words`].
    ShiftReport(Box<Shift>),
    /// What a text is about: [`super::Reply::Class`].
    ClassifyText {
        /// The text.
        text: String,
    },
    /// What follows: [`super::Reply::Text`].
    Generate(Box<Generation>),
    /// Texts as vectors: [`super::Reply::Vectors`], in their order.
    Embed {
        /// The texts.
        texts: Vec<String>,
    },
}

impl Request {
    /// The task that it belongs to.
    #[must_use]
    pub fn task(&self) -> Task {
        match self {
            Request::ClassifyIncident(_) => Task::ClassifyIncident,
            Request::SummarizeIncident(_) => Task::SummarizeIncident,
            Request::ShiftReport(_) => Task::ShiftReport,
            Request::ClassifyText { .. } => Task::ClassifyText,
            Request::Generate(_) => Task::Generate,
            Request::Embed { .. } => Task::Embed,
        }
    }
}

/// The incidents of a shift.
#[derive(Clone, Debug)]
pub struct Shift {
    /// When it began.
    pub from: Timestamp,
    /// When it ended.
    pub to: Timestamp,
    /// What happened, in the order of opening: the newest state of each incident.
    pub cases: Vec<Case>,
}

/// A text to be continued, or a conversation to be answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Generation {
    /// What is there.
    pub prompt: Prompt,
    /// How to choose; what is not said is taken from the configuration.
    pub sampling: Sampling,
    /// What the answer must look like.
    pub form: Form,
}

/// What is there before the answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Prompt {
    /// A text, taken as it is.
    Text(String),
    /// A conversation, written as the bundle's chat template says.
    Chat(Vec<Message>),
}

/// How to choose the next token, and when to stop. What is `None` or empty is taken from the
/// configuration of the task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampling {
    /// Most tokens of the answer.
    pub max_tokens: Option<u32>,
    /// 0 takes the most likely token.
    pub temperature: Option<f32>,
    /// Among so many of the most likely.
    pub top_k: Option<u32>,
    /// Among the most likely that together have this probability, 0 to 1.
    pub top_p: Option<f32>,
    /// Above 1 avoids what was said.
    pub repetition_penalty: Option<f32>,
    /// The same seed chooses the same tokens; `None` takes one from the system.
    pub seed: Option<u64>,
    /// Texts that end the answer and are not part of it.
    pub stop: Vec<String>,
}

/// What an answer must look like.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Form {
    /// Anything.
    #[default]
    Free,
    /// A JSON document that keeps this JSON Schema.
    JsonSchema(serde_json::Value),
    /// A text of this Lark grammar.
    Grammar(String),
    /// One of these.
    Labels(Vec<String>),
}
