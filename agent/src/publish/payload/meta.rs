//! `meta/<device>`: what a device's channels are. Retained.

use serde::Serialize;

use super::figure::Figure;
use super::{Stamp, json, schema};
use crate::config::{ChannelConfig, DeviceConfig};
use crate::publish::Topics;
use crate::time::Timestamp;

/// Every channel's values are floats.
const TYPE: &str = "float";

#[derive(Serialize)]
struct Meta<'a> {
    #[serde(flatten)]
    stamp: Stamp,
    boot: u32,
    device: &'a str,
    kind: Option<&'a str>,
    period_s: Figure,
    /// The schema of the device's `data`.
    schema: &'static str,
    channels: Vec<Channel<'a>>,
}

#[derive(Serialize)]
struct Channel<'a> {
    name: &'a str,
    unit: &'a str,
    r#type: &'static str,
    min: Figure,
    max: Figure,
    description: Option<&'a str>,
}

impl<'a> Channel<'a> {
    fn of(channel: &'a ChannelConfig) -> Self {
        Channel {
            name: &channel.name,
            unit: &channel.unit,
            r#type: TYPE,
            min: channel.min.into(),
            max: channel.max.into(),
            description: channel.description.as_deref(),
        }
    }
}

/// What a device's channels are, as configured at `now`: topic and payload.
#[must_use]
pub fn meta(topics: &Topics, device: &DeviceConfig, now: Timestamp, boot: u32) -> (String, Vec<u8>) {
    let message = Meta {
        stamp: Stamp::of(now),
        boot,
        device: &device.id,
        kind: device.kind.as_deref(),
        period_s: device.period.0.as_secs_f64().into(),
        schema: schema::DATA,
        channels: device.channels.iter().map(Channel::of).collect(),
    };
    (topics.meta(&device.id), json(&message))
}
