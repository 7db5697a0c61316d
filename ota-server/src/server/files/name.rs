//! Which paths are files of the repository, and how long their answers hold.

use axum::http::HeaderValue;

/// A path that may be asked for: `metadata/FILE` or `targets/DIR/…/FILE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a>(&'a str);

/// A name that will never mean other bytes: kept for a year, the longest that caches honour.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// A name whose bytes change: kept, but asked for again with its ETag each time.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
/// Hex digits of a SHA-256.
const DIGEST: usize = 64;

impl<'a> Name<'a> {
    /// Takes the path of a request, as it was sent. Nothing is decoded: a name that would need
    /// escapes is in no repository of ours, so `%2e%2e` is a file that does not exist.
    pub fn parse(path: &'a str) -> Option<Name<'a>> {
        let path = path.strip_prefix('/')?;
        let mut segments = path.split('/');
        let known = match segments.next()? {
            "metadata" => segments.clone().count() == 1,
            "targets" => segments.clone().count() >= 1,
            _ => false,
        };
        (known && segments.all(plain)).then_some(Name(path))
    }

    /// The path in the repository.
    pub fn path(self) -> &'a str {
        self.0
    }

    /// The file's own name, when it is metadata.
    pub fn metadata(self) -> Option<&'a str> {
        self.0.strip_prefix("metadata/")
    }

    fn file(self) -> &'a str {
        self.0.rsplit_once('/').map_or(self.0, |(_, file)| file)
    }

    /// The digest that a target carries in its name.
    pub fn digest(self) -> Option<&'a str> {
        let (digest, _) = self.file().split_once('.')?;
        let hex = digest.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        (self.metadata().is_none() && digest.len() == DIGEST && hex).then_some(digest)
    }

    /// How long it may be kept.
    pub fn cache_control(self) -> HeaderValue {
        let versioned = self.metadata().is_some_and(|file| {
            file.split_once('.').is_some_and(|(n, _)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
        });
        if versioned || self.digest().is_some() { FOREVER } else { ASK_AGAIN }
    }

    /// What it is.
    pub fn content_type(self) -> HeaderValue {
        let kind = if self.0.ends_with(".json") { "application/json" } else { "application/octet-stream" };
        HeaderValue::from_static(kind)
    }
}

/// A leading dot would be a temporary or hidden file, or a way up.
fn plain(segment: &str) -> bool {
    !segment.is_empty()
        && !segment.starts_with('.')
        && segment.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'+' | b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_repository_are_taken() {
        for path in ["/metadata/timestamp.json", "/metadata/1.root.json", "/targets/models/detector/ab.tar"] {
            assert_eq!(Name::parse(path).unwrap().path(), &path[1..]);
        }
    }

    #[test]
    fn no_path_leads_out_of_the_repository() {
        for path in [
            "/metadata/../keys/online.key",
            "/targets/../../etc/passwd",
            "/targets/%2e%2e/keys",
            "/metadata/..%2fkeys",
            "/metadata/.timestamp.json.new",
            "/metadata//timestamp.json",
            "/metadata/sub/timestamp.json",
            "/metadata/",
            "/metadata",
            "/targets",
            "/targets/a\\b",
            "/targets/a\0b",
            "/keys/online.key",
            "metadata/timestamp.json",
            "//etc/passwd",
        ] {
            assert_eq!(Name::parse(path), None, "{path:?}");
        }
    }

    #[test]
    fn only_what_never_changes_is_immutable() {
        let digest = "0".repeat(DIGEST);
        let target = format!("/targets/models/detector/{digest}.detector-1.1.0-r2.tar");
        for path in ["/metadata/7.snapshot.json", "/metadata/12.models-detector.json", &target] {
            assert_eq!(Name::parse(path).unwrap().cache_control(), FOREVER, "{path}");
        }
        for path in ["/metadata/timestamp.json", "/metadata/lease.json", "/targets/models/detector.tar"] {
            assert_eq!(Name::parse(path).unwrap().cache_control(), ASK_AGAIN, "{path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_taken_stays_below_metadata_or_targets(path in "(/metadata|/targets)?[ -~/.%]{0,40}") {
            if let Some(name) = Name::parse(&path) {
                let mut segments = name.path().split('/');
                proptest::prop_assert!(matches!(segments.next(), Some("metadata" | "targets")));
                proptest::prop_assert!(segments.all(|s| !s.is_empty() && !s.starts_with('.') && !s.contains('%')));
            }
        }
    }
}
