//! History and the reports that still wait for the server, in sled.
//!
//! It may be lost as a whole: what runs, and what may run, is said by files of their own
//! ([`super::slots`]). A damaged database is set aside and begun anew.

use std::path::Path;

use super::event::Event;
use crate::side_store::SideStore;

/// Events that are kept: years of updates.
const KEPT: usize = 1_000;

/// The journal. Every call that the database refuses is logged and otherwise passed over: nothing
/// depends on history.
pub struct Journal(SideStore<Trees>);

struct Trees {
    db: sled::Db,
    events: sled::Tree,
    unsent: sled::Tree,
}

impl Journal {
    /// Opens the journal in `folder`; a damaged one is set aside for an empty one.
    #[must_use]
    pub fn open(folder: &Path) -> Journal {
        let trees =
            |db: sled::Db| Ok(Trees { events: db.open_tree("events")?, unsent: db.open_tree("unsent")?, db });
        Journal(SideStore::open(folder, "the history of updates", trees))
    }

    /// Adds an event, to history and to what the server should be told.
    pub fn record(&self, event: &Event) {
        self.0.with(|trees| {
            let key = trees.db.generate_id()?.to_be_bytes();
            let value = serde_json::to_vec(event).unwrap_or_default();
            trees.events.insert(key, value)?;
            trees.unsent.insert(key, &[])?;
            while trees.events.len() > KEPT {
                let Some((oldest, _)) = trees.events.pop_min()? else { break };
                trees.unsent.remove(oldest)?;
            }
            trees.db.flush().map(drop)
        });
    }

    /// All events, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        let read = |trees: &Trees| {
            let values = trees.events.iter().values();
            values.map(|value| value.map(|bytes| parse(&bytes))).collect::<Result<Vec<_>, _>>()
        };
        self.0.with(read).unwrap_or_default().into_iter().flatten().collect()
    }

    /// The oldest events that the server has not been told, with their keys.
    #[must_use]
    pub fn unsent(&self, limit: usize) -> Vec<(u64, Event)> {
        let read = |trees: &Trees| {
            let mut found = Vec::new();
            for key in trees.unsent.iter().keys().take(limit) {
                let key = key?;
                let number = key.as_ref().try_into().map_or(0, u64::from_be_bytes);
                match trees.events.get(&key)?.and_then(|bytes| parse(&bytes)) {
                    Some(event) => found.push((number, event)),
                    None => drop(trees.unsent.remove(&key)?),
                }
            }
            Ok(found)
        };
        self.0.with(read).unwrap_or_default()
    }

    /// The server knows these.
    pub fn sent(&self, keys: &[u64]) {
        self.0.with(|trees| {
            keys.iter().try_for_each(|key| trees.unsent.remove(key.to_be_bytes()).map(drop))?;
            trees.db.flush().map(drop)
        });
    }

    /// Where it lies.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.0.folder()
    }
}

fn parse(bytes: &[u8]) -> Option<Event> {
    serde_json::from_slice(bytes).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::update::event::Phase;

    fn event(seq: u32) -> Event {
        Event {
            attempt: "a".into(),
            seq,
            model: "detector".into(),
            release: 2,
            rollout: "r".into(),
            phase: Phase::Offered,
            reason: String::new(),
            detail: String::new(),
            time: "2026-11-21T08:00:00Z".into(),
        }
    }

    #[test]
    fn row_36_what_the_server_was_not_told_is_kept_over_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        let journal = Journal::open(&path);
        (0..3).for_each(|seq| journal.record(&event(seq)));
        let first = journal.unsent(1);
        journal.sent(&[first[0].0]);
        drop(journal);
        let journal = Journal::open(&path);
        let waiting: Vec<u32> = journal.unsent(10).into_iter().map(|(_, event)| event.seq).collect();
        assert_eq!(waiting, [1, 2]);
        assert_eq!(journal.events().len(), 3);
    }

    #[test]
    fn row_29_a_lost_or_damaged_history_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        Journal::open(&path).record(&event(0));
        for file in fs::read_dir(&path).unwrap().flatten().filter(|file| file.path().is_file()) {
            fs::write(file.path(), b"not what sled wrote").unwrap();
        }
        let journal = Journal::open(&path);
        journal.record(&event(7));
        assert_eq!(journal.events().last().unwrap().seq, 7);
        drop(journal);
        fs::remove_dir_all(&path).unwrap();
        assert_eq!(Journal::open(&path).events(), []);
    }

    #[test]
    fn history_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("history"));
        (0..1_020).for_each(|seq| journal.record(&event(seq)));
        assert_eq!(journal.events().len(), KEPT);
        assert_eq!(journal.events()[0].seq, 20);
    }
}
