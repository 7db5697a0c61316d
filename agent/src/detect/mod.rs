//! Scores windows with a small model and turns scores into alarms at a stated rate.

pub mod alarm;
pub mod bank;
pub mod detector;
pub mod gate;
pub mod model;
pub mod runs;
pub mod scorer;
pub mod snapshot;
pub mod verdict;

pub use verdict::{ChannelVerdict, Phase, Verdict};
