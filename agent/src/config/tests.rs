//! The configuration's promises: every error names its place, its key, what was found and what
//! is allowed; secrets stay secret.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;

use super::example::EXAMPLE;
use super::load::read;
use super::*;

const DEVICE: &str = r#"
[[device]]
id = "pump-1"
period = "1s"
source = { type = "simulate" }
[[device.channel]]
name = "flow"
"#;

/// Loads `text` from a file `agent.toml` and returns the errors without the folder's name.
fn errors(text: &str, env: &[(&str, &str)]) -> String {
    match load(text, env) {
        Ok(_) => panic!("accepted"),
        Err((folder, errors)) => errors.to_string().replace(&format!("{}/", folder.path().display()), ""),
    }
}

fn load(text: &str, env: &[(&str, &str)]) -> Result<Loaded, (TempDir, ConfigErrors)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.toml");
    fs::write(&path, text).unwrap();
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(&path, env).map_err(|errors| (folder, errors))
}

/// The errors of a device, which follows the lines of `text`.
fn device_errors(device: &str) -> String {
    errors(device, &[])
}

#[test]
fn a_missing_file_is_named_with_what_to_do() {
    let error = Config::load(Path::new("/nonexistent/agent.toml"), std::iter::empty()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/nonexistent/agent.toml: cannot be read: No such file or directory (os error 2); name an existing \
         file with --config, or start one with `lineside config example > agent.toml`"
    );
}

#[test]
fn text_that_is_not_toml_is_refused_with_its_line() {
    assert_eq!(
        errors("[mqtt]\nhost = \n", &[]),
        "agent.toml:2: this is not TOML: string values must be quoted, expected literal string"
    );
    assert_eq!(errors("a = 1\na = 2\n", &[]), "agent.toml:2: this is not TOML: duplicate key");
}

#[test]
fn an_unknown_key_is_refused_with_a_suggestion_and_what_is_allowed() {
    assert_eq!(
        errors(&format!("[incident]\nclose_after_window = 3\n{DEVICE}"), &[]),
        "agent.toml:2: incident.close_after_window: unknown key; did you mean `close_after_windows`? \
         allowed here: close_after_windows, update_interval"
    );
    assert_eq!(
        errors(&format!("{DEVICE}colour = 3\n"), &[]),
        "agent.toml:8: device.pump-1.channel.flow.colour: unknown key; allowed here: column, description, \
         max, min, name, path, statistic, topic, unit"
    );
}

#[test]
fn an_unknown_key_of_a_source_is_refused_too() {
    assert_eq!(
        errors(&DEVICE.replace("\"simulate\"", "\"simulate\", sead = 2"), &[]),
        "agent.toml:5: device.pump-1.source.sead: unknown key; did you mean `seed`? \
         allowed here: type, duration, fault, seed, speed"
    );
}

#[test]
fn a_wrong_type_is_refused_with_what_was_found_and_what_is_allowed() {
    assert_eq!(
        errors(&format!("[mqtt]\nhost = 7\nport = \"x\"\nenabled = 1\nbackoff = \"1s\"\n{DEVICE}"), &[]),
        "agent.toml:2: mqtt.host: found the number 7, expected a text\n\
         agent.toml:3: mqtt.port: found the text \"x\", expected a whole number from 0 to 65535\n\
         agent.toml:4: mqtt.enabled: found the number 1, expected true or false\n\
         agent.toml:5: mqtt.backoff: found the text \"1s\", expected a table"
    );
    assert_eq!(
        errors("[gateway]\nsite = 2026-11-21\n[detect]\nfalse_alarms_per_day = nan\n", &[]),
        "agent.toml:2: gateway.site: found a date, expected a text\n\
         agent.toml:4: detect.false_alarms_per_day: found the number NaN, expected a finite number"
    );
}

#[test]
fn a_number_out_of_the_types_range_is_refused() {
    assert_eq!(
        errors(&format!("[mqtt]\nport = 70000\nwindow = 99999999999999999999999\n{DEVICE}"), &[]),
        "agent.toml:2: mqtt.port: found the number 70000, expected a whole number from 0 to 65535\n\
         agent.toml:3: mqtt.window: found the number 99999999999999999999999, expected a whole number from \
         0 to 65535"
    );
}

#[test]
fn a_time_without_a_unit_is_refused_with_examples() {
    assert_eq!(
        errors(&format!("[mqtt]\nkeep_alive = \"30\"\nmax_packet = \"1MB\"\n{DEVICE}"), &[]),
        "agent.toml:2: mqtt.keep_alive: found the text \"30\", expected a number and a unit, such as \"500ms\", \
         \"10s\", \"5m\", \"1h\" or \"7d\"\n\
         agent.toml:3: mqtt.max_packet: found the text \"1MB\", expected a whole number and a unit, such as \
         \"512KiB\", \"64MiB\" or \"2GiB\""
    );
}

#[test]
fn an_unknown_word_is_refused_with_a_suggestion() {
    assert_eq!(
        errors(&format!("{DEVICE}statistic = \"maen\"\n"), &[]),
        "agent.toml:8: device.pump-1.channel.flow.statistic: found the text \"maen\", expected one of \"mean\", \
         \"rms\", \"std\", \"max\", \"last\"; did you mean `mean`?"
    );
    assert_eq!(
        errors(&DEVICE.replace("simulate", "simulated"), &[]),
        "agent.toml:5: device.pump-1.source.type: found the text \"simulated\", expected one of \"csv\", \
         \"mqtt\", \"simulate\"; did you mean `simulate`?"
    );
}

#[test]
fn a_missing_key_is_refused_at_the_table_that_lacks_it() {
    assert_eq!(
        errors("[[device]]\nid = \"pump-1\"\n[device.source]\nseed = 1\n[[device.channel]]\n", &[]),
        "agent.toml:1: device.pump-1.period: missing; expected a number and a unit, such as \"500ms\", \"10s\", \
         \"5m\", \"1h\" or \"7d\"\n\
         agent.toml:3: device.pump-1.source.type: missing; expected one of \"csv\", \"mqtt\", \"simulate\"\n\
         agent.toml:5: device.pump-1.channel[0].name: missing; expected a text"
    );
    assert_eq!(errors("", &[]), "agent.toml:1: device: missing; expected at least one [[device]] to watch");
}

#[test]
fn impossible_values_of_the_gateway_are_refused_all_at_once() {
    let text = "[gateway]\nsite = \"a/b\"\nlog = \"inof\"\n\
        [outbox]\nmax_size = \"1KiB\"\ncommit_interval = \"1ms\"\ncommit_records = 0\n\
        [publish]\naggregate_interval = \"1ms\"\n\
        [detect]\nfalse_alarms_per_day = 0.0\ncommissioning_windows = 1\n\
        [incident]\nclose_after_windows = 0\n";
    assert_eq!(
        errors(&format!("{text}{DEVICE}"), &[]),
        "agent.toml:2: gateway.site: found the text \"a/b\", expected a level of an MQTT topic: up to 128 \
         letters, digits, `-`, `_` and `.`, no `/`, `+`, `#` and no space\n\
         agent.toml:3: gateway.log: found the text \"inof\", expected one of off, error, warn, info, debug, \
         trace, or a filter such as \"info,lineside::outbox=debug\"; did you mean `info`?\n\
         agent.toml:5: outbox.max_size: found 1KiB, expected 1MiB to 64GiB\n\
         agent.toml:6: outbox.commit_interval: found 1ms, expected 10ms to 1m\n\
         agent.toml:7: outbox.commit_records: found 0, expected 1 to 10000\n\
         agent.toml:9: publish.aggregate_interval: found 1ms, expected 1s to 1d\n\
         agent.toml:11: detect.false_alarms_per_day: found the number 0.0, expected a number above 0 and up \
         to 86400\n\
         agent.toml:12: detect.commissioning_windows: found 1, expected 10 to 10000000\n\
         agent.toml:14: incident.close_after_windows: found 0, expected 1 to 1000000"
    );
}

#[test]
fn impossible_values_of_a_broker_are_refused() {
    let text = "[mqtt]\nhost = \"mqtt://broker\"\nport = 0\nprefix = \"a/b\"\nwindow = 0\n\
        password = \"secret\"\npassword_file = \"also\"\n\
        backoff = { min = \"10s\", max = \"1s\" }\n\
        tls = { ca_file = \"ca.pem\", cert_file = \"gateway.pem\" }\n";
    assert_eq!(
        errors(&format!("{text}{DEVICE}"), &[]),
        "agent.toml:1: mqtt.username: missing; expected the user name that belongs to the password\n\
         agent.toml:2: mqtt.host: found the text \"mqtt://broker\", expected a host name or an address, without \
         `mqtt://` and port\n\
         agent.toml:3: mqtt.port: found the number 0, expected a whole number from 1 to 65535\n\
         agent.toml:4: mqtt.prefix: found the text \"a/b\", expected a level of an MQTT topic: up to 128 letters, \
         digits, `-`, `_` and `.`, no `/`, `+`, `#` and no space\n\
         agent.toml:5: mqtt.window: found 0, expected 1 to 32767\n\
         agent.toml:7: mqtt.password_file: found `password` beside it, expected one of the two\n\
         agent.toml:8: mqtt.backoff.max: found 1s, expected at least `min`, which is 10s\n\
         agent.toml:9: mqtt.tls.key_file: missing; expected the private key that belongs to `cert_file`"
    );
}

#[test]
fn impossible_times_of_a_device_are_refused() {
    let with = |lines: &str| device_errors(&DEVICE.replace("period = \"1s\"\n", lines));
    assert_eq!(
        with("period = \"5ms\"\n"),
        "agent.toml:4: device.pump-1.period: found 5ms, expected 10ms to 1h"
    );
    assert_eq!(
        with("period = \"1s\"\nwindow = \"1500ms\"\nhop = \"300ms\"\n"),
        "agent.toml:5: device.pump-1.window: found 1500ms, expected a multiple of the period 1s\n\
         agent.toml:6: device.pump-1.hop: found 300ms, expected a multiple of the period 1s"
    );
    assert_eq!(
        with("period = \"1s\"\nwindow = \"2s\"\nhop = \"3s\"\n"),
        "agent.toml:6: device.pump-1.hop: found 3s, expected at most the window's length 2s"
    );
    assert_eq!(
        with("period = \"10ms\"\nwindow = \"1h\"\nlateness = \"1d\"\n"),
        "agent.toml:5: device.pump-1.window: found 1h, expected at most 65536 periods\n\
         agent.toml:6: device.pump-1.lateness: found 1d, expected 0s to 100s"
    );
}

#[test]
fn devices_and_channels_have_names_of_their_own() {
    assert_eq!(
        errors(&format!("{DEVICE}[[device.channel]]\nname = \"flow\"\n{DEVICE}"), &[]),
        "agent.toml:9: device[0].channel[1].name: found the text \"flow\" a second time, expected a name of its \
         own within the device\n\
         agent.toml:12: device[1].id: found the text \"pump-1\" a second time, expected an id of its own"
    );
    assert_eq!(
        errors(&DEVICE.replace("pump-1", "pump 1/a"), &[]),
        "agent.toml:3: device.\"pump 1/a\".id: found the text \"pump 1/a\", expected a level of an MQTT topic: up \
         to 128 letters, digits, `-`, `_` and `.`, no `/`, `+`, `#` and no space"
    );
}

#[test]
fn a_device_has_1_to_64_channels() {
    let none = DEVICE.replace("[[device.channel]]\nname = \"flow\"", "channel = []");
    assert_eq!(errors(&none, &[]), "agent.toml:6: device.pump-1.channel: found 0 channels, expected 1 to 64");
    let csv = DEVICE.replace("simulate", "csv");
    let channels = |count: usize| -> String {
        (1..count).map(|n| format!("[[device.channel]]\nname = \"c{n}\"\n")).collect()
    };
    assert!(load(&format!("{csv}{}", channels(64)), &[]).is_ok());
    assert_eq!(
        errors(&format!("{csv}{}", channels(65)), &[]),
        "agent.toml:6: device.pump-1.channel: found 65 channels, expected 1 to 64"
    );
}

#[test]
fn impossible_values_of_a_channel_are_refused() {
    assert_eq!(
        errors(&format!("{DEVICE}min = 10\nmax = 5\ntopic = \"a/#/b\"\n"), &[]),
        "agent.toml:9: device.pump-1.channel.flow.max: found the number 5.0, expected a number above `min`, \
         which is 10.0\n\
         agent.toml:10: device.pump-1.channel.flow.topic: found the text \"a/#/b\", expected an MQTT topic: `+` \
         stands for one whole level, `#` only as the last level"
    );
}

#[test]
fn impossible_values_of_a_recording_are_refused() {
    let source = "{ type = \"csv\", delimiter = \"é\", time_format = \"unix\", speed = -1 }";
    assert_eq!(
        errors(&DEVICE.replace("{ type = \"simulate\" }", source), &[]),
        "agent.toml:5: device.pump-1.source.delimiter: found the text \"é\", expected an ASCII character that is \
         no part of a number, such as \",\", \";\" or \"\\t\"\n\
         agent.toml:5: device.pump-1.source.time_format: found the text \"unix\", expected one of \"rfc3339\", \
         \"unix_s\", \"unix_ms\", \"unix_us\", or a pattern such as \"%Y-%m-%d %H:%M:%S\"; did you mean `unix_s`?\n\
         agent.toml:5: device.pump-1.source.speed: found the number -1.0, expected a factor of real time, or 0 \
         for as fast as possible"
    );
    assert_eq!(
        errors(&DEVICE.replace("\"simulate\"", "\"csv\", delimiter = \"\""), &[]),
        "agent.toml:5: device.pump-1.source.delimiter: found the text \"\", expected a text of one character"
    );
}

#[test]
fn a_channel_of_an_mqtt_source_needs_a_topic() {
    assert_eq!(
        errors(&DEVICE.replace("\"simulate\"", "\"mqtt\", host = \"plc\""), &[]),
        "agent.toml:6: device.pump-1.channel.flow.topic: missing; expected a topic here, or one for all channels \
         in the source"
    );
}

#[test]
fn impossible_simulations_are_refused() {
    let text = "[[device]]\nid = \"p\"\nperiod = \"1s\"\n[device.source]\ntype = \"simulate\"\n\
        [[device.source.fault]]\nkind = \"sensor_stuck\"\nat = \"1s\"\n\
        [[device.source.fault]]\nkind = \"leak\"\nat = \"1s\"\nchannel = \"flow\"\nseverity = 2\n\
        [[device.source.fault]]\nkind = \"sensor_dropout\"\nat = \"1s\"\nchannel = \"flwo\"\n\
        ramp = \"2s\"\nduration = \"1s\"\n\
        [[device.channel]]\nname = \"flow\"\n[[device.channel]]\nname = \"presure_in\"\n";
    assert_eq!(
        errors(text, &[]),
        "agent.toml:6: device.p.source.fault[0].channel: missing; expected the channel whose sensor fails\n\
         agent.toml:12: device.p.source.fault[1].channel: found the text \"flow\", expected no such key: this \
         fault is the machine's\n\
         agent.toml:13: device.p.source.fault[1].severity: found the number 2.0, expected a number above 0 and \
         up to 1\n\
         agent.toml:17: device.p.source.fault[2].channel: found the text \"flwo\", expected a channel of this \
         device: one of \"flow\", \"presure_in\"; did you mean `flow`?\n\
         agent.toml:18: device.p.source.fault[2].ramp: found 2s, expected at most `duration`, which is 1s\n\
         agent.toml:23: device.p.channel.presure_in.name: found the text \"presure_in\", expected a channel of \
         the simulation: one of \"motor_current\", \"pressure_in\", \"pressure_out\", \"flow\", \
         \"temperature_bearing\", \"temperature_fluid\", \"vibration_drive\", \"vibration_free\"; did you mean \
         `pressure_in`?"
    );
}

#[test]
fn a_variable_overrides_a_single_key() {
    let loaded = load(
        &format!("[mqtt]\nhost = \"a\"\n{DEVICE}"),
        &[
            ("LINESIDE__MQTT__HOST", "b"),
            ("LINESIDE__MQTT__PORT", "1884"),
            ("LINESIDE__MQTT__ENABLED", "false"),
            ("LINESIDE__DETECT__FALSE_ALARMS_PER_DAY", "2.5"),
            ("LINESIDE__DEVICE__0__PERIOD", "500ms"),
            ("LINESIDE__DEVICE__0__CHANNEL__0__MAX", "7"),
            ("LINESIDE__GATEWAY__NAME", "7"),
            ("LINESIDE_DATA", "of no concern"),
        ],
    )
    .unwrap();
    let config = loaded.config;
    assert_eq!((config.mqtt.host.as_str(), config.mqtt.port, config.mqtt.enabled), ("b", 1884, false));
    assert_eq!(config.detect.false_alarms_per_day, 2.5);
    assert_eq!(config.devices[0].period, Span::millis(500));
    assert_eq!(config.devices[0].channels[0].max, Some(7.0));
    assert_eq!(config.gateway.name, "7");
}

#[test]
fn an_error_in_a_variable_names_the_variable() {
    assert_eq!(
        errors(
            DEVICE,
            &[
                ("LINESIDE__DEVICE__1__PERIOD", "1s"),
                ("LINESIDE__DEVICE__0__PERIOD", "soon"),
                ("LINESIDE__MQTT", "x"),
                ("LINESIDE__MQTT__HOTS", "b"),
                ("LINESIDE__OUTBOX__COMMIT_RECORDS", "many"),
            ]
        ),
        "LINESIDE__DEVICE__0__PERIOD: device.pump-1.period: found the text \"soon\", expected a number and a unit, \
         such as \"500ms\", \"10s\", \"5m\", \"1h\" or \"7d\"\n\
         LINESIDE__DEVICE__1__PERIOD: device: found `1`, expected the number of an entry, 0 to 0\n\
         LINESIDE__MQTT: mqtt: found the text \"x\", expected a table\n\
         LINESIDE__MQTT__HOTS: mqtt: found a text, expected a table that holds `hots`\n\
         LINESIDE__OUTBOX__COMMIT_RECORDS: outbox.commit_records: found the text \"many\", expected a whole \
         number from 0 to 4294967295"
    );
    assert_eq!(
        errors(DEVICE, &[("LINESIDE__MQTT__PORT", "0"), ("LINESIDE__MQTT__WINDOW", "0")]),
        "LINESIDE__MQTT__PORT: mqtt.port: found the number 0, expected a whole number from 1 to 65535\n\
         LINESIDE__MQTT__WINDOW: mqtt.window: found 0, expected 1 to 32767"
    );
    assert_eq!(
        errors(
            DEVICE,
            &[("LINESIDE__DEVICE", "x"), ("LINESIDE__MQTT____HOST", "x"), ("LINESIDE__MQTT__HOTS", "b")]
        ),
        "LINESIDE__DEVICE: device: found a list, expected a single key: name one inside it\n\
         LINESIDE__MQTT__HOTS: mqtt.hots: unknown key; did you mean `host`? allowed here: ack_timeout, backoff, \
         client_id, enabled, host, keep_alive, max_packet, password, password_file, port, prefix, protocol, tls, \
         username, window\n\
         LINESIDE__MQTT____HOST: mqtt: found an empty key, expected keys separated by two underscores, such as \
         LINESIDE__MQTT__HOST"
    );
}

fn write_secret(folder: &TempDir, name: &str, text: &str, mode: u32) -> std::path::PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn a_password_can_come_from_the_first_line_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_secret(&folder, "mqtt.password", "correct horse \nsecond line\n", 0o600);
    let text = format!("[mqtt]\nusername = \"u\"\npassword_file = {:?}\n{DEVICE}", path.to_str().unwrap());
    let loaded = load(&text, &[]).unwrap();
    assert_eq!(loaded.config.mqtt.password.as_deref(), Some("correct horse"));
    assert_eq!(loaded.warnings, []);

    let path = write_secret(&folder, "empty", "", 0o600);
    let text = format!("[mqtt]\nusername = \"u\"\npassword_file = {:?}\n{DEVICE}", path.to_str().unwrap());
    assert!(
        errors(&text, &[])
            .ends_with("/empty` without a first line, expected a file whose first line is the password")
    );
    let text = format!("[mqtt]\nusername = \"u\"\npassword_file = \"/nonexistent/p\"\n{DEVICE}");
    assert_eq!(
        errors(&text, &[]),
        "agent.toml:3: mqtt.password_file: found `/nonexistent/p`: No such file or directory (os error 2), \
         expected a readable text file"
    );
}

#[test]
fn secrets_that_others_can_read_are_warned_about() {
    let folder = tempfile::tempdir().unwrap();
    let secret = write_secret(&folder, "mqtt.password", "hunter2\n", 0o644);
    let key = write_secret(&folder, "gateway.key", "", 0o604);
    let text = format!(
        "[mqtt]\nusername = \"u\"\npassword_file = {secret:?}\n\
         [mqtt.tls]\nca_file = \"/nonexistent/ca.pem\"\ncert_file = {key:?}\nkey_file = {key:?}\n\
         [status]\nlisten = \"0.0.0.0:9480\"\n\
         [[device]]\nid = \"d\"\nperiod = \"1s\"\n\
         source = {{ type = \"mqtt\", host = \"h\", topic = \"t\", username = \"u\", password = \"hunter2\" }}\n\
         channel = [{{ name = \"c\" }}]\n"
    );
    let path = write_secret(&folder, "agent.toml", &text, 0o644);
    let loaded = Config::load(&path, std::iter::empty()).unwrap();
    let lines: Vec<String> = loaded.warnings.iter().map(Warning::to_string).collect();
    let at = folder.path().display();
    assert_eq!(
        lines,
        [
            format!(
                "{at}/agent.toml:3: mqtt.password_file: other users can read `{at}/mqtt.password` (mode 644): `chmod o-r {at}/mqtt.password`"
            ),
            format!("{at}/agent.toml:5: mqtt.tls.ca_file: `/nonexistent/ca.pem` does not exist"),
            format!(
                "{at}/agent.toml:7: mqtt.tls.key_file: other users can read `{at}/gateway.key` (mode 604): `chmod o-r {at}/gateway.key`"
            ),
            format!(
                "{at}/agent.toml:13: device.d.source.password: other users can read this password: use `password_file`, or `chmod o-r {at}/agent.toml`"
            ),
            format!(
                "{at}/agent.toml:9: status.listen: 0.0.0.0:9480 is open to the network and asks for no password: keep it on 127.0.0.1"
            ),
        ]
    );
    assert!(!lines.join("").contains("hunter2"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(Config::load(&path, std::iter::empty()).unwrap().warnings.len(), 4);
}

#[test]
fn a_secret_never_appears_in_debug_output_or_in_an_error() {
    let text = format!("[mqtt]\nusername = \"u\"\npassword = \"hunter2\"\n{DEVICE}").replace(
        "\"simulate\"",
        "\"mqtt\", host = \"h\", topic = \"t\", username = \"u\", password = \"hunter2\"",
    );
    let loaded = load(&text, &[]).unwrap();
    assert_eq!(loaded.config.mqtt.password.as_deref(), Some("hunter2"));
    assert!(!format!("{loaded:#?}").contains("hunter2"));

    let number = errors(&format!("[mqtt]\npassword = 31337\nhots = \"hunter2\"\n{DEVICE}"), &[]);
    assert!(number.contains("mqtt.password: found a number, expected a text"), "{number}");
    assert!(!number.contains("31337") && !number.contains("hunter2"), "{number}");
    let torn = errors("[mqtt]\npassword = \"hunter2\n", &[]);
    assert!(!torn.contains("hunter2"), "{torn}");
    let variable = errors(DEVICE, &[("LINESIDE__MQTT__PASSWORD", "hunter2"), ("LINESIDE__MQTT__PORT", "-1")]);
    assert!(!variable.contains("hunter2"), "{variable}");
}

#[test]
fn the_schema_accepts_the_example_and_refuses_what_the_agent_refuses() {
    let schema = jsonschema::validator_for(&json_schema()).unwrap();
    let as_json = |text: &str| serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap();
    let problems: Vec<String> = schema.iter_errors(&as_json(EXAMPLE)).map(|e| e.to_string()).collect();
    assert_eq!(problems, Vec::<String>::new());
    for wrong in
        ["[mqtt]\nhots = \"x\"", "[mqtt]\nport = 70000", "[outbox]\nmax_age = \"7\"", "device = [{}]"]
    {
        assert!(!schema.is_valid(&as_json(wrong)), "{wrong}");
    }
}

proptest! {
    #[test]
    fn reading_a_configuration_never_panics(text in any::<String>()) {
        let _ = read(Path::new("a"), &text, std::iter::empty());
    }

    /// A line of the example damaged: it reads, or says why not with a place and a key.
    #[test]
    fn a_damaged_example_never_panics(at in 0..EXAMPLE.len(), noise in "[ -~\\n]{0,4}") {
        if EXAMPLE.is_char_boundary(at) {
            let text = format!("{}{noise}{}", &EXAMPLE[..at], &EXAMPLE[at..]);
            if let Err(errors) = read(Path::new("a"), &text, std::iter::empty()) {
                prop_assert!(errors.iter().all(|error| error.to_string().starts_with("a:")));
            }
        }
    }

    #[test]
    fn any_variable_is_taken_or_refused_by_name(name in "[A-Z0-9_]{0,20}", value in any::<String>()) {
        let variable = format!("{ENV_PREFIX}{name}");
        let env = std::iter::once((variable.clone(), value));
        if let Err(errors) = read(Path::new("a"), EXAMPLE, env) {
            prop_assert!(errors.iter().all(|error| error.to_string().starts_with(&variable)));
        }
    }
}

#[test]
fn an_unknown_task_of_the_language_models_is_answered_with_the_known_ones() {
    assert_eq!(
        errors(&format!("[slm.task.sumarize-incident]\nmodel = \"words\"{DEVICE}"), &[]),
        "agent.toml:1: slm.task.sumarize-incident: unknown key; did you mean `summarize-incident`? allowed here: \
         classify-incident, classify-text, embed, generate, shift-report, summarize-incident"
    );
}

#[test]
fn language_models_are_refused_what_cannot_be() {
    let text = r#"
[slm]
threads = 0
watts = -1.0
deadline = "0s"
[slm.task.classify-incident]
min_confidence = 1.5
escalate = true
built_in = false
signatures = ""
[slm.task.generate.sampling]
top_p = 0.0
[slm.report]
at = ["06:00", "24:00"]
[slm.api]
enabled = true
listen = "0.0.0.0:9481"
"#;
    assert_eq!(
        errors(&format!("{text}{DEVICE}"), &[]),
        r#"agent.toml:3: slm.threads: found 0, expected 1 to 64
agent.toml:4: slm.watts: found the number -1.0, expected a number from 0 to 1000
agent.toml:5: slm.deadline: found 0s, expected 100ms to 1h
agent.toml:6: slm.task.classify-incident.model: missing; expected a bundle: only what a model here leaves open is escalated
agent.toml:7: slm.task.classify-incident.min_confidence: found the number 1.5, expected a number from 0 to 1
agent.toml:8: slm.task.classify-incident.escalate: found true, expected false, or an endpoint in `slm.escalation.url`
agent.toml:10: slm.task.classify-incident.signatures: found an empty path, expected a file of fault modes, or no such key
agent.toml:12: slm.task.generate.sampling.top_p: found the number 0.0, expected above 0 and up to 1
agent.toml:14: slm.report.at[1]: found the text "24:00", expected a time of day, such as "06:00"
agent.toml:15: slm.api.token_file: missing; expected a token's file: 0.0.0.0:9481 is open to the network"#
    );
}

#[test]
fn an_endpoint_to_escalate_to_needs_a_name_and_an_authority_and_its_token_is_looked_at() {
    let text = "[slm.escalation]\nurl = \"https://llm.example/v1\"\n";
    assert_eq!(
        errors(&format!("{text}{DEVICE}"), &[]),
        "agent.toml:1: slm.escalation.ca_file: missing; expected the authority of the endpoint's certificate\n\
         agent.toml:1: slm.escalation.model: missing; expected the model's name at the endpoint"
    );
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    let text = format!("[slm.escalation]\ntoken_file = {token:?}\n{DEVICE}");
    assert!(errors(&text, &[]).ends_with("expected a readable text file"));
    fs::write(&token, "\n").unwrap();
    assert!(errors(&text, &[]).ends_with("expected a file whose first line is the token"));
    fs::write(&token, "secret\n").unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o644)).unwrap();
    let loaded = load(&text, &[]).unwrap_or_else(|(_, errors)| panic!("{errors}"));
    assert_eq!(loaded.warnings.len(), 1);
    assert!(loaded.warnings[0].to_string().contains("other users can read"), "{}", loaded.warnings[0]);
}

#[test]
fn the_ends_of_shifts_are_times_of_day() {
    let text = format!("[slm.report]\nat = [\"06:00\", \"22:30\"]{DEVICE}");
    let loaded = load(&text, &[]).unwrap_or_else(|(_, errors)| panic!("{errors}"));
    let at = jiff::civil::Time::constant;
    assert_eq!(loaded.config.slm.report.times(), [at(6, 0, 0, 0), at(22, 30, 0, 0)]);
}

#[test]
fn spans_of_drift_that_say_nothing_are_refused_with_what_is_needed() {
    assert_eq!(
        errors(
            &format!("[drift]\nsample_interval = \"1h\"\nspan = \"12h\"\nreference = \"1d\"\n{DEVICE}"),
            &[]
        ),
        "agent.toml:3: drift.span: found 12h, expected at least 24 times drift.sample_interval\n\
         agent.toml:4: drift.reference: found 1d, expected at least 4 times drift.span"
    );
    assert_eq!(
        errors(&format!("[drift]\nreference = \"60d\"\nfalse_drifts_per_year = 0.0\n{DEVICE}"), &[]),
        "agent.toml:2: drift.reference: found 60d, expected at most 4096 times drift.sample_interval\n\
         agent.toml:3: drift.false_drifts_per_year: found the number 0.0, expected a number above 0 and up to 1000"
    );
    assert_eq!(
        errors(&format!("[retraining]\nmax_size = \"64KiB\"\n{DEVICE}"), &[]),
        "agent.toml:2: retraining.max_size: found 64KiB, expected 1MiB to 64GiB"
    );
}
