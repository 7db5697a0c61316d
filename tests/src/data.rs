//! Recordings that are not part of the repository.

use std::path::{Path, PathBuf};

/// The folder of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The path of a recording under `LINESIDE_DATA` (default `../shared/data`, beside the workspace).
/// Says aloud that a test is skipped, and returns `None`, where it is missing.
pub fn file(name: &str) -> Option<PathBuf> {
    let folder = match std::env::var_os("LINESIDE_DATA") {
        Some(folder) => workspace().join(folder),
        None => workspace().join("../shared/data"),
    };
    let path = folder.join(name);
    if !path.exists() {
        crate::skipped(&format!("{} (LINESIDE_DATA names the folder of the recordings)", path.display()));
        return None;
    }
    Some(path)
}
