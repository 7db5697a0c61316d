//! The public conformance suite of The Update Framework, run against the agent's own verification.
//!
//! Needs `TUF_CONFORMANCE`, the path of a checkout of theupdateframework/tuf-conformance, and Debian's
//! `faketime`; see `tests/README.md`. The suite's code is never part of this repository.

use std::path::{Path, PathBuf};
use std::process::Command;

use system_tests::{data, skipped};

/// The suite had 113 tests when this was written; a run with far fewer ran something else.
const MOST_OF_IT: usize = 100;

#[test]
fn the_public_conformance_suite_passes_but_for_what_is_listed() {
    let Some(checkout) = std::env::var_os("TUF_CONFORMANCE").map(PathBuf::from) else {
        skipped("TUF_CONFORMANCE, a checkout of theupdateframework/tuf-conformance");
        return;
    };
    assert!(
        checkout.join("tuf_conformance").is_dir(),
        "TUF_CONFORMANCE is no checkout: {}",
        checkout.display()
    );

    // The suite looks for the list beside the client.
    let folder = tempfile::tempdir().unwrap();
    let client = folder.path().join("tuf-client");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_tuf-client"), &client).unwrap();
    let expected = data::workspace().join("tests/tuf-client.xfails");
    std::fs::copy(expected, folder.path().join("tuf-client.xfails")).unwrap();

    let output = Command::new(python(&checkout))
        .args(["-m", "pytest", "tuf_conformance", "-q", "-p", "no:cacheprovider", "--entrypoint"])
        .arg(&client)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(&checkout)
        .output()
        .expect("python3 runs the suite");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let passed = passed(&said).unwrap_or_else(|| panic!("no summary: {said}"));
    assert!(passed >= MOST_OF_IT, "only {passed} tests passed: {said}");
}

/// The interpreter that `make dev` sets up in the checkout, else the system's.
fn python(checkout: &Path) -> PathBuf {
    let own = checkout.join("env/bin/python");
    if own.exists() { own } else { "python3".into() }
}

/// How many tests passed, from the last line: `112 passed, 1 xfailed in 17.03s`.
fn passed(said: &str) -> Option<usize> {
    let words: Vec<&str> = said.lines().last()?.split_whitespace().collect();
    let at = words.iter().position(|word| word.trim_end_matches(',') == "passed")?;
    words.get(at.checked_sub(1)?)?.parse().ok()
}
