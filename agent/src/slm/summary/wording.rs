//! A text and who worded it.

use serde::{Deserialize, Serialize};

/// A text, and how it came to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wording {
    /// The text.
    pub text: String,
    /// Who worded it.
    pub by: By,
    /// Tokens of all prompts that were read for it.
    pub tokens_in: usize,
    /// Tokens that were written for it, those thrown away too.
    pub tokens_out: usize,
}

/// Who worded a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by", content = "reason")]
pub enum By {
    /// A model with slots, under the mask.
    Slots,
    /// Another model, whose words agree with the evidence.
    Checked,
    /// No model, and why.
    Deterministic(Reason),
}

/// Why no model worded a text. Each is counted by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No model was asked: none is configured, or the queue is full. The runtime says this.
    NotAsked,
    /// The evidence names no channel that deviates, so there is nothing to word.
    NothingDeviates,
    /// The prompt or the shortest answer does not fit the model.
    TooLong,
    /// The model failed.
    Failed,
    /// The time ran out, or whoever asked no longer wants it.
    Stopped,
    /// The answer was cut off before its last sentence ended.
    Unfinished,
    /// The answer was empty.
    Empty,
    /// The bundle has no slots for texts of this kind.
    NoSlots,
    /// The mask kept the model from what it meant to say, and no good sentence comes of that.
    Forced,
    /// Twice the words did not agree with the evidence.
    Violations,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Reason; 10] = [
        Reason::NotAsked,
        Reason::NothingDeviates,
        Reason::TooLong,
        Reason::Failed,
        Reason::Stopped,
        Reason::Unfinished,
        Reason::Empty,
        Reason::NoSlots,
        Reason::Forced,
        Reason::Violations,
    ];

    /// Its name in metrics and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Reason::NotAsked => "not_asked",
            Reason::NothingDeviates => "nothing_deviates",
            Reason::TooLong => "too_long",
            Reason::Failed => "failed",
            Reason::Stopped => "stopped",
            Reason::Unfinished => "unfinished",
            Reason::Empty => "empty",
            Reason::NoSlots => "no_slots",
            Reason::Forced => "forced",
            Reason::Violations => "violations",
        }
    }
}
