//! What MQTT allows as a level of a topic and as a topic to subscribe to.

/// The longest topic that MQTT can carry, in bytes.
const MAX_TOPIC: usize = 65_535;
/// Keeps a topic of five levels readable, and far from [`MAX_TOPIC`].
const MAX_LEVEL: usize = 128;

pub(super) const LEVEL_FORM: &str =
    "a level of an MQTT topic: up to 128 letters, digits, `-`, `_` and `.`, no `/`, `+`, `#` and no space";
pub(super) const FILTER_FORM: &str =
    "an MQTT topic: `+` stands for one whole level, `#` only as the last level";

/// Whether the text can name a site, a gateway, a device.
pub(super) fn is_level(text: &str) -> bool {
    let legal = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && text.len() <= MAX_LEVEL && text.chars().all(legal)
}

/// Whether the text can be subscribed to.
pub(super) fn is_filter(text: &str) -> bool {
    let levels: Vec<&str> = text.split('/').collect();
    let legal = |(index, level): (usize, &&str)| match *level {
        "+" => true,
        "#" => index + 1 == levels.len(),
        level => !level.contains(['+', '#', '\0']),
    };
    !text.is_empty() && text.len() <= MAX_TOPIC && levels.iter().enumerate().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_filters_follow_the_mqtt_rules() {
        for good in ["pump-1", "Halle_3.Süd", "a"] {
            assert!(is_level(good), "{good}");
        }
        for bad in ["", "a/b", "a+", "#", "$SYS", "a b", "a\0"] {
            assert!(!is_level(bad), "{bad}");
        }
        for good in ["a", "a/+/c", "a/#", "#", "+", "/a", "a b/c"] {
            assert!(is_filter(good), "{good}");
        }
        for bad in ["", "a/#/b", "a+/b", "a/b#", "a\0"] {
            assert!(!is_filter(bad), "{bad}");
        }
    }
}
