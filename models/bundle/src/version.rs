//! Version numbers: of models for people, and of the agent that a model needs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Three numbers, `1.0.0`; the first that differs decides which is later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(pub u32, pub u32, pub u32);

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("`{text}` must be three numbers such as `1.0.0`");
        // `parse` alone would take a sign: two texts would be one version.
        let number = |part: &str| {
            let plain = part.bytes().all(|b| b.is_ascii_digit()) && (part == "0" || !part.starts_with('0'));
            if plain { part.parse().map_err(|_| refused()) } else { Err(refused()) }
        };
        let mut parts = text.split('.');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(major), Some(minor), Some(patch), None) => {
                Ok(Version(number(major)?, number(minor)?, number(patch)?))
            }
            _ => Err(refused()),
        }
    }
}

impl TryFrom<String> for Version {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> String {
        version.to_string()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number_and_not_by_text() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        assert!(version("0.10.0") > version("0.9.9"));
        assert!(version("1.0.0") > version("0.99.99"));
        assert_eq!(version("1.2.3").to_string(), "1.2.3");
    }

    #[test]
    fn one_version_has_one_text() {
        for text in
            ["", "1", "1.0", "1.0.0.0", "+1.0.0", "01.0.0", "1.0.0-rc1", "1..0", "4294967296.0.0", "٣.0.0"]
        {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }
}
