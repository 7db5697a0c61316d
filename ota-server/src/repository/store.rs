//! Files put in place whole and durably, one after another.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::RepositoryError;

/// The folder of metadata.
pub(super) const METADATA: &str = "metadata";
/// The folder of target files.
pub(super) const TARGETS: &str = "targets";
/// Held by whoever writes.
const LOCK: &str = ".lock";

/// One file to put in place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    /// Its path within the repository.
    pub path: PathBuf,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl Step {
    pub(super) fn metadata(name: &str, bytes: Vec<u8>) -> Self {
        Step { path: Path::new(METADATA).join(name), bytes }
    }

    pub(super) fn target(path: &str, sha256: &str, bytes: Vec<u8>) -> Self {
        Step { path: target_path(path, sha256), bytes }
    }

    /// Puts the file in place: after `Ok` it is there whatever happens, after a crash it is there
    /// whole or not at all.
    pub(super) fn run(&self, folder: &Path) -> Result<(), RepositoryError> {
        let path = folder.join(&self.path);
        replace(&path, &self.bytes).map_err(|cause| RepositoryError::File { file: path, cause })
    }

    /// Whether the very same file is in place.
    pub(super) fn is_done(&self, folder: &Path) -> bool {
        fs::read(folder.join(&self.path)).is_ok_and(|bytes| bytes == self.bytes)
    }
}

/// Where the target called `path` lies: its digest goes before the file's name.
pub(super) fn target_path(path: &str, sha256: &str) -> PathBuf {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    Path::new(TARGETS).join(folder).join(format!("{sha256}.{name}"))
}

pub(super) fn read(file: &Path) -> Result<Vec<u8>, RepositoryError> {
    fs::read(file).map_err(|cause| RepositoryError::File { file: file.to_owned(), cause })
}

/// Holds off every other writer until it is dropped.
pub(super) fn lock(folder: &Path) -> Result<File, RepositoryError> {
    let failed = |cause| RepositoryError::File { file: folder.join(LOCK), cause };
    fs::create_dir_all(folder).map_err(failed)?;
    let file = File::create(folder.join(LOCK)).map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(file)
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that renames, with its syncs")]
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    };
    create_folder(folder)?;
    // The writer is alone: what lies under this name is left of a crash.
    let beside = folder.join(format!(".{}.new", name.to_string_lossy()));
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&beside, path)?;
    File::open(folder)?.sync_all()
}

/// Makes the folder and those above it; each new entry is durable.
fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_folder(above)?;
    match fs::create_dir(folder) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
        _ => File::open(above)?.sync_all(),
    }
}
