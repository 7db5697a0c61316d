//! `drift/<device>`: whether what the agent sees of a device has slowly changed. Retained.

use serde::Serialize;

use super::figure::Figure;
use super::{ModelRef, Models, Stamp, json};
use crate::drift::report::ADVICE;
use crate::drift::{Against, Compared, What};
use crate::publish::Topics;
use crate::time::Timestamp;

#[derive(Serialize)]
struct Message<'a> {
    #[serde(flatten)]
    stamp: Stamp,
    boot: u32,
    device: &'a str,
    models: Models<'a>,
    drifted: bool,
    advice: Option<&'static str>,
    compared: Vec<Quantity<'a>>,
}

#[derive(Serialize)]
struct Quantity<'a> {
    what: What,
    channel: Option<&'a str>,
    against: Against,
    known: Figure,
    psi: Figure,
    limit: Figure,
    shift_sd: Figure,
    spread: Figure,
    until: Option<String>,
    until_ms: Option<i64>,
    since: Option<String>,
    since_ms: Option<i64>,
}

impl<'a> Quantity<'a> {
    fn of(compared: &'a Compared) -> Self {
        Quantity {
            what: compared.what,
            channel: compared.channel.as_deref(),
            against: compared.against,
            known: compared.known.into(),
            psi: compared.psi.into(),
            limit: compared.limit.into(),
            shift_sd: compared.shift_sd.into(),
            spread: compared.spread.into(),
            until: compared.until.map(Timestamp::to_rfc3339),
            until_ms: compared.until.map(Timestamp::as_millis),
            since: compared.since.map(Timestamp::to_rfc3339),
            since_ms: compared.since.map(Timestamp::as_millis),
        }
    }
}

/// Each quantity of a device beside its reference: topic and payload.
#[must_use]
pub fn drift(
    topics: &Topics,
    device: &str,
    compared: &[Compared],
    model: &ModelRef,
    now: Timestamp,
    boot: u32,
) -> (String, Vec<u8>) {
    let drifted = compared.iter().any(|compared| compared.since.is_some());
    let message = Message {
        stamp: Stamp::of(now),
        boot,
        device,
        models: Models(std::slice::from_ref(model)),
        drifted,
        advice: drifted.then_some(ADVICE),
        compared: compared.iter().map(Quantity::of).collect(),
    };
    (topics.drift(device), json(&message))
}
