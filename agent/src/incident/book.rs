//! The incidents of the last days, each as it stands: what a shift report is made of.
//!
//! It may be lost as a whole, and reports then begin anew: what is promised lies in the outbox.

use std::path::Path;

use super::Incident;
use crate::side_store::SideStore;
use crate::time::Timestamp;

/// Incidents that are kept: a month of a gateway that raises thirty a day.
const KEPT: usize = 1_000;

/// The incidents of the last days.
pub struct IncidentBook(SideStore<sled::Db>);

impl IncidentBook {
    /// Opens the book in `folder`; a damaged one is set aside for an empty one.
    #[must_use]
    pub fn open(folder: &Path) -> Self {
        IncidentBook(SideStore::open(folder, "the book of incidents", Ok))
    }

    /// Keeps an incident as it stands now, in the place of what was known of it.
    pub fn keep(&self, incident: &Incident) {
        self.0.with(|db| {
            let entry = postcard::to_stdvec(incident).unwrap_or_default();
            db.insert(key(incident), entry)?;
            while db.len() > KEPT {
                db.pop_min()?;
            }
            db.flush().map(drop)
        });
    }

    /// The incidents that were open at some moment of `[from, to)`, by the time of their opening.
    #[must_use]
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Vec<Incident> {
        let read = |db: &sled::Db| {
            let mut found = Vec::new();
            for entry in db.range(..moment(to).as_slice()) {
                let (_, bytes) = entry?;
                // What an older version wrote and this one cannot read is left out.
                let incident = postcard::from_bytes::<Incident>(&bytes).ok();
                found.extend(incident.filter(|incident| incident.closed.is_none_or(|closed| closed >= from)));
            }
            Ok(found)
        };
        self.0.with(read).unwrap_or_default()
    }
}

/// By time of opening, then by id: of several devices in the same instant none is lost.
fn key(incident: &Incident) -> Vec<u8> {
    [&moment(incident.opened)[..], incident.id.as_bytes()].concat()
}

/// Moments before 1970 come first as well.
fn moment(time: Timestamp) -> [u8; 8] {
    ((time.as_micros() as u64) ^ (1 << 63)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::Change;
    use crate::incident::fixtures::{at, incident};

    fn known(id: &str, opened: i64, closed: Option<i64>) -> Incident {
        let change = if closed.is_some() { Change::Closed } else { Change::Opened };
        Incident { id: id.into(), change, opened: at(opened), closed: closed.map(at), ..incident() }
    }

    fn ids(incidents: &[Incident]) -> Vec<&str> {
        incidents.iter().map(|incident| incident.id.as_str()).collect()
    }

    #[test]
    fn a_period_holds_what_was_open_in_it_even_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("incidents");
        let book = IncidentBook::open(&path);
        book.keep(&known("before", -7_200, Some(-3_700)));
        book.keep(&known("into", -3_900, Some(-3_500)));
        book.keep(&known("within", -900, None));
        book.keep(&known("within", -900, Some(-600)));
        book.keep(&known("at-once", -900, None));
        book.keep(&known("after", 0, None));
        drop(book);
        let found = IncidentBook::open(&path).between(at(-3_600), at(0));
        assert_eq!(ids(&found), ["into", "at-once", "within"]);
        assert_eq!(found[2].closed, Some(at(-600)), "as it stands, once");
    }

    #[test]
    fn the_oldest_go_first() {
        let folder = tempfile::tempdir().unwrap();
        let book = IncidentBook::open(&folder.path().join("incidents"));
        (0..1_003).for_each(|n| book.keep(&known(&format!("i-{n:04}"), n, Some(n))));
        let found = book.between(at(0), at(10_000));
        assert_eq!((found.len(), found[0].id.as_str()), (KEPT, "i-0003"));
    }
}
