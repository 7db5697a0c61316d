//! `status`: whether the gateway is there and how it is. Retained, with a last will.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ModelRef, Models, Stamp, json};
use crate::publish::Topics;
use crate::time::Timestamp;

/// Whether the gateway's clock can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockState {
    /// Set by a time server.
    Synchronised,
    /// Running freely.
    Unsynchronised,
    /// The system does not tell.
    Unknown,
}

/// How the gateway is while it is online.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusMessage {
    /// When this was true.
    pub now: Timestamp,
    /// Which start of the agent this is.
    pub boot: u32,
    /// The agent's version.
    pub version: String,
    /// The models that are active.
    pub models: Vec<ModelRef>,
    /// Whether its clock can be believed.
    pub clock: ClockState,
    /// Records that wait in the outbox.
    pub outbox_depth: u64,
    /// When the oldest of them was accepted.
    pub outbox_oldest: Option<Timestamp>,
    /// Records that were evicted since the data folder was made, by reason.
    pub evicted: BTreeMap<String, u64>,
    /// Accepted records that were lost otherwise, by reason.
    pub lost: BTreeMap<String, u64>,
    /// What somebody should look at: `stale_metadata`, `safe_mode`, `drift`.
    pub alarms: Vec<&'static str>,
}

#[derive(Serialize)]
struct Online<'a> {
    #[serde(flatten)]
    base: Base<'a>,
    models: Models<'a>,
    clock: ClockState,
    outbox_depth: u64,
    outbox_oldest: Option<String>,
    outbox_oldest_ms: Option<i64>,
    evicted: &'a BTreeMap<String, u64>,
    lost: &'a BTreeMap<String, u64>,
    alarms: &'a [&'static str],
}

#[derive(Serialize)]
struct Base<'a> {
    #[serde(flatten)]
    stamp: Stamp,
    boot: u32,
    state: &'static str,
    version: &'a str,
}

/// How the gateway is: topic and payload.
#[must_use]
pub fn status(topics: &Topics, status: &StatusMessage) -> (String, Vec<u8>) {
    let message = Online {
        base: Base {
            stamp: Stamp::of(status.now),
            boot: status.boot,
            state: "online",
            version: &status.version,
        },
        models: Models(&status.models),
        clock: status.clock,
        outbox_depth: status.outbox_depth,
        outbox_oldest: status.outbox_oldest.map(Timestamp::to_rfc3339),
        outbox_oldest_ms: status.outbox_oldest.map(Timestamp::as_millis),
        evicted: &status.evicted,
        lost: &status.lost,
        alarms: &status.alarms,
    };
    (topics.status(), json(&message))
}

/// That the gateway is gone: topic and payload, for an orderly end and for the last will. The
/// broker keeps a will from the moment of the connection, so `ts` then says when the gateway came
/// online, not when it went.
#[must_use]
pub fn offline(topics: &Topics, version: &str, now: Timestamp, boot: u32) -> (String, Vec<u8>) {
    (topics.status(), json(&Base { stamp: Stamp::of(now), boot, state: "offline", version }))
}
