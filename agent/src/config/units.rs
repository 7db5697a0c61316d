//! Values with a unit in them: `"10s"`, `"64MiB"`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A length of time, written `"10ms"`, `"1.5s"`, `"5m"`, `"1h"` or `"7d"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// A size in bytes, written `"512KiB"`, `"64MiB"` or `"2GiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

const SPANS: [(&str, f64); 6] =
    [("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3_600.0), ("d", 86_400.0)];
const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// What a span may look like, for error messages.
pub(super) const SPAN_FORM: &str =
    "a number and a unit, such as \"500ms\", \"10s\", \"5m\", \"1h\" or \"7d\"";
/// What a size may look like, for error messages.
pub(super) const SIZE_FORM: &str = "a whole number and a unit, such as \"512KiB\", \"64MiB\" or \"2GiB\"";

impl Span {
    /// A span of whole seconds.
    #[must_use]
    pub const fn secs(secs: u64) -> Self {
        Span(Duration::from_secs(secs))
    }

    /// A span of whole milliseconds.
    #[must_use]
    pub const fn millis(millis: u64) -> Self {
        Span(Duration::from_millis(millis))
    }
}

impl ByteSize {
    /// A size in MiB.
    #[must_use]
    pub const fn mib(mib: u64) -> Self {
        ByteSize(mib << 20)
    }
}

/// Splits `"10s"` into `("10", "s")`.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    (text[..at].trim(), &text[at..])
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = split(text);
        let factor = SPANS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor);
        match (number.parse::<f64>(), factor) {
            (Ok(number), Some(factor)) if number.is_finite() && number >= 0.0 => {
                Duration::try_from_secs_f64(number * factor).map(Span).map_err(|e| e.to_string())
            }
            _ => Err(SPAN_FORM.to_owned()),
        }
    }
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = split(text);
        let factor = SIZES.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor);
        match (number.parse::<u64>(), factor) {
            (Ok(number), Some(factor)) => {
                number.checked_mul(factor).map(ByteSize).ok_or_else(|| SIZE_FORM.to_owned())
            }
            _ => Err(SIZE_FORM.to_owned()),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_micros();
        for (unit, size) in [
            ("d", 86_400_000_000_u128),
            ("h", 3_600_000_000),
            ("m", 60_000_000),
            ("s", 1_000_000),
            ("ms", 1_000),
        ] {
            if micros >= size && micros.is_multiple_of(size) {
                return write!(f, "{}{unit}", micros / size);
            }
        }
        if micros == 0 { f.write_str("0s") } else { write!(f, "{micros}us") }
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, size) in SIZES {
            if self.0 >= size && self.0.is_multiple_of(size) {
                return write!(f, "{}{unit}", self.0 / size);
            }
        }
        write!(f, "{}B", self.0)
    }
}

/// Implements reading, writing and describing for a value that is written as text.
macro_rules! written_as_text {
    ($type:ident, $form:expr, $format:literal, $pattern:literal) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl de::Visitor<'_> for Visitor {
                    type Value = $type;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($form)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
                    }
                }
                deserializer.deserialize_str(Visitor)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string", "description": $form, "format": $format, "pattern": $pattern
                })
            }
        }
    };
}

written_as_text!(Span, SPAN_FORM, "span", r"^[0-9.]+ *(us|ms|s|m|h|d)$");
written_as_text!(ByteSize, SIZE_FORM, "byte-size", r"^[0-9]+ *(B|KiB|MiB|GiB)$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_sizes_read_back_what_they_print() {
        for text in ["10ms", "1500ms", "5m", "1h", "7d", "0s", "250us"] {
            assert_eq!(text.parse::<Span>().map(|s| s.to_string()), Ok(text.to_owned()));
        }
        for text in ["1B", "512KiB", "64MiB", "2GiB"] {
            assert_eq!(text.parse::<ByteSize>().map(|s| s.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("1.5s".parse(), Ok(Span::millis(1_500)));
    }

    #[test]
    fn a_number_without_a_unit_is_refused() {
        assert_eq!("10".parse::<Span>(), Err(SPAN_FORM.to_owned()));
        assert_eq!("-1s".parse::<Span>(), Err(SPAN_FORM.to_owned()));
        assert_eq!("64MB".parse::<ByteSize>(), Err(SIZE_FORM.to_owned()));
    }
}
