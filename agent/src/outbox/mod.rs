//! Keeps every accepted record until the broker has acknowledged it.
//!
//! **Promise.** A record is accepted once its commit has reached the disk (a real sync, not only
//! the database's own flush). From then on it is in exactly one of these states: acknowledged by
//! the broker, stored here, evicted and counted with its reason, or lost to damage and counted
//! with its reason. In figures, over one run of the agent:
//!
//! ```text
//! recovered + accepted = acknowledged + depth + evicted + lost
//! handed over          = accepted + refused + waiting for a commit
//! ```
//!
//! **What is not promised.** A record that was handed over but not yet committed dies with the
//! process: at most `commit_interval` of records. A record may be delivered twice, since a lost
//! deletion is only a duplicate; `boot` and `seq` identify it. Damage that cuts off records which
//! were written after the last mark (see [`mark`]), at most about a second, goes unnoticed.
//!
//! How it is built: one thread owns the database and takes work from the inbox; the ledger is
//! the bookkeeping over any [`Store`]; recovery decides what a damaged folder is worth.

mod counters;
mod disk;
mod error;
mod handle;
mod inbox;
mod key;
mod ledger;
pub mod mark;
pub mod record;
mod recovery;
mod sled_store;
mod space;
mod state;
mod stats;
mod store;
mod value;
mod writer;

#[cfg(test)]
mod double;
#[cfg(test)]
mod tests;

pub use counters::{Eviction, Loss, Refusal};
pub use error::OutboxError;
pub use handle::Outbox;
pub use ledger::{Cursors, Stored};
pub use record::{Priority, Record, RecordKey};
pub use recovery::{Finding, Opening};
pub use space::Space;
pub use stats::OutboxStats;
pub use store::{Store, StoreError};
