//! Scores the agent on labelled recordings, honestly.
//!
//! Promises:
//! - causal: an alarm counts from the moment the agent could have said it, lateness included;
//! - labels are never an input: they are read apart from the samples;
//! - every recording starts cold, at several random rows, and ends where its last event ends;
//! - what detectors without any sensor reach stands beside every figure.

pub mod labels;
pub mod protocol;
pub mod report;
pub mod runner;
pub mod starts;
pub mod trivial;

pub use labels::{Event, LabelWindows};
pub use protocol::{Mark, Outcome, Trial, score};
pub use report::{Figures, Report};
pub use runner::{Place, Plan, Recording, Runner, TrialError};
