//! Where a device's samples come from.

use super::broker::{Account, account};
use super::refusals::Refusals;
use crate::config::check::one_of;
use crate::config::suggest::nearest;
use crate::config::tree::{Step, found_text};
use crate::config::{
    CsvSource, DeviceConfig, FaultConfig, FaultKind, MqttSource, SIMULATED_CHANNELS, SimulateSource,
    SourceConfig, Span,
};

/// The time formats that have a name.
const TIME_FORMATS: [&str; 4] = ["rfc3339", "unix_s", "unix_ms", "unix_us"];

pub(super) fn source(device: &DeviceConfig, at: &[Step<'_>], refusals: &mut Refusals<'_>) {
    let source = [at, &["source".into()]].concat();
    match &device.source {
        SourceConfig::Csv(csv) => recording(csv, &source, refusals),
        SourceConfig::Mqtt(mqtt) => topics(device, mqtt, at, &source, refusals),
        SourceConfig::Simulate(simulate) => simulation(device, simulate, at, &source, refusals),
    }
}

fn recording(csv: &CsvSource, at: &[Step<'_>], refusals: &mut Refusals<'_>) {
    if let Some(delimiter) = csv.delimiter {
        let usable =
            delimiter.is_ascii() && !delimiter.is_ascii_alphanumeric() && !"\"\r\n.-".contains(delimiter);
        if !usable {
            let expected = "an ASCII character that is no part of a number, such as \",\", \";\" or \"\\t\"";
            refusals.value(&key(at, "delimiter"), found_text(&delimiter.to_string()), expected);
        }
    }
    time_format(csv.time_format.as_deref(), at, refusals);
    speed(csv.speed, at, refusals);
}

fn topics(
    device: &DeviceConfig,
    mqtt: &MqttSource,
    at: &[Step<'_>],
    source: &[Step<'_>],
    refusals: &mut Refusals<'_>,
) {
    let who = Account {
        host: &mqtt.host,
        port: mqtt.port,
        client_id: mqtt.client_id.as_deref(),
        username: mqtt.username.as_deref(),
        password: mqtt.password.as_deref(),
        password_file: mqtt.password_file.as_ref(),
        tls: mqtt.tls.as_ref(),
    };
    account(source, &who, refusals);
    refusals.topic_filter(&key(source, "topic"), mqtt.topic.as_deref());
    time_format(mqtt.time_format.as_deref(), source, refusals);
    for (index, channel) in device.channels.iter().enumerate() {
        if channel.topic.is_none() && mqtt.topic.is_none() {
            let path = [at, &["channel".into(), index.into(), "topic".into()]].concat();
            refusals.missing(&path, "a topic here, or one for all channels in the source");
        }
    }
}

fn simulation(
    device: &DeviceConfig,
    simulate: &SimulateSource,
    at: &[Step<'_>],
    source: &[Step<'_>],
    refusals: &mut Refusals<'_>,
) {
    speed(simulate.speed, source, refusals);
    for (index, channel) in device.channels.iter().enumerate() {
        if !SIMULATED_CHANNELS.contains(&channel.name.as_str()) {
            let path = [at, &["channel".into(), index.into(), "name".into()]].concat();
            let suggestion = nearest(&channel.name, SIMULATED_CHANNELS);
            let expected = format!("a channel of the simulation: {}", one_of(SIMULATED_CHANNELS.into_iter()));
            refusals.suggest(&path, found_text(&channel.name), expected, suggestion);
        }
    }
    for (index, fault) in simulate.faults.iter().enumerate() {
        one_fault(device, fault, &[source, &["fault".into(), index.into()]].concat(), refusals);
    }
}

fn one_fault(device: &DeviceConfig, fault: &FaultConfig, at: &[Step<'_>], refusals: &mut Refusals<'_>) {
    if !(fault.severity > 0.0 && fault.severity <= 1.0) {
        let found = format!("the number {:?}", fault.severity);
        refusals.value(&key(at, "severity"), found, "a number above 0 and up to 1");
    }
    if let (Some(ramp), Some(duration)) = (fault.ramp, fault.duration)
        && ramp > duration
    {
        refusals.value(
            &key(at, "ramp"),
            ramp.to_string(),
            format!("at most `duration`, which is {duration}"),
        );
    }
    if fault.duration == Some(Span::secs(0)) {
        refusals.value(&key(at, "duration"), "0s", "more than 0s, or no such key for a fault that stays");
    }
    let of_a_sensor = matches!(fault.kind, FaultKind::SensorStuck | FaultKind::SensorDropout);
    match &fault.channel {
        None if of_a_sensor => refusals.missing(&key(at, "channel"), "the channel whose sensor fails"),
        Some(name) if !of_a_sensor => {
            refusals.value(&key(at, "channel"), found_text(name), "no such key: this fault is the machine's");
        }
        Some(name) if device.channels.iter().all(|channel| channel.name != *name) => {
            let names = || device.channels.iter().map(|channel| channel.name.as_str());
            let expected = format!("a channel of this device: {}", one_of(names()));
            refusals.suggest(&key(at, "channel"), found_text(name), expected, nearest(name, names()));
        }
        _ => {}
    }
}

fn speed(speed: f64, at: &[Step<'_>], refusals: &mut Refusals<'_>) {
    if speed < 0.0 {
        let expected = "a factor of real time, or 0 for as fast as possible";
        refusals.value(&key(at, "speed"), format!("the number {speed:?}"), expected);
    }
}

fn time_format(format: Option<&str>, at: &[Step<'_>], refusals: &mut Refusals<'_>) {
    let Some(format) = format else { return };
    if !TIME_FORMATS.contains(&format) && !format.contains('%') {
        let expected =
            format!("{}, or a pattern such as \"%Y-%m-%d %H:%M:%S\"", one_of(TIME_FORMATS.into_iter()));
        refusals.suggest(
            &key(at, "time_format"),
            found_text(format),
            expected,
            nearest(format, TIME_FORMATS),
        );
    }
}

fn key<'a>(at: &[Step<'a>], key: &'static str) -> Vec<Step<'a>> {
    [at, &[key.into()]].concat()
}
