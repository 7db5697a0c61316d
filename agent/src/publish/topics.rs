//! Where messages go: `<prefix>/v1/<site>/<gateway>/…`.
//!
//! No topic that carries data is a prefix of another: tag browsers such as Ignition's make a
//! folder of a prefix and then have no place for its value.

/// The version of the topics and payloads; a change that breaks consumers gets a new one.
const VERSION: &str = "v1";
/// The longest level, so that a topic of seven levels stays readable and far below MQTT's limit
/// of 65 535 bytes.
const MAX_LEVEL: usize = 128;

/// The topics of one gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topics {
    root: String,
}

/// A name that cannot be a level of a topic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{key}` = {found:?} cannot be a level of an MQTT topic: use 1 to {MAX_LEVEL} letters, digits, `-`, `_` and `.`"
)]
pub struct TopicError {
    /// The configuration's key.
    pub key: &'static str,
    /// Its value.
    pub found: String,
}

impl Topics {
    /// The topics of gateway `gateway` at site `site`.
    ///
    /// # Errors
    /// When one of the names cannot be a level of a topic.
    pub fn new(prefix: &str, site: &str, gateway: &str) -> Result<Self, TopicError> {
        for (key, level) in [("mqtt.prefix", prefix), ("gateway.site", site), ("gateway.name", gateway)] {
            if !is_level(level) {
                return Err(TopicError { key, found: level.to_owned() });
            }
        }
        Ok(Topics { root: format!("{prefix}/{VERSION}/{site}/{gateway}") })
    }

    /// The gateway's state; retained, with a last will.
    #[must_use]
    pub fn status(&self) -> String {
        format!("{}/status", self.root)
    }

    /// What happened in a shift; never retained.
    #[must_use]
    pub fn report(&self) -> String {
        format!("{}/report", self.root)
    }

    /// What the language models cost; retained.
    #[must_use]
    pub fn models(&self) -> String {
        format!("{}/models", self.root)
    }

    /// Whether a device has slowly changed; retained.
    #[must_use]
    pub fn drift(&self, device: &str) -> String {
        self.of("drift", device)
    }

    /// What a device's channels are; retained.
    #[must_use]
    pub fn meta(&self, device: &str) -> String {
        self.of("meta", device)
    }

    /// Aggregates of a device; never retained.
    #[must_use]
    pub fn data(&self, device: &str) -> String {
        self.of("data", device)
    }

    /// The newest values of a device; retained.
    #[must_use]
    pub fn last(&self, device: &str) -> String {
        self.of("last", device)
    }

    /// Changes of a device's incidents; not retained.
    #[must_use]
    pub fn incident(&self, device: &str) -> String {
        self.of("incident", device)
    }

    /// The open incidents of a device; retained.
    #[must_use]
    pub fn incident_state(&self, device: &str) -> String {
        self.of("incident-state", device)
    }

    fn of(&self, what: &str, device: &str) -> String {
        debug_assert!(is_level(device), "the configuration lets no such device through: {device:?}");
        format!("{}/{what}/{device}", self.root)
    }
}

fn is_level(text: &str) -> bool {
    let legal = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && text.len() <= MAX_LEVEL && text.chars().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_topic_is_a_prefix_of_another() {
        let topics = Topics::new("lineside", "north", "gw-7").unwrap();
        let mut all = vec![topics.models(), topics.status()];
        for device in ["pump-1", "pump-10"] {
            all.extend([topics.meta(device), topics.data(device), topics.last(device)]);
            all.extend([topics.incident(device), topics.incident_state(device), topics.drift(device)]);
        }
        for (a, b) in all.iter().flat_map(|a| all.iter().map(move |b| (a, b))) {
            assert!(a == b || !format!("{b}/").starts_with(&format!("{a}/")), "{a} {b}");
        }
        assert_eq!(topics.incident_state("pump-1"), "lineside/v1/north/gw-7/incident-state/pump-1");
    }

    #[test]
    fn a_name_that_cannot_be_a_level_is_refused_with_its_key() {
        for bad in ["", "a/b", "+", "#", "a b", "$SYS", "a\0"] {
            let error = Topics::new("lineside", bad, "gw").unwrap_err();
            assert_eq!((error.key, error.found.as_str()), ("gateway.site", bad));
        }
        assert_eq!(
            Topics::new("lineside", "hall 3", "gw").unwrap_err().to_string(),
            "`gateway.site` = \"hall 3\" cannot be a level of an MQTT topic: \
             use 1 to 128 letters, digits, `-`, `_` and `.`"
        );
    }
}
