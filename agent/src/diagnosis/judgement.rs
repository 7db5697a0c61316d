//! What a diagnosis says.

/// The name of the row that stands for "none of these", in scores.
pub const UNKNOWN: &str = "unknown";

/// What an incident was judged to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The id of the most likely mode; `None` when none is likely enough: unknown.
    pub label: Option<String>,
    /// The probability of the most likely row, 0 to 1, whether or not it is said; with a second fault
    /// that of either row.
    pub confidence: f32,
    /// Every mode and [`UNKNOWN`] with its probability, the most likely first. They sum to 1.
    pub scores: Vec<(String, f32)>,
    /// The words of `label`.
    pub finding: Option<Finding>,
    /// A second fault that explains what the first leaves over.
    pub second: Option<Finding>,
    /// Places of deviating channels that neither fault explains, rising. Empty when unknown.
    pub unexplained: Vec<usize>,
    /// What carried the decision, heaviest first: the probability of the most likely row that is lost
    /// without it.
    pub because: Vec<(Reason, f32)>,
}

/// A fault mode in words, as the table has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The mode's id.
    pub mode: String,
    /// What it is, as part of a sentence: `a worn bearing`.
    pub cause: String,
    /// What to look at: `the bearing`.
    pub check: String,
    /// Unusual but healthy.
    pub benign: bool,
}

/// What can carry a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The channel at this place.
    Channel(usize),
    /// The notes.
    Notes,
}
