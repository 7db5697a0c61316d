//! The update folder on the device's own file system.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use lineside_bundle::Sha256Hex;
use sha2::{Digest, Sha256};

use super::Disk;
use super::path::{check, parent, steps};

/// Read at a time for a digest: large enough that the calls do not count, small on any board.
const CHUNK: usize = 64 * 1024;

/// A [`Disk`] in a folder of the operating system. Whoever can put a symbolic link into that folder
/// can write as the agent anyway, so links are not looked for.
#[derive(Debug, Clone)]
pub struct RealDisk {
    root: PathBuf,
}

impl RealDisk {
    /// The disk in the folder `root`, which [`Disk::create_folder`] creates when it is missing.
    #[must_use]
    pub fn new(root: PathBuf) -> RealDisk {
        RealDisk { root }
    }

    fn at(&self, path: &str) -> io::Result<PathBuf> {
        check(path)?;
        // Joined with the empty path, the root would gain a slash at its end.
        Ok(if path.is_empty() { self.root.clone() } else { self.root.join(path) })
    }

    fn open_file(&self, path: &str) -> io::Result<File> {
        let file = File::open(self.at(path)?)?;
        if file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(file)
    }
}

impl Disk for RealDisk {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open_file(path)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn exists(&self, path: &str) -> bool {
        self.at(path).is_ok_and(|path| path.exists())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.at(folder)?) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry?.file_name().into_string().map_err(|name| {
                let reason = format!("{folder:?} holds {name:?}, which is not UTF-8: remove it");
                io::Error::new(io::ErrorKind::InvalidData, reason)
            })?;
            names.push(name);
        }
        names.sort();
        Ok(names)
    }

    fn create_folder(&self, path: &str) -> io::Result<()> {
        check(path)?;
        create_with_parents(&self.root)?;
        for step in steps(path) {
            create_one(&self.at(step)?)?;
            // Also when it was there: it may have been created just before a crash, and not synced.
            self.sync_folder(parent(step))?;
        }
        Ok(())
    }

    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        fs::write(self.at(path)?, bytes)
    }

    fn sync(&self, path: &str) -> io::Result<()> {
        self.open_file(path)?.sync_all()
    }

    fn sync_folder(&self, path: &str) -> io::Result<()> {
        sync_folder(&self.at(path)?)
    }

    #[expect(clippy::disallowed_methods, reason = "the caller syncs: that is what the trait says")]
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (self.at(from)?, self.at(to)?);
        if fs::metadata(&from)?.is_dir() || to.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        fs::rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        match fs::remove_file(self.at(path)?) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    fn real_path(&self, path: &str) -> Option<PathBuf> {
        self.at(path).ok()
    }

    fn digest(&self, path: &str) -> io::Result<Sha256Hex> {
        let mut file = self.open_file(path)?;
        let mut hasher = Sha256::new();
        let mut chunk = vec![0; CHUNK];
        loop {
            match file.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => hasher.update(&chunk[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Sha256Hex::try_from(hex::encode(hasher.finalize())).map_err(io::Error::other)
    }

    fn length(&self, path: &str) -> io::Result<u64> {
        Ok(self.open_file(path)?.metadata()?.len())
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = File::open(folder)?;
    if !folder.metadata()?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    folder.sync_all()
}

/// Creates a folder unless it is there.
fn create_one(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(io::ErrorKind::NotADirectory.into())
        }
        created => created,
    }
}

/// The update folder itself, with what is missing above it.
fn create_with_parents(root: &Path) -> io::Result<()> {
    if root.is_dir() {
        return Ok(());
    }
    let above = match root.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    };
    create_with_parents(above)?;
    create_one(root)?;
    sync_folder(above)
}

#[cfg(test)]
mod tests {
    use super::super::replace;
    use super::*;

    #[test]
    fn a_path_that_leads_out_is_refused_by_every_operation() {
        let folder = tempfile::tempdir().unwrap();
        let disk = RealDisk::new(folder.path().join("update"));
        disk.create_folder("models").unwrap();
        let out = "models/../../escaped";
        let refused = [
            disk.read(out).map(drop),
            disk.list(out).map(drop),
            disk.create_folder(out),
            disk.write(out, b"x"),
            disk.sync(out),
            disk.sync_folder(out),
            disk.rename("models", out),
            disk.rename(out, "models"),
            disk.remove(out),
            disk.digest(out).map(drop),
            disk.length(out).map(drop),
        ];
        for result in refused {
            assert_eq!(result.unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
        assert!(!disk.exists(".."));
        assert_eq!(disk.real_path("/etc/passwd"), None);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_digest_over_many_chunks_is_that_of_the_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let disk = RealDisk::new(folder.path().to_owned());
        let bytes: Vec<u8> = (0..3 * CHUNK + 7).map(|at| at.to_le_bytes()[0]).collect();
        disk.write("slot", &bytes).unwrap();
        assert_eq!(disk.digest("slot").unwrap(), Sha256Hex::of(&bytes));
        assert_eq!(disk.length("slot").unwrap(), bytes.len() as u64);
    }

    #[test]
    fn the_update_folder_and_all_above_it_are_created() {
        let folder = tempfile::tempdir().unwrap();
        let disk = RealDisk::new(folder.path().join("var/lib/update"));
        disk.create_folder("models/detector").unwrap();
        replace(&disk, "models/detector/state.json", b"old").unwrap();
        replace(&disk, "models/detector/state.json", b"new").unwrap();
        assert_eq!(disk.read("models/detector/state.json").unwrap(), b"new");
        assert_eq!(disk.list("models/detector").unwrap(), ["state.json"]);
        assert_eq!(disk.real_path("models"), Some(folder.path().join("var/lib/update/models")));
    }
}
