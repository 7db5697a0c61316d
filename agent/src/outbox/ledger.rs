//! The bookkeeping over a store: what is stored, what leaves next, what is given up.
//!
//! Everything here is a pure function of its calls and the store; threads and time stay outside.

use std::time::Duration;

use super::counters::{Eviction, Loss, Tally};
use super::key::{KEY_BYTES, KeyBytes};
use super::record::{Priority, Record, RecordKey};
use super::state::State;
use super::store::{Entry, Store, StoreError};
use super::value;
use crate::time::Timestamp;

/// Entries read from the store at once: bounds the memory of a scan.
const PAGE: usize = 64;

/// A record handed over before this moment (2024-01-01) was stamped by a clock that had not been
/// set yet. Its age is unknown, so it is never evicted for it.
const CLOCK_WAS_SET: Timestamp = Timestamp::from_millis(1_704_067_200_000);

/// A stored record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub key: RecordKey,
    /// The record.
    pub record: Record,
    /// When it was handed over.
    pub accepted: Timestamp,
}

/// How far a reader has come, by priority, so that a new incident overtakes a backlog of
/// telemetry that is already being read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursors {
    incident: Option<RecordKey>,
    telemetry: Option<RecordKey>,
}

impl Cursors {
    /// Behind `key` in the order of keys: past every incident once `key` is telemetry.
    #[must_use]
    pub fn after(key: RecordKey) -> Self {
        let mut cursors = Cursors::default();
        if key.priority == Priority::Telemetry {
            cursors.pass(RecordKey { priority: Priority::Incident, boot: u32::MAX, seq: u64::MAX });
        }
        cursors.pass(key);
        cursors
    }

    /// Moves behind `key`.
    pub fn pass(&mut self, key: RecordKey) {
        match key.priority {
            Priority::Incident => self.incident = Some(key),
            Priority::Telemetry => self.telemetry = Some(key),
        }
    }

    fn of(&self, priority: Priority) -> RecordKey {
        match priority {
            Priority::Incident => self.incident,
            Priority::Telemetry => self.telemetry,
        }
        .unwrap_or(RecordKey::before_all(priority))
    }
}

/// How much may be stored.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of keys and values.
    pub max_bytes: u64,
    /// Age since the record was handed over.
    pub max_age: Duration,
}

/// What reading a whole store found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// What the store says about itself; `None` when fresh or damaged.
    pub state: Option<State>,
    /// Sound records.
    pub records: u64,
    /// Records with damaged bytes; they are removed.
    pub bad: u64,
    /// Bytes of sound records.
    pub bytes: u64,
}

/// The bookkeeping over a store.
pub struct Ledger<S> {
    store: S,
    state: State,
    bytes: u64,
}

impl<S: Store> Ledger<S> {
    /// Reads the whole store, removes what is damaged and takes over from boot `boot`.
    pub fn open(mut store: S) -> Result<(Self, Census), StoreError> {
        let mut census =
            Census { state: store.state()?.and_then(|s| State::from_bytes(&s)), ..Census::default() };
        let mut bad = Vec::new();
        let mut after = None;
        loop {
            let page = store.scan(after.as_ref(), PAGE)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            for (key, bytes) in &page {
                if read(key, bytes).is_some() {
                    census.records += 1;
                    census.bytes += size(bytes);
                } else {
                    bad.push(*key);
                }
            }
        }
        census.bad = bad.len() as u64;
        let state = State { stored: census.records, ..census.state.unwrap_or_default() };
        if !bad.is_empty() {
            store.remove(&bad, &state.to_bytes())?;
        }
        Ok((Ledger { store, state, bytes: census.bytes }, census))
    }

    /// From now on records belong to this boot and follow this sequence.
    pub fn take_over(&mut self, boot: u32, last_seq: u64) {
        self.state.boot = boot;
        self.state.last_seq = last_seq;
    }

    /// Stores records that were handed over at the given times. After `Ok` they are accepted.
    /// Keys that are stored already, from an attempt that failed half-way, are overwritten.
    pub fn commit(&mut self, batch: &[(RecordKey, Entry)]) -> Result<(), StoreError> {
        let mut state = self.state;
        let mut bytes = self.bytes;
        let entries: Vec<Entry> = batch.iter().map(|(_, entry)| entry.clone()).collect();
        for (key, (raw, value)) in batch {
            if self.store.get(raw)?.is_none() {
                state.stored += 1;
                bytes += size(value);
            }
            state.last_seq = state.last_seq.max(key.seq);
        }
        self.store.put(&entries, &state.to_bytes())?;
        self.state = state;
        self.bytes = bytes;
        Ok(())
    }

    /// At most `limit` records beyond the cursors, incidents first. Damaged ones are removed and
    /// counted.
    pub fn next(
        &mut self,
        cursors: &Cursors,
        limit: usize,
        tally: &mut Tally,
    ) -> Result<Vec<Stored>, StoreError> {
        let mut found = Vec::new();
        for priority in [Priority::Incident, Priority::Telemetry] {
            let mut after = cursors.of(priority).to_bytes();
            while found.len() < limit {
                let page = self.page(after, priority, limit - found.len())?;
                let Some((last, _)) = page.last() else { break };
                after = *last;
                for (key, bytes) in page {
                    match read(&key, &bytes) {
                        Some(stored) => found.push(stored),
                        None => {
                            tally.lose(Loss::BadValue, self.remove(&[key])?);
                        }
                    }
                }
            }
        }
        Ok(found)
    }

    /// Removes what the broker has acknowledged.
    pub fn acknowledge(&mut self, keys: &[RecordKey], tally: &mut Tally) -> Result<(), StoreError> {
        let keys: Vec<KeyBytes> = keys.iter().map(|key| key.to_bytes()).collect();
        tally.acknowledged += self.remove(&keys)?;
        Ok(())
    }

    /// Gives up one record.
    pub fn set_aside(
        &mut self,
        key: RecordKey,
        reason: Eviction,
        tally: &mut Tally,
    ) -> Result<(), StoreError> {
        tally.evict(reason, self.remove(&[key.to_bytes()])?);
        Ok(())
    }

    /// Gives up the oldest records until the limits hold: telemetry before incidents.
    pub fn enforce(&mut self, limits: Limits, now: Timestamp, tally: &mut Tally) -> Result<(), StoreError> {
        for priority in [Priority::Telemetry, Priority::Incident] {
            loop {
                let page = self.page(RecordKey::before_all(priority).to_bytes(), priority, PAGE)?;
                let mut excess = self.bytes.saturating_sub(limits.max_bytes);
                let mut over_quota = Vec::new();
                let mut over_age = Vec::new();
                for (key, bytes) in &page {
                    if excess > 0 {
                        excess = excess.saturating_sub(size(bytes));
                        over_quota.push(*key);
                    } else if read(key, bytes)
                        .is_some_and(|stored| is_old(stored.accepted, now, limits.max_age))
                    {
                        over_age.push(*key);
                    } else {
                        break;
                    }
                }
                let whole_page = !page.is_empty() && over_quota.len() + over_age.len() == page.len();
                tally.evict(Eviction::Quota, self.remove(&over_quota)?);
                tally.evict(Eviction::Age, self.remove(&over_age)?);
                if !whole_page {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The oldest record of each priority.
    pub fn oldest(&self) -> Result<Vec<Stored>, StoreError> {
        let mut oldest = Vec::new();
        for priority in [Priority::Incident, Priority::Telemetry] {
            let page = self.page(RecordKey::before_all(priority).to_bytes(), priority, 1)?;
            oldest.extend(page.first().and_then(|(key, bytes)| read(key, bytes)));
        }
        Ok(oldest)
    }

    /// Records stored.
    pub fn stored(&self) -> u64 {
        self.state.stored
    }

    /// Bytes of the records stored.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The highest sequence committed in this boot.
    pub fn last_seq(&self) -> u64 {
        self.state.last_seq
    }

    /// How many of these keys are stored.
    pub fn holds(&self, keys: impl IntoIterator<Item = RecordKey>) -> Result<u64, StoreError> {
        let mut held = 0;
        for key in keys {
            held += u64::from(self.store.get(&key.to_bytes())?.is_some());
        }
        Ok(held)
    }

    /// Bytes the store takes on disk.
    pub fn footprint(&self) -> Result<u64, StoreError> {
        self.store.footprint()
    }

    /// Gives the store back.
    pub fn into_store(self) -> S {
        self.store
    }

    /// Entries of one priority beyond a key.
    fn page(&self, after: KeyBytes, priority: Priority, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let mut page = self.store.scan(Some(&after), limit.min(PAGE))?;
        page.retain(|(key, _)| key[0] == priority as u8);
        Ok(page)
    }

    /// Removes those of the keys that are stored, and says how many those were.
    fn remove(&mut self, keys: &[KeyBytes]) -> Result<u64, StoreError> {
        let mut present = Vec::with_capacity(keys.len());
        let mut bytes = 0;
        for key in keys {
            if let Some(value) = self.store.get(key)?
                && !present.contains(key)
            {
                bytes += size(&value);
                present.push(*key);
            }
        }
        if present.is_empty() {
            return Ok(0);
        }
        let removed = present.len() as u64;
        let state = State { stored: self.state.stored.saturating_sub(removed), ..self.state };
        self.store.remove(&present, &state.to_bytes())?;
        self.state = state;
        self.bytes = self.bytes.saturating_sub(bytes);
        Ok(removed)
    }
}

fn read(key: &KeyBytes, bytes: &[u8]) -> Option<Stored> {
    let key = RecordKey::from_bytes(key)?;
    let (record, accepted) = value::decode(key, bytes).ok()?;
    Some(Stored { key, record, accepted })
}

/// What an entry counts towards the quota.
fn size(value: &[u8]) -> u64 {
    (KEY_BYTES + value.len()) as u64
}

fn is_old(accepted: Timestamp, now: Timestamp, max_age: Duration) -> bool {
    accepted >= CLOCK_WAS_SET && now.since(accepted) > max_age
}
