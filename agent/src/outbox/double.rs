//! A disk in memory that fails on command, for tests.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use super::disk::Disk;
use super::key::KeyBytes;
use super::ledger::{Census, Ledger};
use super::mark::{Mark, Reading};
use super::space::Space;
use super::store::{Entry, Store, StoreError};

/// What is on the disk; it outlives the stores that are opened on it.
#[derive(Debug)]
pub struct Content {
    pub entries: BTreeMap<KeyBytes, Vec<u8>>,
    pub state: Option<Vec<u8>>,
    pub mark: Option<Mark>,
    /// What every call of the store answers until it is opened again.
    pub failure: Option<StoreError>,
    /// What opening answers.
    pub open_failure: Option<StoreError>,
    /// Whether the next write arrives although it answers with an error.
    pub write_arrives: bool,
    /// Frees this much trouble when released.
    pub ballast: bool,
    pub space: Space,
    pub footprint: u64,
    pub opened: u32,
    pub set_aside: u32,
}

/// A handle of the disk.
#[derive(Clone, Debug)]
pub struct Double(Arc<Mutex<Content>>);

impl Double {
    pub fn new() -> Self {
        Double(Arc::new(Mutex::new(Content {
            entries: BTreeMap::new(),
            state: None,
            mark: None,
            failure: None,
            open_failure: None,
            write_arrives: false,
            ballast: true,
            space: Space { bytes: u64::MAX, inodes: None },
            footprint: 0,
            opened: 0,
            set_aside: 0,
        })))
    }

    pub fn lock(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap()
    }

    fn check(&self) -> Result<MutexGuard<'_, Content>, StoreError> {
        let content = self.lock();
        match &content.failure {
            Some(failure) => Err(failure.clone()),
            None => Ok(content),
        }
    }
}

impl Store for Double {
    fn put(&mut self, entries: &[Entry], state: &[u8]) -> Result<(), StoreError> {
        let mut content = self.lock();
        if content.failure.is_none() || content.write_arrives {
            content.entries.extend(entries.iter().cloned());
            content.state = Some(state.to_vec());
            content.write_arrives = false;
        }
        content.failure.clone().map_or(Ok(()), Err)
    }

    fn remove(&mut self, keys: &[KeyBytes], state: &[u8]) -> Result<(), StoreError> {
        let mut content = self.check()?;
        for key in keys {
            content.entries.remove(key);
        }
        content.state = Some(state.to_vec());
        Ok(())
    }

    fn get(&self, key: &KeyBytes) -> Result<Option<Vec<u8>>, StoreError> {
        // A write may be what discovers a failure, so reading does not.
        Ok(self.lock().entries.get(key).cloned())
    }

    fn scan(&self, after: Option<&KeyBytes>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let content = self.check()?;
        let beyond = content.entries.iter().filter(|(key, _)| after.is_none_or(|after| *key > after));
        Ok(beyond.take(limit).map(|(key, value)| (*key, value.clone())).collect())
    }

    fn state(&self) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.check()?.state.clone())
    }

    fn footprint(&self) -> Result<u64, StoreError> {
        Ok(self.check()?.footprint)
    }
}

impl Disk for Double {
    type Store = Double;

    fn open(&mut self) -> Result<(Ledger<Double>, Census), StoreError> {
        {
            let mut content = self.lock();
            content.opened += 1;
            if let Some(failure) = &content.open_failure {
                return Err(failure.clone());
            }
            content.failure = None;
        }
        Ledger::open(self.clone())
    }

    fn repair(&mut self) -> io::Result<bool> {
        Ok(false)
    }

    fn set_aside(&mut self) -> io::Result<PathBuf> {
        let mut content = self.lock();
        content.entries.clear();
        content.state = None;
        content.open_failure = None;
        content.set_aside += 1;
        Ok(PathBuf::from("damaged"))
    }

    fn discard(&mut self) -> io::Result<()> {
        let mut content = self.lock();
        content.entries.clear();
        content.state = None;
        content.footprint = 0;
        Ok(())
    }

    fn release_ballast(&mut self) -> bool {
        let mut content = self.lock();
        let released = std::mem::take(&mut content.ballast);
        if released {
            content.open_failure = None;
        }
        released
    }

    fn restore_ballast(&mut self, _min_free: u64) {}

    fn read_mark(&mut self) -> io::Result<Reading> {
        Ok(self.lock().mark.map_or(Reading::Missing, Reading::Sound))
    }

    fn write_mark(&mut self, mark: Mark) -> io::Result<()> {
        self.lock().mark = Some(mark);
        Ok(())
    }

    fn space(&self) -> io::Result<Space> {
        Ok(self.lock().space)
    }
}
