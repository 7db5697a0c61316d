//! Whole-system tests: one binary, because each one links tract.
#![allow(clippy::unwrap_used, reason = "the helpers of a test fail it by panicking, too")]

mod arm;
mod conformance;
mod delivery;
mod drift;
mod escalation;
mod interoperation;
mod kills;
mod recordings;
mod run;
mod sample_broker;
mod slm_api;
mod slm_parity;
mod update_kills;
mod updates;
mod words;
