//! From a message to samples. Pure: whatever a payload holds, it is a sample, or a reason that is
//! counted, and never a panic.

use serde_json::Value;

use super::path::Path;
use super::topic;
use crate::config::{ChannelConfig, MqttSource};
use crate::signal::{BadSample, ChannelIx, Sample};
use crate::source::csv::{TimeFormat, number};
use crate::source::{Batch, SourceError};
use crate::time::Timestamp;

/// Which message holds which channel, and where.
#[derive(Debug)]
pub struct Decoder {
    routes: Vec<Route>,
    time: Option<Path>,
    time_format: TimeFormat,
}

/// Where one channel's values come from.
#[derive(Debug)]
struct Route {
    channel: ChannelIx,
    filter: String,
    /// Whether the filter is the channel's own, not the one of the whole source.
    own: bool,
    path: Path,
}

impl Decoder {
    /// The routes that a configuration describes.
    ///
    /// # Errors
    /// Names the channel that no topic is given for.
    pub fn new(settings: &MqttSource, channels: &[ChannelConfig]) -> Result<Self, SourceError> {
        let routes = channels.iter().enumerate().map(|(channel, config)| {
            let filter = config.topic.as_ref().or(settings.topic.as_ref()).ok_or_else(|| {
                SourceError::Settings(format!(
                    "channel.{}.topic: missing; give the channel a topic, or one for all channels in the source",
                    config.name
                ))
            })?;
            let path = Path::new(config.path.as_deref().unwrap_or(&config.name));
            Ok(Route { channel, filter: filter.clone(), own: config.topic.is_some(), path })
        });
        Ok(Decoder {
            routes: routes.collect::<Result<_, SourceError>>()?,
            time: settings.time_path.as_deref().map(Path::new),
            time_format: TimeFormat::named(settings.time_format.as_deref()),
        })
    }

    /// What to subscribe to: every topic once.
    pub fn filters(&self) -> Vec<&str> {
        let mut filters: Vec<_> = self.routes.iter().map(|route| route.filter.as_str()).collect();
        filters.sort_unstable();
        filters.dedup();
        filters
    }

    /// What a message says; `arrived` is its time unless it holds one of its own.
    pub fn decode(&self, topic: &str, payload: &[u8], arrived: Timestamp) -> Batch {
        let routes: Vec<&Route> =
            self.routes.iter().filter(|route| topic::matches(&route.filter, topic)).collect();
        match serde_json::from_slice::<Value>(payload) {
            Ok(value @ (Value::Object(_) | Value::Array(_))) => self.structured(&routes, &value, arrived),
            Ok(value) => bare(&routes, topic, scalar(&value), arrived),
            // Not JSON, yet perhaps a number as people write it: `NaN`, `+5`, nothing at all.
            Err(_) => match number(payload) {
                Err(BadSample::NotANumber) if looks_structured(payload) => {
                    refused(&routes, BadSample::Malformed)
                }
                value => bare(&routes, topic, value, arrived),
            },
        }
    }

    fn structured(&self, routes: &[&Route], value: &Value, arrived: Timestamp) -> Batch {
        let time = match &self.time {
            None => arrived,
            Some(path) => match path.find(value).and_then(|found| self.time(found)) {
                Some(time) => time,
                None => return refused(routes, BadSample::BadTimestamp),
            },
        };
        let samples = routes.iter().map(|route| Sample {
            channel: route.channel,
            time,
            value: route.path.find(value).map_or(Err(BadSample::Missing), scalar),
        });
        Batch { samples: samples.collect(), rejected: Vec::new() }
    }

    fn time(&self, value: &Value) -> Option<Timestamp> {
        match value {
            Value::String(text) => self.time_format.parse(text.as_bytes()),
            Value::Number(number) => self.time_format.parse(number.to_string().as_bytes()),
            _ => None,
        }
    }
}

/// A payload that is one value and no object. It has no time of its own. On a topic of several
/// channels it belongs to the one that the topic's last level names.
fn bare(routes: &[&Route], topic: &str, value: Result<f64, BadSample>, time: Timestamp) -> Batch {
    let last = topic.rsplit('/').next().unwrap_or_default();
    let meant: Vec<&&Route> =
        routes.iter().filter(|route| routes.len() == 1 || route.own || route.path.name() == last).collect();
    if meant.is_empty() && !routes.is_empty() {
        return refused(routes, BadSample::Malformed);
    }
    let samples = meant.iter().map(|route| Sample { channel: route.channel, time, value });
    Batch { samples: samples.collect(), rejected: Vec::new() }
}

/// A message that cannot be used, counted for the channel it was for, or as a whole.
fn refused(routes: &[&Route], reason: BadSample) -> Batch {
    let channel = match routes {
        [] => return Batch::default(),
        [route] => Some(route.channel),
        _ => None,
    };
    Batch { samples: Vec::new(), rejected: vec![(channel, reason)] }
}

/// What one JSON value says. A state is 0 or 1; a number in quotes is a number.
fn scalar(value: &Value) -> Result<f64, BadSample> {
    match value {
        Value::Null => Err(BadSample::Missing),
        Value::Bool(state) => Ok(f64::from(u8::from(*state))),
        Value::Number(number) => number.as_f64().filter(|v| v.is_finite()).ok_or(BadSample::NotFinite),
        Value::String(text) => number(text.as_bytes()),
        Value::Array(_) | Value::Object(_) => Err(BadSample::NotANumber),
    }
}

/// Whether broken JSON was meant to be an object or array.
fn looks_structured(payload: &[u8]) -> bool {
    matches!(payload.trim_ascii_start().first(), Some(b'{' | b'['))
}

#[cfg(test)]
mod tests;
