//! How measured values are written.

use serde::ser::{Serialize, Serializer};

/// Significant digits of an `f64`: finer than any sensor, and no `0.30000000000000004`.
const DIGITS: usize = 9;
/// Significant digits of what was computed as an `f32`: all that it holds.
const DIGITS_F32: usize = 7;

/// A measured value: always written as a float (`70.0`), as `null` when it is absent or not a
/// number, and rounded to the digits that mean something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Figure(Option<f64>);

impl From<f64> for Figure {
    fn from(value: f64) -> Self {
        Figure(rounded(value, DIGITS))
    }
}

impl From<f32> for Figure {
    fn from(value: f32) -> Self {
        Figure(rounded(value.into(), DIGITS_F32))
    }
}

impl<T: Into<Figure>> From<Option<T>> for Figure {
    fn from(value: Option<T>) -> Self {
        value.map_or(Figure(None), Into::into)
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // `serde_json` writes a whole `f64` with its `.0`.
        self.0.serialize(serializer)
    }
}

fn rounded(value: f64, digits: usize) -> Option<f64> {
    if value == 0.0 {
        // Neither `-0.0` nor a special case for its logarithm.
        return Some(0.0);
    }
    format!("{value:.*e}", digits - 1).parse().ok().filter(|rounded: &f64| rounded.is_finite())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(figure: impl Into<Figure>) -> String {
        serde_json::to_string(&figure.into()).unwrap()
    }

    #[test]
    fn floats_are_always_written_as_floats() {
        assert_eq!(written(70.0), "70.0");
        assert_eq!(written(70.0_f32), "70.0");
        assert_eq!(written(-0.0), "0.0");
        assert_eq!(written(0.1 + 0.2), "0.3");
        assert_eq!(written(0.1_f32), "0.1");
        assert_eq!(written(1_234_567.891_23), "1234567.89");
    }

    #[test]
    fn what_is_not_a_number_is_null() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(written(value), "null");
        }
        assert_eq!(written(None::<f32>), "null");
    }

    proptest! {
        #[test]
        fn a_figure_reads_back_as_a_float_close_to_the_value(value in proptest::num::f64::NORMAL) {
            let text = written(value);
            prop_assert!(text == "null" || text.contains(['.', 'e']), "{}", text);
            if let Ok(read) = text.parse::<f64>() {
                prop_assert!((read - value).abs() <= value.abs() * 1e-8);
            }
        }
    }
}
