//! Opens the outbox whatever its folder holds, and says what was found.
//!
//! Kept: every record whose bytes are sound in a database that opens. Removed: single records
//! with damaged bytes, counted. Set aside as a whole: a database that does not open, panics or
//! hangs, even without its snapshot (which sled can rebuild from its log); a fresh one takes its
//! place and the agent goes on. How many records that costs is known from the mark.
//!
//! A full disk is no damage: the ballast is released and the database opened again. Nor is a
//! database that is locked or may not be read: it stays where it is.

use std::fmt;
use std::path::{Path, PathBuf};

use super::counters::Loss;
use super::disk::Disk;
use super::error::OutboxError;
use super::ledger::{Census, Ledger};
use super::mark::{Mark, Reading};
use super::state::State;
use super::store::StoreError;
use crate::time::Timestamp;

/// What opening found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// The count of this start.
    pub boot: u32,
    /// Records that were stored and are sound.
    pub recovered: u64,
    /// Anything unusual; empty on a good day.
    pub findings: Vec<Finding>,
}

/// Something unusual that opening found. Its text is a sentence for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The database was damaged and moved away; a fresh one took its place.
    SetAside {
        /// Where it is now.
        path: PathBuf,
        /// What was wrong with it.
        why: String,
    },
    /// The database opened only without its snapshot, which is being rebuilt.
    Repaired {
        /// What was wrong with it.
        why: String,
    },
    /// Records are missing.
    Lost {
        /// Why.
        reason: Loss,
        /// At most so many: some of them may have been acknowledged already.
        records: u64,
        /// Where the end is missing: the boot, and the first and last sequence.
        range: Option<(u32, u64, u64)>,
    },
    /// The disk was full; the ballast was released.
    BallastReleased,
    /// The mark is missing or damaged though there is a database: a loss would go unnoticed.
    NoMark,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::SetAside { path, why } => {
                write!(
                    f,
                    "the outbox's database was damaged ({why}) and moved to {}; a fresh one is in use",
                    path.display()
                )
            }
            Finding::Repaired { why } => write!(f, "the outbox's database was repaired ({why})"),
            Finding::Lost { records, range: Some((boot, from, to)), .. } => {
                write!(
                    f,
                    "the outbox lost up to {records} records, the last ones with boot {boot} and seq {from} to {to}"
                )
            }
            Finding::Lost { records, reason, range: None } => {
                write!(f, "the outbox lost up to {records} records ({reason})")
            }
            Finding::BallastReleased => f.write_str("the disk was full; the outbox released its reserve"),
            Finding::NoMark => f.write_str(
                "the outbox's mark was missing or damaged; records may have been lost before this start",
            ),
        }
    }
}

/// A store that is open, and what it took.
pub struct Opened<S> {
    /// The bookkeeping over the store.
    pub ledger: Ledger<S>,
    /// What is in it.
    pub census: Census,
    /// What it took.
    pub findings: Vec<Finding>,
}

/// Opens the store, by force if it must be.
///
/// # Errors
/// When even a fresh store cannot be opened.
pub fn open_store<D: Disk>(disk: &mut D) -> Result<Opened<D::Store>, StoreError> {
    let mut findings = Vec::new();
    let mut result = disk.open();
    if matches!(result, Err(StoreError::Full)) && disk.release_ballast() {
        findings.push(Finding::BallastReleased);
        result = disk.open();
    }
    if let Err(error @ (StoreError::Full | StoreError::Unavailable(_))) = result {
        return Err(error);
    }
    if let Err(error) = &result {
        let why = error.to_string();
        if disk.repair().map_err(io)? {
            result = disk.open();
            if result.is_ok() {
                findings.push(Finding::Repaired { why });
            }
        }
    }
    if let Err(error) = &result {
        let why = error.to_string();
        let path = disk.set_aside().map_err(io)?;
        findings.push(Finding::SetAside { path, why });
        result = disk.open();
    }
    let (ledger, census) = result?;
    Ok(Opened { ledger, census, findings })
}

#[expect(clippy::needless_pass_by_value, reason = "it is passed to map_err")]
fn io(error: std::io::Error) -> StoreError {
    StoreError::Io(error.to_string())
}

/// Opens the store at the start of the agent: counts the boot, compares with the mark.
///
/// # Errors
/// When the folder cannot be used at all.
pub fn open<D: Disk>(
    disk: &mut D,
    folder: &Path,
    now: Timestamp,
) -> Result<(Ledger<D::Store>, Opening), OutboxError> {
    let trouble = |error: &dyn fmt::Display| OutboxError::folder(folder, error);
    let reading = disk.read_mark().map_err(|error| trouble(&error))?;
    let Opened { mut ledger, census, mut findings } = open_store(disk).map_err(|error| trouble(&error))?;
    let fresh = findings.iter().any(|finding| matches!(finding, Finding::SetAside { .. }));
    let mark = match reading {
        Reading::Sound(mark) => Some(mark),
        Reading::Missing if census.state.is_none() && census.records == 0 && !fresh => None,
        Reading::Missing | Reading::Damaged => {
            findings.push(Finding::NoMark);
            None
        }
    };
    findings.extend(losses(mark, &census, fresh));
    let unknown = mark.is_none() && findings.contains(&Finding::NoMark) && census.state.is_none();
    let boot = if unknown { boot_from_clock(now) } else { next_boot(mark, census.state) };
    ledger.take_over(boot, 0);
    let mark = Mark { boot, durable: 0, acknowledged: 0, stored: census.records };
    disk.write_mark(mark).map_err(|error| trouble(&error))?;
    Ok((ledger, Opening { boot, recovered: census.records, findings }))
}

fn next_boot(mark: Option<Mark>, state: Option<State>) -> u32 {
    let seen = mark.map_or(0, |mark| mark.boot).max(state.map_or(0, |state| state.boot));
    seen.saturating_add(1)
}

/// Where both memories of the boot count are gone, minutes since the epoch stand in: larger than
/// any count before, so that no pair of boot and sequence is used twice.
fn boot_from_clock(now: Timestamp) -> u32 {
    const MILLIS_PER_MINUTE: i64 = 60_000;
    u32::try_from(now.as_millis() / MILLIS_PER_MINUTE).unwrap_or(1).max(1)
}

/// What is missing, compared with what the mark and the store itself say.
fn losses(mark: Option<Mark>, census: &Census, set_aside: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    if census.bad > 0 {
        findings.push(Finding::Lost { reason: Loss::BadValue, records: census.bad, range: None });
    }
    let claimed = census.state.map_or(0, |state| state.stored);
    let holes = claimed.saturating_sub(census.records + census.bad);
    if holes > 0 {
        findings.push(Finding::Lost { reason: Loss::CutShort, records: holes, range: None });
    }
    if let Some(mark) = mark {
        let reason = if set_aside { Loss::SetAside } else { Loss::CutShort };
        // The log is written in order: where its end is missing, everything after is too.
        let (first, records) = match census.state {
            Some(state) if state.boot > mark.boot => (mark.durable + 1, 0),
            Some(state) if state.boot == mark.boot => (
                state.last_seq.saturating_add(1),
                mark.durable.saturating_sub(state.last_seq).min(mark.stored),
            ),
            _ => {
                let known = census.records + census.bad + holes;
                (mark.acknowledged.saturating_add(1), mark.stored.saturating_sub(known))
            }
        };
        if records > 0 {
            let range = (first <= mark.durable).then_some((mark.boot, first, mark.durable));
            findings.push(Finding::Lost { reason, records, range });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: Mark = Mark { boot: 4, durable: 100, acknowledged: 40, stored: 60 };

    fn census(boot: u32, last_seq: u64, stored: u64, records: u64) -> Census {
        Census { state: Some(State { boot, last_seq, stored }), records, ..Census::default() }
    }

    #[test]
    fn a_sound_store_lost_nothing() {
        assert_eq!(losses(Some(MARK), &census(4, 120, 30, 30), false), []);
        assert_eq!(losses(None, &census(4, 120, 30, 30), false), []);
        let restarted = Mark { boot: 5, durable: 0, acknowledged: 0, stored: 30 };
        assert_eq!(losses(Some(restarted), &census(4, 120, 30, 30), false), []);
    }

    #[test]
    fn a_missing_end_is_reported_with_its_range() {
        let lost = Finding::Lost { reason: Loss::CutShort, records: 20, range: Some((4, 81, 100)) };
        assert_eq!(losses(Some(MARK), &census(4, 80, 45, 45), false), [lost]);
    }

    #[test]
    fn an_empty_store_lost_everything_the_mark_knew() {
        let lost = Finding::Lost { reason: Loss::CutShort, records: 60, range: Some((4, 41, 100)) };
        assert_eq!(losses(Some(MARK), &Census::default(), false), [lost]);
    }

    #[test]
    fn a_store_that_was_drained_and_recreated_lost_nothing() {
        let drained = Mark { acknowledged: 100, stored: 0, ..MARK };
        assert_eq!(losses(Some(drained), &Census::default(), false), []);
    }

    #[test]
    fn holes_are_counted() {
        let lost = Finding::Lost { reason: Loss::CutShort, records: 5, range: None };
        assert_eq!(losses(Some(MARK), &census(4, 100, 60, 55), false), [lost]);
    }

    #[test]
    fn the_boot_count_never_goes_back() {
        assert_eq!(next_boot(None, None), 1);
        assert_eq!(next_boot(Some(MARK), None), 5);
        assert_eq!(next_boot(Some(MARK), Some(State { boot: 7, ..State::default() })), 8);
    }
}
