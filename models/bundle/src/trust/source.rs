//! Where a repository is read from.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A repository's files, read on the calling thread.
pub trait Source: Send + Sync {
    /// A file of `BASE/metadata/`, of at most `limit` bytes; `None` when there is no such file. The
    /// name is one part, already encoded for a URL.
    ///
    /// # Errors
    /// When it cannot be read or is longer.
    fn metadata(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError>;

    /// A small file of `BASE/targets/`, of at most `limit` bytes; `None` when there is no such file.
    /// The path is `DIR/SHA256.FILE`, not encoded.
    ///
    /// # Errors
    /// When it cannot be read or is longer.
    fn target(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError>;
}

impl<S: Source + ?Sized> Source for Arc<S> {
    fn metadata(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
        (**self).metadata(name, limit)
    }

    fn target(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
        (**self).target(path, limit)
    }
}

/// Why a file could not be read from a repository.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SourceError {
    /// What happened, for people.
    pub reason: String,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
    /// Whether there was more of it than was allowed.
    pub too_large: bool,
}

impl SourceError {
    /// The repository does not answer.
    #[must_use]
    pub fn unreachable(reason: impl Into<String>) -> Self {
        SourceError { reason: reason.into(), retry_after: None, too_large: false }
    }

    /// There is more than `limit` bytes of it.
    #[must_use]
    pub fn too_large(limit: u64) -> Self {
        SourceError { reason: format!("longer than {limit} bytes"), retry_after: None, too_large: true }
    }

    /// The same, and the server asks to be left alone for that long.
    #[must_use]
    pub fn with_retry_after(self, retry_after: Option<Duration>) -> Self {
        SourceError { retry_after, ..self }
    }
}

/// All of `reader`, of which at most one byte more than `limit` is taken.
///
/// # Errors
/// When it cannot be read or is longer.
pub fn read_limited(reader: impl Read, limit: u64) -> Result<Vec<u8>, SourceError> {
    let mut bytes = Vec::new();
    let mut limited = reader.take(limit.saturating_add(1));
    limited.read_to_end(&mut bytes).map_err(|e| SourceError::unreachable(e.to_string()))?;
    if bytes.len() as u64 > limit {
        return Err(SourceError::too_large(limit));
    }
    Ok(bytes)
}

/// A repository in a folder, such as a USB stick: `BASE/metadata/…` and `BASE/targets/…`.
#[derive(Clone, Debug)]
pub struct FolderSource {
    base: PathBuf,
}

impl FolderSource {
    /// The repository in `base`.
    #[must_use]
    pub fn new(base: impl Into<PathBuf>) -> Self {
        FolderSource { base: base.into() }
    }

    /// Where a target lies, for whoever streams a large one.
    #[must_use]
    pub fn target_path(&self, path: &str) -> PathBuf {
        self.base.join("targets").join(path)
    }

    fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
        let failed = |e: std::io::Error| SourceError::unreachable(format!("{}: {e}", path.display()));
        match std::fs::metadata(path) {
            // A pipe or a device would never end, or never begin.
            Ok(found) if !found.is_file() => Err(failed(std::io::Error::other("not a file"))),
            Ok(_) => read_limited(File::open(path).map_err(failed)?, limit).map(Some),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(failed(e)),
        }
    }
}

impl Source for FolderSource {
    fn metadata(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
        Self::read(&self.base.join("metadata").join(name), limit)
    }

    fn target(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
        Self::read(&self.target_path(path), limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Never ends, and counts what was taken of it.
    struct Endless(u64);

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            buffer.fill(b' ');
            self.0 += buffer.len() as u64;
            Ok(buffer.len())
        }
    }

    #[test]
    fn row_03_an_endless_file_is_left_one_byte_after_its_limit() {
        let mut endless = Endless(0);
        let error = read_limited(&mut endless, 1000).unwrap_err();
        assert!(error.too_large);
        assert_eq!(endless.0, 1001);
    }

    #[test]
    fn a_folder_is_read_like_a_server() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("metadata/pipe.json")).unwrap();
        std::fs::write(folder.path().join("metadata/timestamp.json"), "{}").unwrap();
        let source = FolderSource::new(folder.path());
        assert_eq!(source.metadata("timestamp.json", 2), Ok(Some(b"{}".to_vec())));
        assert!(source.metadata("timestamp.json", 1).unwrap_err().too_large);
        assert_eq!(source.metadata("2.root.json", 10), Ok(None));
        assert!(source.metadata("pipe.json", 10).is_err());
        assert_eq!(source.target("models/x/1.x", 10), Ok(None));
    }
}
