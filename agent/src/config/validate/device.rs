//! A device: its times and its channels.

use std::collections::BTreeSet;
use std::time::Duration;

use super::refusals::Refusals;
use super::source;
use crate::config::tree::{Step, found_text};
use crate::config::{ChannelConfig, DeviceConfig, Span};

/// The periods that the detector is trained for.
const MIN_PERIOD: Span = Span::millis(10);
const MAX_PERIOD: Span = Span::secs(3_600);
/// The channels that one device may have.
const MAX_CHANNELS: usize = 64;
/// A window of 64 channels takes 32 MiB at this length, which a 1 GB gateway can spare.
const MAX_WINDOW_PERIODS: u128 = 65_536;
/// Frames that wait are held in memory.
const MAX_LATENESS_PERIODS: u32 = 10_000;
/// Names appear in every message.
const MAX_NAME: usize = 128;

pub(super) fn device(device: &DeviceConfig, index: usize, refusals: &mut Refusals<'_>) {
    let at: [Step<'_>; 2] = ["device".into(), index.into()];
    refusals.topic_level(&[&at[..], &["id".into()]].concat(), &device.id);
    times(device, &at, refusals);
    channels(device, &at, refusals);
    source::source(device, &at, refusals);
}

fn times(device: &DeviceConfig, at: &[Step<'_>], refusals: &mut Refusals<'_>) {
    let at = |key: &'static str| [at, &[key.into()]].concat();
    let period = device.period;
    if !(MIN_PERIOD..=MAX_PERIOD).contains(&period) {
        // What follows is measured in periods and would only repeat this error.
        return refusals.range(&at("period"), period, MIN_PERIOD, MAX_PERIOD);
    }
    if let Some(lateness) = device.lateness {
        refusals.range(&at("lateness"), lateness, Span::secs(0), Span(period.0 * MAX_LATENESS_PERIODS));
    }
    let (window, hop) = (device.window(), device.hop());
    let multiple =
        |length: Duration| !length.is_zero() && length.as_nanos().is_multiple_of(period.0.as_nanos());
    if !multiple(window) {
        refusals.value(&at("window"), Span(window).to_string(), format!("a multiple of the period {period}"));
    } else if window.as_nanos() / period.0.as_nanos() > MAX_WINDOW_PERIODS {
        let expected = format!("at most {MAX_WINDOW_PERIODS} periods");
        refusals.value(&at("window"), Span(window).to_string(), expected);
    }
    if device.hop.is_some() && !multiple(hop) {
        refusals.value(&at("hop"), Span(hop).to_string(), format!("a multiple of the period {period}"));
    } else if hop > window {
        let expected = format!("at most the window's length {}", Span(window));
        refusals.value(&at("hop"), Span(hop).to_string(), expected);
    }
}

fn channels(device: &DeviceConfig, at: &[Step<'_>], refusals: &mut Refusals<'_>) {
    let count = device.channels.len();
    if count == 0 || count > MAX_CHANNELS {
        let found = format!("{count} channels");
        refusals.value(&[at, &["channel".into()]].concat(), found, format!("1 to {MAX_CHANNELS}"));
    }
    let mut names = BTreeSet::new();
    for (index, channel) in device.channels.iter().enumerate() {
        let at = [at, &["channel".into(), index.into()]].concat();
        if !names.insert(channel.name.as_str()) {
            let found = format!("{} a second time", found_text(&channel.name));
            refusals.value(
                &[&at[..], &["name".into()]].concat(),
                found,
                "a name of its own within the device",
            );
        }
        one_channel(channel, &at, refusals);
    }
}

fn one_channel(channel: &ChannelConfig, at: &[Step<'_>], refusals: &mut Refusals<'_>) {
    let at = |key: &'static str| [at, &[key.into()]].concat();
    let name = &channel.name;
    if name.trim().is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
        refusals.value(&at("name"), found_text(name), format!("a printable name of 1 to {MAX_NAME} bytes"));
    }
    if let (Some(min), Some(max)) = (channel.min, channel.max)
        && min >= max
    {
        refusals.value(
            &at("max"),
            format!("the number {max:?}"),
            format!("a number above `min`, which is {min:?}"),
        );
    }
    refusals.topic_filter(&at("topic"), channel.topic.as_deref());
    for (key, text) in [("column", &channel.column), ("path", &channel.path)] {
        if text.as_deref().is_some_and(str::is_empty) {
            refusals.value(&at(key), found_text(""), "a name, or no such key for the channel's name");
        }
    }
}
