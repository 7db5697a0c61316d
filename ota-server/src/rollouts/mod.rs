//! Rollouts: which group runs which release, since when, how fast, and whether it goes well.
//!
//! The document is decision 0006's; what is here decides when a new revision of it is signed. Promise:
//! a rollout whose errors pass its threshold pauses by itself, with its reason in `show` and in the
//! audit log, and stays so until an operator resumes it.

pub mod cohorts;
pub mod online;
pub mod order;
pub mod publisher;
pub mod service;
pub mod thresholds;
pub mod view;
