//! Retraining: what a refit of a model needs is kept on the gateway and handed out on the site.
//!
//! Off unless `[retraining]` says otherwise. What is kept are the detector's windows, one value a
//! channel, not the samples; they lie in files under the data folder and leave only by
//! `lineside export-retraining`, into a folder that a person names (promise 3).
//!
//! ```text
//! window, verdict → row → segment: rows in files of bounded size
//!   recorder: which file is written, which ones go
//! incident → journal: what was said of incidents
//! export: normal hours, hours around incidents, incidents, drift, what all of it is
//! ```
//!
//! Promises, each with a test of that name:
//! - whatever is cut off or damaged costs the rows it hits: whole rows survive, nothing is invented;
//! - the files never take more than they may, and what goes is counted with its reason;
//! - hours in and around incidents are kept apart from normal ones;
//! - nothing is written below the free space that the outbox leaves alone.
//!
//! Not promised: windows that were not synced yet, at most `retraining.sync_interval` of them, die
//! with the process.

pub mod export;
pub mod journal;
pub mod recorder;
pub mod row;
pub mod segment;

pub use journal::Journal;
pub use recorder::{Kept, Limits, Recorder};
pub use row::Row;

/// Folder of what is kept within the data folder.
pub const FOLDER: &str = "retraining";
