//! Trusted metadata in a folder, under the names that the suite looks for.

use std::io;
use std::path::PathBuf;

use lineside_bundle::trust::Store;

/// Keeps metadata in a folder. Not durable: the suite pulls no plugs.
pub struct FolderStore {
    folder: PathBuf,
}

impl FolderStore {
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        FolderStore { folder: folder.into() }
    }
}

impl Store for FolderStore {
    fn load(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match std::fs::read(self.folder.join(name)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        }
    }

    fn store(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(&self.folder))?;
        std::fs::write(path, bytes)
    }
}
