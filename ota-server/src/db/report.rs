//! What a device reports, and what of it is taken.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Longest name of a device, in bytes.
pub const NAME_MAX: usize = 128;
/// Longest of the other short fields: reasons, versions, attempts.
const WORD_MAX: usize = 96;
/// Longest detail of an event; the agent cuts its own at this.
const DETAIL_MAX: usize = 1024;
/// Most events in a body: what fits in its 64 KiB, so that none of a full body is refused.
const EVENTS_MAX: usize = 512;
/// Most tags, and most models, of a device.
const ENTRIES_MAX: usize = 64;

/// The phases of an attempt that the agent reports.
pub const PHASES: [&str; 9] = [
    "offered",
    "downloading",
    "verified",
    "shadow",
    "active",
    "committed",
    "rolled_back",
    "rejected",
    "failed",
];
/// Those that end one and count for the thresholds.
pub const OUTCOMES: [&str; 3] = ["committed", "rolled_back", "failed"];

/// The body of `POST /v1/status`. What it does not name is ignored, so that newer agents are heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Who reports; must be who signed.
    pub device: String,
    /// Counts the device's reports; what is not above the last one changes nothing but new events.
    pub counter: u64,
    /// The group that it follows.
    pub group: String,
    /// The agent's version.
    pub agent: String,
    /// What it runs on.
    pub arch: String,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// What runs, by model.
    #[serde(default)]
    pub models: BTreeMap<String, Running>,
    /// What happened since the last report that was taken.
    #[serde(default)]
    pub events: Vec<Event>,
}

/// The version of a model that runs on a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Its version.
    pub version: String,
    /// Its release; 0 for the factory model.
    pub release: u64,
}

/// One step of an attempt to install a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The attempt; with `seq` and the device, what makes the event the same one again.
    pub attempt: String,
    /// Counts within the attempt.
    pub seq: u64,
    /// The model.
    pub model: String,
    /// The release that is installed.
    pub release: u64,
    /// The rollout that asked for it; empty when none did.
    #[serde(default)]
    pub rollout: String,
    /// One of [`PHASES`].
    pub phase: String,
    /// Why, for what went wrong.
    #[serde(default)]
    pub reason: String,
    /// For people.
    #[serde(default)]
    pub detail: String,
    /// The device's own time.
    #[serde(default)]
    pub time: String,
}

/// The first field that cannot be taken, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct Refused {
    field: String,
    why: String,
}

impl Report {
    /// Reads a body.
    ///
    /// # Errors
    /// The field that is wrong.
    pub fn parse(body: &[u8]) -> Result<Report, Refused> {
        let mut from = serde_json::Deserializer::from_slice(body);
        let report: Report = serde_path_to_error::deserialize(&mut from)
            .map_err(|e| Refused { field: e.path().to_string(), why: e.inner().to_string() })?;
        from.end().map_err(|e| Refused { field: "body".to_owned(), why: e.to_string() })?;
        report.check()?;
        Ok(report)
    }

    fn check(&self) -> Result<(), Refused> {
        word("device", &self.device, 1, NAME_MAX)?;
        word("group", &self.group, 0, WORD_MAX)?;
        word("agent", &self.agent, 0, WORD_MAX)?;
        word("arch", &self.arch, 0, WORD_MAX)?;
        number("counter", self.counter)?;
        at_most("tags", self.tags.len(), ENTRIES_MAX)?;
        at_most("models", self.models.len(), ENTRIES_MAX)?;
        at_most("events", self.events.len(), EVENTS_MAX)?;
        for (key, value) in &self.tags {
            word("tags", key, 1, WORD_MAX)?;
            word("tags", value, 0, WORD_MAX)?;
        }
        for (name, running) in &self.models {
            word("models", name, 1, WORD_MAX)?;
            word("models", &running.version, 0, WORD_MAX)?;
            number("models", running.release)?;
        }
        self.events.iter().try_for_each(Event::check)
    }
}

impl Event {
    fn check(&self) -> Result<(), Refused> {
        word("events.attempt", &self.attempt, 1, WORD_MAX)?;
        number("events.seq", self.seq)?;
        number("events.release", self.release)?;
        word("events.model", &self.model, 1, WORD_MAX)?;
        word("events.rollout", &self.rollout, 0, WORD_MAX)?;
        word("events.reason", &self.reason, 0, WORD_MAX)?;
        word("events.detail", &self.detail, 0, DETAIL_MAX)?;
        word("events.time", &self.time, 0, WORD_MAX)?;
        if PHASES.contains(&self.phase.as_str()) {
            return Ok(());
        }
        Err(Refused {
            field: "events.phase".to_owned(),
            why: format!("must be one of {}", PHASES.join(", ")),
        })
    }

    /// How the attempt ended, when this event ends it and counts for the thresholds.
    #[must_use]
    pub fn outcome(&self) -> &str {
        if OUTCOMES.contains(&self.phase.as_str()) { &self.phase } else { "" }
    }
}

fn word(field: &str, text: &str, least: usize, most: usize) -> Result<(), Refused> {
    let why = if text.len() < least {
        "is empty".to_owned()
    } else if text.len() > most {
        format!("is longer than {most} bytes")
    } else if text.chars().any(char::is_control) {
        "holds a control character".to_owned()
    } else {
        return Ok(());
    };
    Err(Refused { field: field.to_owned(), why })
}

/// Databases count in signed 64 bits.
fn number(field: &str, value: u64) -> Result<(), Refused> {
    if i64::try_from(value).is_ok() {
        return Ok(());
    }
    Err(Refused { field: field.to_owned(), why: "is too large".to_owned() })
}

fn at_most(field: &str, found: usize, most: usize) -> Result<(), Refused> {
    if found <= most {
        return Ok(());
    }
    Err(Refused { field: field.to_owned(), why: format!("has {found} entries, the most is {most}") })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = r#"{"device":"site/a","counter":7,"group":"default","agent":"0.1.0","arch":"aarch64",
        "tags":{"line":"3"},"models":{"detector":{"version":"1.0.0","release":1}},
        "events":[{"attempt":"a1","seq":0,"model":"detector","release":2,"rollout":"r-1","phase":"active",
        "reason":"","detail":"","time":""}]}"#;

    #[test]
    fn what_a_newer_agent_adds_is_ignored() {
        let newer = GOOD.replacen('{', "{\"mood\":[1,{}],", 1);
        assert_eq!(Report::parse(newer.as_bytes()), Report::parse(GOOD.as_bytes()));
    }

    #[test]
    fn the_field_that_is_wrong_is_named() {
        for (from, to, field) in [
            ("\"counter\":7", "\"counter\":-7", "counter"),
            ("\"counter\":7", "\"counter\":18446744073709551615", "counter"),
            ("\"release\":2", "\"release\":\"2\"", "events[0].release"),
            ("\"active\"", "\"exploded\"", "events.phase"),
            ("\"a1\"", "\"\"", "events.attempt"),
            ("site/a", "site\\u0000a", "device"),
            ("\"arch\":\"aarch64\"", "\"arch\":\"a\",\"arch\":\"b\"", "arch"),
        ] {
            let error = Report::parse(GOOD.replacen(from, to, 1).as_bytes()).unwrap_err().to_string();
            assert!(error.contains(field), "{to}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Report::parse(&bytes);
        }

        #[test]
        fn a_report_with_a_byte_changed_is_refused_or_within_its_limits(at in 0..GOOD.len(), byte in any::<u8>()) {
            let mut bytes = GOOD.as_bytes().to_vec();
            bytes[at] = byte;
            if let Ok(report) = Report::parse(&bytes) {
                prop_assert!(report.events.iter().all(|event| PHASES.contains(&event.phase.as_str())));
                prop_assert!(!report.device.chars().any(char::is_control));
            }
        }
    }
}
