//! Signed updates of the models.
//!
//! Promise 2: no unsigned byte runs, and exactly one complete, verified model is active at any
//! instant. A bad one goes back by itself.
//!
//! ```text
//! remote ── verified ──> choose ── a candidate ──> bring ── probed ──> managed ──> host
//! server, USB stick      rollout, permits, deny    fetch, probe        shadow, trial, soak
//! ```
//!
//! Metadata is verified by [`lineside_bundle::trust`]; what is active is said by one file a model
//! ([`slots`]); a bundle is tried out in a process of its own ([`prober`]); trials end by
//! themselves ([`managed`]). See `docs/decisions/0006-signed-updates.md`.

pub mod attempt;
pub mod choose;
pub mod control;
pub mod device_clock;
pub mod disk;
pub mod event;
pub mod fetch;
pub mod host;
pub mod identity;
pub mod journal;
pub mod limits;
pub mod managed;
pub mod prober;
pub mod remote;
pub mod report;
pub mod show;
pub mod slots;
pub mod state;
pub mod state_file;
pub mod trust_store;
pub mod updater;

use std::path::PathBuf;

/// Why updates cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// The update folder cannot be used.
    #[error("{path}: {cause}; check `gateway.data_dir` and that the agent may write there")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// Another process holds the update folder.
    #[error("{path}: another process works with it; stop the agent, or let it do what is asked")]
    Held {
        /// The folder.
        path: PathBuf,
    },
    /// The root of trust cannot be read.
    #[error("update.root {path}: {cause}")]
    Root {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The server's settings cannot be used.
    #[error("update: {0}")]
    Server(String),
    /// The factory model cannot be used: the agent is damaged.
    #[error("the built-in model cannot be used: {0}")]
    Factory(String),
}
