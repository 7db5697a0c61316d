//! What can be wrong with a configuration, in words that name the place, the key, what was
//! found and what is allowed.

use std::fmt;
use std::path::PathBuf;

use super::tree::Place;

/// Why a configuration is refused. Nothing runs on a refused configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigErrors {
    /// The file cannot be read.
    #[error("{}: cannot be read: {cause}; name an existing file with --config, or start one with `lineside config example > agent.toml`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the file system answered.
        cause: std::io::Error,
    },
    /// The file was read and is wrong: every error that was found, in the order of the file.
    #[error("{}", lines(.0))]
    Refused(Vec<ConfigError>),
}

fn lines(errors: &[ConfigError]) -> String {
    errors.iter().map(ConfigError::to_string).collect::<Vec<_>>().join("\n")
}

/// One error of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The line or the variable.
    pub place: Place,
    /// The full path of the key, such as `device.pump-1.period`; empty for a syntax error.
    pub key: String,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The text is not TOML.
    Syntax(String),
    /// The value cannot be turned into the setting.
    Conversion(String),
    /// No such key exists.
    UnknownKey {
        /// A key that looks like it.
        suggestion: Option<String>,
        /// The keys that exist here.
        allowed: Vec<String>,
    },
    /// A key must be there and is not.
    Missing {
        /// What is allowed.
        expected: String,
    },
    /// The value has the wrong type, is impossible, or does not fit another one.
    Value {
        /// What was found.
        found: String,
        /// What is allowed.
        expected: String,
        /// An allowed value that looks like it.
        suggestion: Option<String>,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}", self.problem)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suggest = |f: &mut fmt::Formatter<'_>, suggestion: &Option<String>| match suggestion {
            Some(name) => write!(f, "; did you mean `{name}`?"),
            None => Ok(()),
        };
        match self {
            Problem::Syntax(message) => write!(f, "this is not TOML: {message}"),
            Problem::Conversion(message) => write!(f, "cannot be used: {message}"),
            Problem::UnknownKey { suggestion, allowed } => {
                f.write_str("unknown key")?;
                suggest(f, suggestion)?;
                let separator = if suggestion.is_some() { " " } else { "; " };
                write!(f, "{separator}allowed here: {}", allowed.join(", "))
            }
            Problem::Missing { expected } => write!(f, "missing; expected {expected}"),
            Problem::Value { found, expected, suggestion } => {
                write!(f, "found {found}, expected {expected}")?;
                suggest(f, suggestion)
            }
        }
    }
}

/// Something that works but should not stay so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The line or the variable.
    pub place: Place,
    /// The full path of the key.
    pub key: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.key, self.message)
    }
}
