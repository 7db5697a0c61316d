//! How time is written in a recording or a payload.

use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use crate::time::Timestamp;

/// Numbers from this on are milliseconds since the epoch, not seconds (the year 5138).
const SECONDS_BELOW: f64 = 1e11;
/// Numbers from this on are microseconds since the epoch, not milliseconds.
const MILLIS_BELOW: f64 = 1e14;

/// How time is written. Dates without a zone are UTC.
#[derive(Clone, Debug, PartialEq)]
pub enum TimeFormat {
    /// RFC 3339, a date and time with `T` or a space, or a number since the epoch in seconds,
    /// milliseconds or microseconds by its size.
    Any,
    /// RFC 3339.
    Rfc3339,
    /// Units since the epoch: so many microseconds each.
    Unix(f64),
    /// A pattern such as `%d.%m.%Y %H:%M:%S`.
    Pattern(String),
}

impl TimeFormat {
    /// The format that a configuration names; `None` finds out by itself.
    #[must_use]
    pub fn named(name: Option<&str>) -> Self {
        match name {
            None => TimeFormat::Any,
            Some("rfc3339") => TimeFormat::Rfc3339,
            Some("unix_s") => TimeFormat::Unix(1e6),
            Some("unix_ms") => TimeFormat::Unix(1e3),
            Some("unix_us") => TimeFormat::Unix(1.0),
            Some(pattern) => TimeFormat::Pattern(pattern.to_owned()),
        }
    }

    /// The time that a field says; `None` when it does not.
    #[must_use]
    pub fn parse(&self, field: &[u8]) -> Option<Timestamp> {
        let field = field.trim_ascii();
        match self {
            TimeFormat::Any => plain(field).or_else(|| rfc3339(field)).or_else(|| unix(field, None)),
            TimeFormat::Rfc3339 => rfc3339(field),
            TimeFormat::Unix(unit) => unix(field, Some(*unit)),
            TimeFormat::Pattern(pattern) => by_pattern(pattern, std::str::from_utf8(field).ok()?),
        }
    }
}

fn unix(field: &[u8], unit: Option<f64>) -> Option<Timestamp> {
    let number: f64 = std::str::from_utf8(field).ok()?.parse().ok()?;
    let unit = unit.unwrap_or(match number.abs() {
        n if n < SECONDS_BELOW => 1e6,
        n if n < MILLIS_BELOW => 1e3,
        _ => 1.0,
    });
    let micros = (number * unit).round();
    // Beyond the calendar of the formats a number is a mistake, not a time.
    (micros.abs() < 2.5e17).then_some(Timestamp::from_micros(micros as i64))
}

fn rfc3339(field: &[u8]) -> Option<Timestamp> {
    let time: jiff::Timestamp = std::str::from_utf8(field).ok()?.parse().ok()?;
    Some(Timestamp::from_micros(time.as_microsecond()))
}

fn by_pattern(pattern: &str, text: &str) -> Option<Timestamp> {
    let parsed = strtime::parse(pattern, text).ok()?;
    let time = match parsed.to_timestamp() {
        Ok(time) => time,
        Err(_) => parsed.to_datetime().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp(),
    };
    Some(Timestamp::from_micros(time.as_microsecond()))
}

/// `2020-03-09 10:14:33`, with `T` or a space and up to nine digits of a second: what nearly
/// every recording has, read by hand because it is the half of a replay's time otherwise.
fn plain(field: &[u8]) -> Option<Timestamp> {
    let (whole, fraction) = field.split_at_checked(19)?;
    let separators = [(4, b"-" as &[u8]), (7, b"-"), (10, b" T"), (13, b":"), (16, b":")];
    if separators.iter().any(|&(at, allowed)| !allowed.contains(&whole[at])) {
        return None;
    }
    let [year, month, day, hour, minute, second] =
        [0..4, 5..7, 8..10, 11..13, 14..16, 17..19].map(|range| digits(&whole[range]));
    let micros = match fraction {
        [] => 0,
        [b'.' | b',', digits_of @ ..] if (1..=9).contains(&digits_of.len()) => {
            let scale = 10_i64.pow(u32::try_from(digits_of.len()).ok()?);
            digits(digits_of)? * 1_000_000 / scale
        }
        _ => return None,
    };
    let (year, month, day) = (year?, month?, day?);
    let (hour, minute, second) = (hour?, minute?, second?);
    if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days_since_epoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(Timestamp::from_micros(seconds * 1_000_000 + micros))
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar (Howard Hinnant, "chrono-compatible low-level
/// date algorithms": `days_from_civil`).
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_format_reads_the_same_moment() {
        let moment = Some(Timestamp::from_millis(1_583_748_873_500));
        let any = TimeFormat::named(None);
        for text in [
            "2020-03-09 10:14:33.5",
            "2020-03-09T10:14:33.500",
            "2020-03-09T10:14:33.5Z",
            "2020-03-09T11:14:33.5+01:00",
            "1583748873.5",
            "1583748873500",
            "1583748873500000",
        ] {
            assert_eq!(any.parse(text.as_bytes()), moment, "{text}");
        }
        let german = TimeFormat::named(Some("%d.%m.%Y %H:%M:%S%.f"));
        assert_eq!(german.parse(b"09.03.2020 10:14:33.5"), moment);
        assert_eq!(TimeFormat::named(Some("unix_ms")).parse(b"1583748873500"), moment);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "yesterday", "2020-02-30 00:00:00", "2020-03-09 24:00:00", "NaN", "1e300"] {
            assert_eq!(TimeFormat::Any.parse(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(field in prop::collection::vec(any::<u8>(), 0..40)) {
            for format in [TimeFormat::Any, TimeFormat::Rfc3339, TimeFormat::Unix(1e3), TimeFormat::named(Some("%Y %j"))] {
                let _ = format.parse(&field);
            }
        }

        #[test]
        fn the_calendar_agrees_with_a_library(seconds in -62_000_000_000_i64..250_000_000_000) {
            let time = jiff::Timestamp::from_second(seconds).unwrap();
            let text = time.strftime("%Y-%m-%d %H:%M:%S").to_string();
            prop_assume!(text.len() == 19);
            prop_assert_eq!(plain(text.as_bytes()), Some(Timestamp::from_micros(seconds * 1_000_000)));
        }
    }
}
