//! What a sentence calls things: the words of the configuration.

use crate::config::{ChannelConfig, DeviceConfig};

/// A longer description is an explanation, not a name.
const LABEL_CHARS: usize = 40;

/// A device and its channels by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// The device's id.
    pub device: String,
    /// What kind of machine it is.
    pub kind: Option<String>,
    /// Its channels, in the configuration's order.
    pub channels: Vec<ChannelNames>,
}

/// What a channel is called.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelNames {
    /// Its name in the configuration.
    pub name: String,
    /// Its unit, empty when it has none.
    pub unit: String,
    /// What a sentence calls it: its description if that is short, else its name.
    pub label: String,
}

impl Subject {
    /// The names that a configuration gives.
    #[must_use]
    pub fn of(device: &DeviceConfig) -> Self {
        Subject {
            device: device.id.clone(),
            kind: device.kind.as_deref().map(one_line).filter(|kind| !kind.is_empty()),
            channels: device.channels.iter().map(ChannelNames::of).collect(),
        }
    }

    /// `pump-1 (feed pump)`.
    pub(crate) fn who(&self) -> String {
        match &self.kind {
            Some(kind) => format!("{} ({kind})", self.device),
            None => self.device.clone(),
        }
    }
}

impl ChannelNames {
    /// The names that a configuration gives.
    #[must_use]
    pub fn of(channel: &ChannelConfig) -> Self {
        let description = channel.description.as_deref().map(in_a_sentence);
        let short = description.filter(|text| !text.is_empty() && text.chars().count() <= LABEL_CHARS);
        let words = Some(one_line(&channel.name.replace('_', " "))).filter(|words| !words.is_empty());
        let label = short.or(words).unwrap_or_else(|| channel.name.clone());
        ChannelNames { name: channel.name.clone(), unit: channel.unit.clone(), label }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Without the capital and the full stop of a sentence of its own; `RPM of the motor` keeps its.
fn in_a_sentence(description: &str) -> String {
    let text = one_line(description.trim().trim_end_matches('.'));
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(name: &str, description: Option<&str>) -> String {
        let description = description.map(Into::into);
        ChannelNames::of(&ChannelConfig { name: name.into(), description, ..ChannelConfig::default() }).label
    }

    #[test]
    fn a_short_description_names_the_channel_and_a_long_one_does_not() {
        assert_eq!(label("p_out", Some("Pressure behind\n the pump.")), "pressure behind the pump");
        assert_eq!(label("n", Some("RPM of the motor")), "RPM of the motor");
        assert_eq!(label("pressure_out", None), "pressure out");
        assert_eq!(label("__", Some(" . ")), "__");
        assert_eq!(label("p_out", Some(&"long ".repeat(20))), "p out");
    }
}
