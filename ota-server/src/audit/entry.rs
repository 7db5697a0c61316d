//! One entry, and how it is hashed.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::Act;

/// What the first entry follows.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Entry {
    /// Counts from 1 without a gap.
    pub seq: i64,
    /// The server's time.
    pub time: String,
    /// Who.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: String,
    /// The rest, as JSON text; kept as the very text that was hashed.
    pub detail: String,
    /// The hash of the entry before.
    pub prev: String,
    /// `sha256(prev ‖ canonical entry)`, in hex.
    pub hash: String,
}

impl Entry {
    pub(super) fn new(seq: i64, time: Timestamp, act: Act<'_>, prev: String) -> Entry {
        let mut entry = Entry {
            seq,
            time: time.to_string(),
            actor: act.actor.to_owned(),
            action: act.action.to_owned(),
            subject: act.subject.to_owned(),
            detail: act.detail.to_string(),
            prev,
            hash: String::new(),
        };
        entry.hash = entry.digest();
        entry
    }

    /// What `hash` must be. The canonical entry is a JSON array of the fields in their order: each
    /// is quoted, so that no text can pass from one field into the next.
    #[must_use]
    pub fn digest(&self) -> String {
        let canonical =
            serde_json::json!([self.seq, self.time, self.actor, self.action, self.subject, self.detail]);
        let mut hash = Sha256::new();
        hash.update(self.prev.as_bytes());
        hash.update(canonical.to_string().as_bytes());
        hex::encode(hash.finalize())
    }
}
