//! The `lineside` binary as the tests' own profile builds it.

use std::path::PathBuf;
use std::sync::OnceLock;

/// Where it is; built first where it is missing or older than its sources.
///
/// # Panics
/// When it cannot be built.
pub fn path() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        escargot::CargoBuild::new()
            // The whole workspace's features, as `cargo test --workspace` has them: with the
            // package's own alone its dependencies would be built a second time.
            .arg("--workspace")
            .bin("lineside")
            .current_release()
            .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
            .run()
            .expect("the agent builds, as this test did")
            .path()
            .to_owned()
    })
    .clone()
}
