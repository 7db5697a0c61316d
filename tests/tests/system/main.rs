//! Whole-system tests: one binary, because each one links tract.
#![allow(clippy::unwrap_used, reason = "the helpers of a test fail it by panicking, too")]

mod aarch64;
mod delivery;
mod kills;
mod recordings;
mod run;
mod sample_broker;
