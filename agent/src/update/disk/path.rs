//! Paths below the update folder: relative, with `/`, and never out of it.

use std::io;

/// The folder that holds `path`; empty for the update folder itself.
#[must_use]
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Every folder on the way to `path` and `path` itself, from the top: `a`, `a/b`, `a/b/c`.
pub(super) fn steps(path: &str) -> impl Iterator<Item = &str> {
    let ends = path.match_indices('/').map(|(at, _)| at).chain((!path.is_empty()).then_some(path.len()));
    ends.map(|end| &path[..end])
}

/// Refuses a path that is not made of plain names.
pub(super) fn check(path: &str) -> io::Result<()> {
    let plain = |name: &str| !matches!(name, "" | "." | "..") && !name.contains(['\\', '\0']);
    if path.is_empty() || path.split('/').all(plain) {
        return Ok(());
    }
    let reason = format!("{path:?} is not a path below the update folder: use plain names with '/' between");
    Err(io::Error::new(io::ErrorKind::InvalidInput, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_made_of_plain_names_is_refused() {
        for path in ["/etc", "..", "a/../b", "a//b", "a/", "./a", "a\\b", "a\0"] {
            assert_eq!(check(path).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{path:?}");
        }
        for path in ["", "a", "models/x/state.json", "..a", ".hidden"] {
            assert!(check(path).is_ok(), "{path:?}");
        }
    }

    #[test]
    fn steps_go_from_the_top_to_the_path() {
        assert_eq!(steps("a/b/c").collect::<Vec<_>>(), ["a", "a/b", "a/b/c"]);
        assert_eq!(steps("").count(), 0);
        assert_eq!((parent("a/b/c"), parent("a"), parent("")), ("a/b", "", ""));
    }
}
