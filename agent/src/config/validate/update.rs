//! Signed updates: what must be given together, and what cannot be.

use crate::config::Config;
use crate::config::units::Span;

use super::refusals::Refusals;

const SECOND: Span = Span::secs(1);
const DAY: Span = Span::secs(86_400);
const WEEK: Span = Span::secs(7 * 86_400);

/// Checks the section `update`.
pub(super) fn update(config: &Config, refusals: &mut Refusals<'_>) {
    let update = &config.update;
    let key = |key: &'static str| ["update".into(), key.into()];
    refusals.range(&key("interval"), update.interval, SECOND, WEEK);
    refusals.range(&key("report_interval"), update.report_interval, Span::secs(60), WEEK);
    refusals.range(
        &["update".into(), "backoff".into(), "min".into()],
        update.backoff.min,
        Span::millis(100),
        DAY,
    );
    if update.backoff.max < update.backoff.min {
        let path = ["update".into(), "backoff".into(), "max".into()];
        refusals.value(&path, format!("\"{}\"", update.backoff.max), "at least `update.backoff.min`");
    }
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    if !plain(&update.group) {
        let expected = "letters, digits, `-`, `_` and `.`";
        refusals.value(&key("group"), format!("\"{}\"", update.group), expected);
    }
    for (index, tag) in update.tags.iter().enumerate() {
        let fits = tag.split_once('=').is_some_and(|(key, value)| plain(key) && plain(value));
        if !fits {
            let path = ["update".into(), "tags".into(), index.into()];
            refusals.value(&path, format!("\"{tag}\""), "such as \"line=3\"");
        }
    }
    if !update.enabled {
        return;
    }
    if update.root.is_none() {
        refusals.missing(&key("root"), "the repository's 1.root.json, without which nothing can be trusted");
    }
    let https = update.url.starts_with("https://");
    if !https && !update.url.starts_with("http://") {
        let expected = "the OTA server, such as \"https://ota.example:8443\"";
        refusals.value(&key("url"), format!("\"{}\"", update.url), expected);
    }
    if https && update.ca_file.is_none() {
        refusals.missing(&key("ca_file"), "the authority of the server's certificate");
    }
    if config.detect.model.is_some() {
        let expected = "no such key while `update.enabled` is true: signed updates say which model runs";
        refusals.value(&["detect".into(), "model".into()], "a folder", expected);
    }
}
