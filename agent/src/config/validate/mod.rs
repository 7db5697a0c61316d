//! Values that have the right type and still cannot be: out of range, at odds with each other.

mod broker;
mod device;
mod drift;
mod refusals;
mod slm;
mod source;
mod topic;
mod update;

use std::collections::BTreeSet;

use tracing_subscriber::EnvFilter;

use super::Config;
use super::error::{ConfigError, Warning};
use super::suggest::nearest;
use super::tree::{Node, found_text};
use super::units::{ByteSize, Span};
use refusals::Refusals;

const SECOND: Span = Span::secs(1);
const MINUTE: Span = Span::secs(60);
const HOUR: Span = Span::secs(3_600);
const DAY: Span = Span::secs(86_400);

/// Less would evict incidents within minutes of an outage.
const MIN_OUTBOX: ByteSize = ByteSize::mib(1);
/// The store's files are read through at start; more takes minutes on an SD card.
const MAX_OUTBOX: ByteSize = ByteSize(64 << 30);
/// Below it, syncing the disk is all the gateway does.
const MIN_COMMIT: Span = Span::millis(10);
/// What a power cut may cost is accepted samples of this span; longer is not safekeeping.
const MAX_COMMIT: Span = MINUTE;
const MAX_COMMIT_RECORDS: u64 = 10_000;
/// More than one alarm a second is no alarm.
const MAX_FALSE_ALARMS_PER_DAY: f64 = 86_400.0;
/// Fewer windows say nothing about how much a machine normally moves.
const MIN_COMMISSIONING: u64 = 10;
const MAX_COMMISSIONING: u64 = 10_000_000;
/// An incident that never closes hides the next one.
const MAX_CLOSE_AFTER: u64 = 1_000_000;
const LOG_LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Every impossible value of a configuration whose keys and types are right.
pub(super) fn validate(config: &Config, root: &Node) -> Vec<ConfigError> {
    let mut refusals = Refusals::new(root);
    gateway(config, &mut refusals);
    broker::control_room(&config.mqtt, &mut refusals);
    drift::drift(config, &mut refusals);
    drift::retraining(config, &mut refusals);
    update::update(config, &mut refusals);
    slm::slm(&config.slm, &mut refusals);
    devices(config, &mut refusals);
    refusals.into_errors()
}

/// What works but should not stay so.
pub(super) fn warnings(config: &Config, root: &Node) -> Vec<Warning> {
    let listen = config.status.listen;
    if !config.status.enabled || listen.ip().is_loopback() {
        return Vec::new();
    }
    let path = ["status".into(), "listen".into()];
    let message = format!("{listen} is open to the network and asks for no password: keep it on 127.0.0.1");
    vec![Warning { place: root.place_of(&path).clone(), key: root.describe(&path), message }]
}

fn gateway(config: &Config, refusals: &mut Refusals<'_>) {
    let Config { gateway, outbox, publish, detect, incident, .. } = config;
    let section = |section: &'static str, key: &'static str| [section.into(), key.into()];
    refusals.topic_level(&section("gateway", "site"), &gateway.site);
    refusals.topic_level(&section("gateway", "name"), &gateway.name);
    if gateway.data_dir.as_os_str().is_empty() {
        refusals.value(&section("gateway", "data_dir"), "an empty path", "a folder");
    }
    log_filter(&gateway.log, refusals);

    refusals.range(&section("outbox", "max_size"), outbox.max_size, MIN_OUTBOX, MAX_OUTBOX);
    refusals.range(&section("outbox", "max_age"), outbox.max_age, MINUTE, Span::secs(10 * 365 * 86_400));
    refusals.range(&section("outbox", "commit_interval"), outbox.commit_interval, MIN_COMMIT, MAX_COMMIT);
    refusals.range(&section("outbox", "commit_records"), outbox.commit_records.into(), 1, MAX_COMMIT_RECORDS);

    refusals.range(&section("publish", "aggregate_interval"), publish.aggregate_interval, SECOND, DAY);
    refusals.range(&section("publish", "status_interval"), publish.status_interval, SECOND, HOUR);

    let rate = detect.false_alarms_per_day;
    if !(rate > 0.0 && rate <= MAX_FALSE_ALARMS_PER_DAY) {
        let expected = format!("a number above 0 and up to {MAX_FALSE_ALARMS_PER_DAY}");
        refusals.value(&section("detect", "false_alarms_per_day"), format!("the number {rate:?}"), expected);
    }
    let windows = section("detect", "commissioning_windows");
    refusals.range(&windows, detect.commissioning_windows.into(), MIN_COMMISSIONING, MAX_COMMISSIONING);
    refusals.range(&section("detect", "save_interval"), detect.save_interval, SECOND, DAY);
    if detect.model.as_ref().is_some_and(|model| model.as_os_str().is_empty()) {
        refusals.value(
            &section("detect", "model"),
            "an empty path",
            "a folder, or no such key for the built-in one",
        );
    }

    let close = section("incident", "close_after_windows");
    refusals.range(&close, incident.close_after_windows.into(), 1, MAX_CLOSE_AFTER);
    refusals.range(&section("incident", "update_interval"), incident.update_interval, SECOND, DAY);
}

/// `EnvFilter` takes a misspelt level for the name of a module and then logs nothing.
fn log_filter(filter: &str, refusals: &mut Refusals<'_>) {
    let word = filter.trim().to_ascii_lowercase();
    let is_level = LOG_LEVELS.contains(&word.as_str());
    let by_module = filter.contains('=') && EnvFilter::try_new(filter).is_ok();
    if !is_level && !by_module {
        let expected =
            format!("one of {}, or a filter such as \"info,lineside::outbox=debug\"", LOG_LEVELS.join(", "));
        let suggestion = nearest(&word, LOG_LEVELS);
        refusals.suggest(&["gateway".into(), "log".into()], found_text(filter), expected, suggestion);
    }
}

fn devices(config: &Config, refusals: &mut Refusals<'_>) {
    if config.devices.is_empty() {
        refusals.missing(&["device".into()], "at least one [[device]] to watch");
    }
    let mut ids = BTreeSet::new();
    for (index, device) in config.devices.iter().enumerate() {
        if !ids.insert(device.id.as_str()) {
            let path = ["device".into(), index.into(), "id".into()];
            refusals.value(&path, format!("{} a second time", found_text(&device.id)), "an id of its own");
        }
        device::device(device, index, refusals);
    }
}
