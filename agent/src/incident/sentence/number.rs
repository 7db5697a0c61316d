//! Numbers as people read them: three significant digits, no more zeros than needed.

/// Digits that are printed of a value below 100; from 100 on all digits before the point are.
const DIGITS: i32 = 3;
/// Values outside `SMALL..LARGE` are printed with an exponent.
const SMALL: f64 = 1e-4;
const LARGE: f64 = 1e7;
/// The units of a duration with their length in seconds, and up to how many of it each is used.
const DURATIONS: [(&str, f64, f64); 4] =
    [("s", 1.0, 90.0), ("min", 60.0, 90.0), ("h", 3_600.0, 48.0), ("days", 86_400.0, f64::INFINITY)];
/// Below so many of its unit a duration is printed with one decimal.
const DECIMAL_BELOW: f64 = 10.0;

/// A finite value with its unit: `5.4 bar`.
pub(crate) fn value(value: f64, unit: &str) -> String {
    let size = value.abs();
    let number = if size == 0.0 {
        "0".to_owned()
    } else if !(SMALL..LARGE).contains(&size) {
        format!("{value:.2e}")
    } else {
        // The digits before the point: 1 for 5.4, 0 for 0.54, -1 for 0.054.
        let before = size.log10().floor() as i32 + 1;
        let decimals = usize::try_from(DIGITS - before).unwrap_or(0);
        trimmed(format!("{value:.decimals$}"))
    };
    if unit.is_empty() { number } else { format!("{number} {unit}") }
}

/// A length of time, in the unit that suits it: `40 s`, `1.5 min`, `3 h`, `2 days`.
pub(crate) fn duration(seconds: f64) -> String {
    let [.., days] = DURATIONS;
    let (unit, length, _) =
        DURATIONS.into_iter().find(|(_, length, most)| seconds < length * most).unwrap_or(days);
    let count = seconds / length;
    if count < 1.0 {
        value(count, unit)
    } else {
        let decimals = usize::from(count < DECIMAL_BELOW);
        format!("{} {unit}", trimmed(format!("{count:.decimals$}")))
    }
}

/// Without zeros at the end of its decimals.
fn trimmed(number: String) -> String {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.').to_owned() } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_three_significant_digits() {
        for (number, text) in [
            (5.4, "5.4"),
            (5.0, "5"),
            (0.05432, "0.0543"),
            (-12.345, "-12.3"),
            (99.96, "100"),
            (1480.4, "1480"),
            (0.0, "0"),
            (-0.0, "0"),
            (123_456.7, "123457"),
            (2e-7, "2.00e-7"),
            (1.5e9, "1.50e9"),
        ] {
            assert_eq!(value(number, ""), text);
        }
        assert_eq!(value(1.25, "m3/h"), "1.25 m3/h");
    }

    #[test]
    fn durations_have_the_unit_that_suits_them() {
        for (seconds, text) in [
            (0.25, "0.25 s"),
            (1.0, "1 s"),
            (40.0, "40 s"),
            (90.0, "1.5 min"),
            (600.0, "10 min"),
            (9_000.0, "2.5 h"),
            (259_200.0, "3 days"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
