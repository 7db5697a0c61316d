//! Health, metrics and the local page.
//!
//! Every room writes its part of the [`StatusBoard`]; the page reads it. Nothing waits for a
//! reader.

pub mod board;
pub mod client;
pub mod http;
mod memory;
pub mod metrics;
pub mod page;
pub mod report;

pub use board::StatusBoard;
pub use http::{StatusError, StatusServer};
pub use memory::{peak_bytes, resident_bytes};
pub use metrics::Metrics;
pub use report::{
    DevicePhase, DeviceStatus, Loss, ModelStatus, MqttStatus, OutboxStatus, SourceState, StatusReport,
};
