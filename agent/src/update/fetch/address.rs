//! Where the server is, and the address of a path below it.

use std::fmt::Write as _;

use ureq::http::Uri;

use super::error::{FetchError, Kind};

/// A checked base address without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    base: String,
    tls: bool,
}

impl Address {
    /// Checks `base`: `http://` or `https://`, a host, and nothing after the path.
    pub fn parse(base: &str) -> Result<Self, FetchError> {
        let wrong = |why: &str| {
            FetchError::new(
                Kind::Setup,
                format!("`{base}` is no base address: {why}; write it like \"https://updates.example:8443\""),
            )
        };
        let uri: Uri = base.parse().map_err(|_| wrong("it cannot be read"))?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong("it must begin with http:// or https://")),
        };
        let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
        if uri.host().is_none_or(str::is_empty) {
            return Err(wrong("it names no host"));
        }
        if authority.contains('@') {
            // It would end up in logs; devices sign their reports and need no password.
            return Err(FetchError::new(Kind::Setup, "the base address must not hold a user or password"));
        }
        if uri.query().is_some() || base.contains('#') {
            return Err(wrong("it must end with its path"));
        }
        let scheme = if tls { "https" } else { "http" };
        Ok(Address { base: format!("{scheme}://{authority}{}", uri.path().trim_end_matches('/')), tls })
    }

    /// Whether the server is reached over TLS.
    pub fn tls(&self) -> bool {
        self.tls
    }

    /// The address of `path` below the base.
    pub fn join(&self, path: &str) -> Result<String, FetchError> {
        self.below(path, b"-._~")
    }

    /// The address of `path` below the base, whose names are already encoded.
    pub fn join_encoded(&self, path: &str) -> Result<String, FetchError> {
        self.below(path, b"-._~%")
    }

    /// `plain` are the bytes, besides letters and digits, that stand for themselves.
    fn below(&self, path: &str, plain: &[u8]) -> Result<String, FetchError> {
        let mut url = self.base.clone();
        for segment in path.split('/') {
            if matches!(segment, "" | "." | "..") {
                return Err(FetchError::new(
                    Kind::Setup,
                    format!(
                        "`{path}` leads outside of the repository; it must have plain names between slashes"
                    ),
                ));
            }
            url.push('/');
            for &byte in segment.as_bytes() {
                if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
                    url.push(char::from(byte));
                } else {
                    // Writing to a string cannot fail.
                    let _ = write!(url, "%{byte:02X}");
                }
            }
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_joined_below_the_base() {
        for base in ["http://host:1/updates", "http://host:1/updates/"] {
            let url = Address::parse(base).unwrap().join("metadata/1.root.json").unwrap();
            assert_eq!(url, "http://host:1/updates/metadata/1.root.json");
        }
        let bare = Address::parse("https://host").unwrap();
        assert!(bare.tls());
        assert_eq!(bare.join("a b/c?d").unwrap(), "https://host/a%20b/c%3Fd");
        assert_eq!(bare.join("a%20b").unwrap(), "https://host/a%2520b");
        assert_eq!(bare.join_encoded("1.a%20b?.json").unwrap(), "https://host/1.a%20b%3F.json");
    }

    #[test]
    fn wrong_bases_are_refused_with_what_to_do() {
        for base in ["", "host", "ftp://host", "http://", "/path", "http://host/?q=1", "http://host/#f"] {
            let error = Address::parse(base).unwrap_err();
            assert_eq!(error.kind, Kind::Setup, "{base}");
        }
        let error = Address::parse("http://user:secret@host").unwrap_err();
        assert!(!error.detail.contains("secret"), "{error}");
    }

    proptest! {
        #[test]
        fn row_19_no_path_leaves_the_base(path in "(\\PC|[./%?#]){0,24}") {
            if let Ok(url) = Address::parse("http://host/base").unwrap().join(&path) {
                let uri: Uri = url.parse().unwrap();
                prop_assert!(uri.path().starts_with("/base/") && uri.query().is_none());
                prop_assert!(!uri.path().split('/').any(|segment| segment == ".." || segment == "."));
            }
        }
    }
}
