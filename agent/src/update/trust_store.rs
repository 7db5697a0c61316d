//! Verified metadata on the disk: the floor under every later version, so each write lasts.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use lineside_bundle::trust::Store;

use super::disk::{self, Disk, parent};

/// Folder within the update folder.
const TRUST: &str = "trust";

/// The store of the agent.
pub struct TrustStore {
    disk: Arc<dyn Disk>,
    /// The names whose content is known to last. What is only read back may still be in the cache, from
    /// a process that was killed or a sync that failed.
    lasting: Mutex<BTreeSet<String>>,
}

impl TrustStore {
    /// On the update folder's disk.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>) -> Self {
        TrustStore { disk, lasting: Mutex::default() }
    }
}

impl Store for TrustStore {
    fn load(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match self.disk.read(&format!("{TRUST}/{name}")) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn store(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = format!("{TRUST}/{name}");
        let mut lasting = self.lasting.lock().unwrap_or_else(PoisonError::into_inner);
        // A poll that finds nothing new must not wear out the card.
        let kept = self.disk.read(&path).is_ok_and(|kept| kept == bytes);
        if kept && lasting.contains(name) {
            return Ok(());
        }
        lasting.remove(name);
        self.disk.create_folder(parent(&path))?;
        if kept {
            // A file of this name was synced before it got the name; whether the name was is not known.
            self.disk.sync_folder(parent(&path))?;
        } else {
            disk::replace(self.disk.as_ref(), &path, bytes)?;
        }
        lasting.insert(name.to_owned());
        Ok(())
    }
}
