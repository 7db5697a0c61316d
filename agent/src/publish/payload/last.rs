//! `last/<device>`: the newest value of each channel, flat, for panels that open cold. Retained.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::figure::Figure;
use super::{Stamp, json};
use crate::config::DeviceConfig;
use crate::publish::Topics;
use crate::signal::Aggregate;

/// The message's own keys. A channel with such a name gets a `_` behind it.
pub(super) const OWN: [&str; 3] = ["ts", "ts_ms", "boot"];

struct Last<'a> {
    stamp: Stamp,
    boot: u32,
    device: &'a DeviceConfig,
    aggregate: &'a Aggregate,
}

impl Serialize for Last<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("ts", &self.stamp.ts)?;
        map.serialize_entry("ts_ms", &self.stamp.ts_ms)?;
        map.serialize_entry("boot", &self.boot)?;
        for (channel, figures) in self.device.channels.iter().zip(&self.aggregate.channels) {
            map.serialize_entry(&key(self.device, &channel.name), &Figure::from(figures.last))?;
        }
        map.end()
    }
}

/// The channel's key: its name, unless the message has one of its own of that name.
fn key(device: &DeviceConfig, name: &str) -> String {
    let mut key = name.to_owned();
    if OWN.contains(&name) {
        while OWN.contains(&key.as_str()) || device.channels.iter().any(|channel| channel.name == key) {
            key.push('_');
        }
    }
    key
}

/// The newest values of a device: topic and payload.
#[must_use]
pub fn last(topics: &Topics, device: &DeviceConfig, aggregate: &Aggregate, boot: u32) -> (String, Vec<u8>) {
    let message = Last { stamp: Stamp::of(aggregate.end), boot, device, aggregate };
    (topics.last(&device.id), json(&message))
}
