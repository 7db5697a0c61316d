//! Delivers over MQTT.
//!
//! **Promise.** A record leaves the outbox only when the broker has acknowledged it, or when it
//! can never be delivered, and is then counted with its reason. After any trouble everything that
//! was not acknowledged is sent again: nothing is lost, and a record that arrives twice carries
//! the same `boot` and `seq`.
//!
//! Every connection starts from nothing, with a client, packet ids and maps of its own, because
//! what the MQTT library replays across connections loses messages. On every connection the last
//! will is set, the online status is published, the live retained values are published again, and
//! then the outbox is sent at the pace of the window.

pub mod backoff;
mod connect;
mod inflight;
mod live;
pub mod payload;
mod publisher;
mod refused;
mod session;
mod splice;
mod stats;
pub mod tls;
pub mod topics;

pub use backoff::Backoff;
pub use publisher::{Birth, PublishError, Publisher};
pub use stats::{Latency, PublishStats};
pub use topics::{TopicError, Topics};
