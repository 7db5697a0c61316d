//! Conditional and partial requests of RFC 9110: pure, so that every case is a test.

use axum::http::{HeaderMap, HeaderValue, header};

/// Whether the client's copy, named by `If-None-Match`, is still the one with `etag`.
pub fn not_modified(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let Some(given) = headers.get(header::IF_NONE_MATCH) else { return false };
    if given == etag {
        return true;
    }
    let (Ok(given), Ok(etag)) = (given.to_str(), etag.to_str()) else { return false };
    // The weak comparison: a cache on the way may have weakened the tag.
    given.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// What of the file is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// These bytes, which it has.
    Bytes(std::ops::Range<u64>),
    /// Bytes that it does not have.
    OutOfRange,
}

/// Reads `Range` and `If-Range`. Whatever is not a single range of bytes is ignored, as the RFC
/// allows, and so is the range when the file is not the one that the client has the start of.
pub fn part(headers: &HeaderMap, etag: &HeaderValue, size: u64) -> Part {
    let Some(range) = headers.get(header::RANGE) else { return Part::Whole };
    // A strong comparison. A date never matches: our answers carry none to give back.
    if headers.get(header::IF_RANGE).is_some_and(|given| given != etag) {
        return Part::Whole;
    }
    range.to_str().ok().and_then(|range| single(range, size)).unwrap_or(Part::Whole)
}

fn single(range: &str, size: u64) -> Option<Part> {
    let (first, last) = range.strip_prefix("bytes=")?.trim().split_once('-')?;
    if first.is_empty() {
        let suffix = digits(last)?.min(size);
        return Some(if suffix == 0 { Part::OutOfRange } else { Part::Bytes(size - suffix..size) });
    }
    let first = digits(first)?;
    let end = if last.is_empty() { size } else { digits(last)?.saturating_add(1) };
    if end <= first && !last.is_empty() {
        return None;
    }
    Some(if first >= size { Part::OutOfRange } else { Part::Bytes(first..end.min(size)) })
}

/// Only digits: `parse` alone would take a sign.
fn digits(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // A number past 2^64 is past every file.
    Some(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TAG: HeaderValue = HeaderValue::from_static("\"a1\"");

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (k.clone(), HeaderValue::from_str(v).unwrap())).collect()
    }

    fn range(text: &str) -> Part {
        part(&headers(&[(header::RANGE, text)]), &TAG, 100)
    }

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        assert_eq!(range("bytes=0-9"), Part::Bytes(0..10));
        assert_eq!(range("bytes=90-"), Part::Bytes(90..100));
        assert_eq!(range("bytes=90-1000"), Part::Bytes(90..100));
        assert_eq!(range("bytes=-10"), Part::Bytes(90..100));
        assert_eq!(range("bytes=-1000"), Part::Bytes(0..100));
        assert_eq!(range("bytes=99-99999999999999999999999"), Part::Bytes(99..100));
        assert_eq!(range("bytes=100-"), Part::OutOfRange);
        assert_eq!(range("bytes=-0"), Part::OutOfRange);
    }

    #[test]
    fn what_is_not_a_single_range_is_ignored() {
        for text in
            ["bytes=9-0", "bytes=0-1,3-4", "lines=0-9", "bytes=", "bytes=+1-2", "bytes=a-b", "bytes=-"]
        {
            assert_eq!(range(text), Part::Whole, "{text}");
        }
    }

    #[test]
    fn an_if_range_that_is_not_the_same_strong_tag_gives_the_whole() {
        for other in ["\"b2\"", "W/\"a1\"", "Sat, 21 Nov 2026 10:00:00 GMT"] {
            let asked = headers(&[(header::RANGE, "bytes=5-"), (header::IF_RANGE, other)]);
            assert_eq!(part(&asked, &TAG, 100), Part::Whole, "{other}");
        }
        let same = headers(&[(header::RANGE, "bytes=5-"), (header::IF_RANGE, "\"a1\"")]);
        assert_eq!(part(&same, &TAG, 100), Part::Bytes(5..100));
    }

    #[test]
    fn a_tag_is_found_in_a_list_and_behind_a_weak_mark() {
        for text in ["\"a1\"", "W/\"a1\"", "\"x\", \"a1\"", "*"] {
            assert!(not_modified(&headers(&[(header::IF_NONE_MATCH, text)]), &TAG), "{text}");
        }
        assert!(!not_modified(&headers(&[(header::IF_NONE_MATCH, "\"a\"")]), &TAG));
        assert!(!not_modified(&HeaderMap::new(), &TAG));
    }

    proptest! {
        #[test]
        fn no_header_leads_outside_the_file(text in "bytes=[0-9]{0,22}-[0-9]{0,22}", size in any::<u64>()) {
            if let Part::Bytes(range) = part(&headers(&[(header::RANGE, &text)]), &TAG, size) {
                prop_assert!(range.start < range.end && range.end <= size);
            }
        }
    }
}
