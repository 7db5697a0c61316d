//! Lineside runs beside the line: it reads a machine's sensors, notices when the machine goes
//! wrong, says so in one sentence, keeps every result through outages and power cuts, and
//! delivers it to a control room.
//!
//! Data flows one way, and the modules show it:
//!
//! ```text
//! source → signal → detect → incident → slm → outbox → publish
//!                                drift, retraining, update and status beside it
//! ```
//!
//! The core is pure: clock, disk, network and randomness come in from outside.

pub mod agent;
pub mod cli;
pub mod clock;
pub mod config;
pub mod detect;
pub mod diagnosis;
pub mod drift;
pub mod durable;
pub mod eval;
pub mod incident;
pub mod latency;
pub mod outbox;
pub mod pipeline;
pub mod probe;
pub mod publish;
pub mod random;
pub mod retraining;
pub mod side_store;
pub mod signal;
pub mod slm;
pub mod source;
pub mod status;
pub mod time;
pub mod update;
