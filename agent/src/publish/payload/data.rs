//! `data/<device>`: one message per device and aggregation interval. Never retained.

use serde::Serialize;
use serde::ser::Serializer;

use super::figure::Figure;
use super::{ModelRef, Models, Stamp, entries, json};
use crate::config::{ChannelConfig, DeviceConfig};
use crate::outbox::{Priority, Record};
use crate::publish::Topics;
use crate::signal::{Aggregate, ChannelAggregate};

#[derive(Serialize)]
struct Data<'a> {
    /// The end of the interval: when all of it was known.
    #[serde(flatten)]
    stamp: Stamp,
    device: &'a str,
    interval_s: Figure,
    score: Figure,
    models: Models<'a>,
    channels: Channels<'a>,
}

struct Channels<'a>(&'a [ChannelConfig], &'a [ChannelAggregate]);

#[derive(Serialize)]
struct Channel {
    count: u64,
    min: Figure,
    mean: Figure,
    max: Figure,
    std: Figure,
    last: Figure,
    /// 1 when everything that was expected came and was usable.
    quality: Figure,
}

impl Serialize for Channels<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let channel = |(config, figures): (&'_ ChannelConfig, &ChannelAggregate)| {
            (config.name.clone(), Channel::of(figures))
        };
        entries(self.0.iter().zip(self.1).map(channel), serializer)
    }
}

impl Channel {
    fn of(figures: &ChannelAggregate) -> Self {
        Channel {
            count: figures.count,
            min: figures.min.into(),
            mean: figures.mean.into(),
            max: figures.max.into(),
            std: figures.std.into(),
            last: figures.last.into(),
            quality: (1.0 - figures.bad_share).clamp(0.0, 1.0).into(),
        }
    }
}

/// The figures of one interval, for the outbox.
#[must_use]
pub fn data(topics: &Topics, device: &DeviceConfig, aggregate: &Aggregate, model: &ModelRef) -> Record {
    let message = Data {
        stamp: Stamp::of(aggregate.end),
        device: &device.id,
        interval_s: aggregate.end.since(aggregate.start).as_secs_f64().into(),
        score: aggregate.score.into(),
        models: Models(std::slice::from_ref(model)),
        channels: Channels(&device.channels, &aggregate.channels),
    };
    Record { priority: Priority::Telemetry, topic: topics.data(&device.id), body: json(&message) }
}
