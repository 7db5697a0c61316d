//! The binaries as the tests' own build made them.

use std::path::PathBuf;

/// The agent.
#[must_use]
pub fn path() -> PathBuf {
    built("agent-under-test")
}

/// The OTA server.
#[must_use]
pub fn ota() -> PathBuf {
    built("ota-under-test")
}

/// The runner of language models.
#[must_use]
pub fn slm() -> PathBuf {
    built("slm-run")
}

/// A binary of this package: cargo builds them with its tests and lays them one folder up.
///
/// # Panics
/// When it is not there.
fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    let path = test.parent().and_then(|folder| folder.parent()).expect("target/…/deps").join(name);
    assert!(path.exists(), "{}: run the tests with `cargo test --workspace`", path.display());
    path
}
