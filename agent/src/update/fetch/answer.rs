//! What a status and its headers mean.

use std::time::Duration;

use jiff::fmt::rfc2822;
use ureq::http::header::{AsHeaderName, CONTENT_RANGE, DATE, ETAG, LOCATION, RETRY_AFTER};
use ureq::http::{HeaderMap, StatusCode};

use super::error::{FetchError, Kind};

/// A server cannot send a device to sleep for longer.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest entity tag that is kept; servers use some thirty characters.
const LONGEST_ETAG: usize = 256;

/// The error that a status without a usable body stands for.
pub(super) fn failure(url: &str, status: StatusCode, headers: &HeaderMap) -> FetchError {
    let code = status.as_u16();
    let (kind, advice) = match code {
        404 | 410 => (Kind::Gone, "it is not there"),
        408 | 425 | 429 | 500..=599 => {
            (Kind::Retry { after: retry_after(headers) }, "it will be asked again later")
        }
        300..=399 => {
            let to = text(headers, LOCATION).unwrap_or("nowhere");
            let detail = format!(
                "{url}: redirects to {to} ({code}); redirects are not followed, set the base address to where the server is"
            );
            return FetchError::new(Kind::Refused(code), detail);
        }
        401 | 403 => (Kind::Refused(code), "the device is not known or not allowed; enroll it again"),
        400..=499 => (Kind::Refused(code), "check that the base address is that of an update server"),
        _ => (Kind::Retry { after: None }, "no such answer was expected"),
    };
    FetchError::new(kind, format!("{url}: answered {code}; {advice}"))
}

/// `Retry-After` in seconds or as a date, capped. The date counts from the answer's own `Date`, so
/// that a device whose clock is wrong waits no longer and no shorter.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let wanted = text(headers, RETRY_AFTER)?.trim();
    let wait = if !wanted.is_empty() && wanted.bytes().all(|b| b.is_ascii_digit()) {
        // Only too many digits can fail here, and they mean long.
        Duration::from_secs(wanted.parse().unwrap_or(u64::MAX))
    } else {
        let until = rfc2822::parse(wanted).ok()?.timestamp();
        let from = rfc2822::parse(text(headers, DATE)?.trim()).ok()?.timestamp();
        Duration::try_from(until.duration_since(from)).unwrap_or(Duration::ZERO)
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

/// The strong entity tag. A weak one does not promise equal bytes and cannot be resumed with.
pub(super) fn strong_etag(headers: &HeaderMap) -> Option<&str> {
    text(headers, ETAG).filter(|tag| is_strong(tag))
}

/// Whether `tag` is a strong entity tag of sane length.
pub(super) fn is_strong(tag: &str) -> bool {
    let inner = tag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    tag.len() <= LONGEST_ETAG
        && inner.is_some_and(|inner| inner.bytes().all(|b| b.is_ascii_graphic() && b != b'"'))
}

/// First byte and, where given, total length out of `Content-Range: bytes 7-9/10`.
pub(super) fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let (range, total) = text(headers, CONTENT_RANGE)?.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let total = if total == "*" { None } else { Some(total.parse().ok()?) };
    (first <= last).then_some((first, total))
}

fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ureq::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn row_24_retry_after_is_read_in_both_forms_and_capped() {
        let secs = |text: &str| retry_after(&headers(&[(RETRY_AFTER, text)]));
        assert_eq!(secs("120"), Some(Duration::from_secs(120)));
        assert_eq!(secs("0"), Some(Duration::ZERO));
        assert_eq!(secs("99999999999999999999999"), Some(LONGEST_RETRY_AFTER));
        assert_eq!(secs("-5"), None);
        assert_eq!(secs("soon"), None);
        assert_eq!(secs(""), None);
        let date = |date: &str, until: &str| retry_after(&headers(&[(DATE, date), (RETRY_AFTER, until)]));
        let now = "Sat, 21 Nov 2026 10:00:00 GMT";
        assert_eq!(date(now, "Sat, 21 Nov 2026 10:01:30 GMT"), Some(Duration::from_secs(90)));
        assert_eq!(date(now, "Sat, 21 Nov 2026 09:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(date(now, "Mon, 21 Dec 2026 10:00:00 GMT"), Some(LONGEST_RETRY_AFTER));
        assert_eq!(secs("Sat, 21 Nov 2026 10:01:30 GMT"), None);
    }

    #[test]
    fn only_strong_tags_can_be_resumed_with() {
        assert!(is_strong("\"abc\""));
        for tag in
            ["W/\"abc\"", "abc", "\"abc", "\"", "\"a\"b\"", "\"a b\"", &format!("\"{}\"", "a".repeat(300))]
        {
            assert!(!is_strong(tag), "{tag}");
        }
    }

    #[test]
    fn ranges_are_read() {
        let range = |text: &str| content_range(&headers(&[(CONTENT_RANGE, text)]));
        assert_eq!(range("bytes 7-9/10"), Some((7, Some(10))));
        assert_eq!(range("bytes 7-9/*"), Some((7, None)));
        for text in ["bytes */10", "7-9/10", "bytes 9-7/10", "bytes 7-9", "bytes a-b/c"] {
            assert_eq!(range(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(code in 100_u16..1000, a in "[ -~]{0,60}", b in "[ -~]{0,60}") {
            let map = headers(&[(RETRY_AFTER, &a), (DATE, &b), (ETAG, &a), (CONTENT_RANGE, &b), (LOCATION, &a)]);
            let error = failure("http://host/x", StatusCode::from_u16(code).unwrap(), &map);
            prop_assert!(error.kind.retry_after().is_none_or(|after| after <= LONGEST_RETRY_AFTER));
            let _ = (strong_etag(&map), content_range(&map));
        }
    }
}
