//! Names that may become paths.

/// Longest part of a path: a file system takes 255 bytes, of which `SHA256.` takes 65.
const MAX_PART: usize = 190;
/// Longest path, so that it fits below any base folder and in any URL.
const MAX_PATH: usize = 1024;

/// Whether `name` is a plain relative path that stays in its folder.
///
/// # Errors
/// Says what in it is not plain.
pub fn clean_path(name: &str) -> Result<(), String> {
    if name.is_empty() || name.len() > MAX_PATH {
        return Err(format!("a name has 1 to {MAX_PATH} bytes, this one {}", name.len()));
    }
    if name.chars().any(|c| c.is_control() || c == '\\') {
        return Err("a name has neither control characters nor backslashes".into());
    }
    for part in name.split('/') {
        if part.is_empty() || part == "." || part == ".." {
            return Err("a name is a relative path without empty parts, `.` and `..`".into());
        }
        if part.len() > MAX_PART {
            return Err(format!("a part of a name has at most {MAX_PART} bytes"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn row_19_tricks_are_refused() {
        for name in [
            "",
            "/etc/passwd",
            "..",
            "models/../../x",
            "a//b",
            "a/",
            "./a",
            "a\\..\\b",
            "a\0b",
            "a\nb",
            "a\u{85}b",
            &"x".repeat(191),
        ] {
            assert!(clean_path(name).is_err(), "{name:?}");
        }
        for name in ["a", "models/detector/detector-1.1.0-r2.tar", "..a/b..", "%2e%2e", "with space?#"] {
            assert!(clean_path(name).is_ok(), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn a_clean_path_stays_below_its_base(name in "[a./\\\\\u{0}]{0,12}") {
            let path = std::path::Path::new("/base").join(&name);
            let stays = path.starts_with("/base")
                && path.components().all(|part| part != std::path::Component::ParentDir);
            prop_assert!(stays || clean_path(&name).is_err());
        }
    }
}
