//! How to reach a broker, for delivery and for sources.

use std::path::PathBuf;

use super::refusals::Refusals;
use super::{HOUR, SECOND};
use crate::config::tree::{Step, found_text};
use crate::config::{ByteSize, MqttConfig, Span, TlsConfig};

/// MQTT carries the keep-alive as seconds in 16 bits.
const MAX_KEEP_ALIVE: Span = Span::secs(65_535);
/// A packet identifier has 16 bits, and twice the window must fit.
const MAX_WINDOW: u64 = 32_767;
/// A status message with its losses must fit.
const MIN_PACKET: ByteSize = ByteSize(4 << 10);
/// The largest packet that MQTT can carry, rounded down.
const MAX_PACKET: ByteSize = ByteSize::mib(255);
/// Shorter pauses are a denial of service to one's own broker.
const MIN_BACKOFF: Span = Span::millis(10);

/// The settings that say who connects, wherever they stand.
pub(super) struct Account<'a> {
    pub host: &'a str,
    pub port: u16,
    pub client_id: Option<&'a str>,
    pub username: Option<&'a str>,
    pub password: Option<&'a str>,
    pub password_file: Option<&'a PathBuf>,
    pub tls: Option<&'a TlsConfig>,
}

pub(super) fn control_room(mqtt: &MqttConfig, refusals: &mut Refusals<'_>) {
    let at = |key: &'static str| ["mqtt".into(), key.into()];
    let who = Account {
        host: &mqtt.host,
        port: mqtt.port,
        client_id: mqtt.client_id.as_deref(),
        username: mqtt.username.as_deref(),
        password: mqtt.password.as_deref(),
        password_file: mqtt.password_file.as_ref(),
        tls: mqtt.tls.as_ref(),
    };
    account(&["mqtt".into()], &who, refusals);
    refusals.topic_level(&at("prefix"), &mqtt.prefix);
    refusals.range(&at("keep_alive"), mqtt.keep_alive, SECOND, MAX_KEEP_ALIVE);
    refusals.range(&at("window"), mqtt.window.into(), 1, MAX_WINDOW);
    refusals.range(&at("max_packet"), mqtt.max_packet, MIN_PACKET, MAX_PACKET);
    refusals.range(&at("ack_timeout"), mqtt.ack_timeout, SECOND, HOUR);
    let backoff = |key: &'static str| ["mqtt".into(), "backoff".into(), key.into()];
    refusals.range(&backoff("min"), mqtt.backoff.min, MIN_BACKOFF, HOUR);
    refusals.range(&backoff("max"), mqtt.backoff.max, MIN_BACKOFF, HOUR);
    if mqtt.backoff.max < mqtt.backoff.min {
        let expected = format!("at least `min`, which is {}", mqtt.backoff.min);
        refusals.value(&backoff("max"), mqtt.backoff.max.to_string(), expected);
    }
}

pub(super) fn account(at: &[Step<'_>], who: &Account<'_>, refusals: &mut Refusals<'_>) {
    let at = |key: &'static str| [at, &[key.into()]].concat();
    if who.host.is_empty() || who.host.contains(|c: char| c.is_whitespace() || c == '/') {
        refusals.value(
            &at("host"),
            found_text(who.host),
            "a host name or an address, without `mqtt://` and port",
        );
    }
    if who.port == 0 {
        refusals.value(&at("port"), "the number 0", "a whole number from 1 to 65535");
    }
    if who.client_id.is_some_and(str::is_empty) {
        refusals.value(&at("client_id"), found_text(""), "a name, or no such key for the default");
    }
    if who.password.is_some() && who.password_file.is_some() {
        refusals.value(&at("password_file"), "`password` beside it", "one of the two");
    }
    if who.username.is_none() && (who.password.is_some() || who.password_file.is_some()) {
        refusals.missing(&at("username"), "the user name that belongs to the password");
    }
    let Some(tls) = who.tls else { return };
    let tls_key = |key: &'static str| [at("tls"), vec![key.into()]].concat();
    if tls.cert_file.is_some() && tls.key_file.is_none() {
        refusals.missing(&tls_key("key_file"), "the private key that belongs to `cert_file`");
    }
    if tls.key_file.is_some() && tls.cert_file.is_none() {
        refusals.missing(&tls_key("cert_file"), "the certificate that belongs to `key_file`");
    }
}
