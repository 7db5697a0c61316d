//! What was said of incidents: each message as it was published, one a line behind its checksum.
//!
//! Two files, the newer and the older: when the newer is full it takes the older one's place, so
//! that the two never hold more than twice [`FULL`].

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use tracing::warn;

use crate::durable;

/// Some thousand messages of a machine with eight channels.
const FULL: u64 = 4 << 20;
const NEWER: &str = "incidents.log";
const OLDER: &str = "incidents.old.log";
/// Eight digits of the checksum, and the space behind them.
const PREFIX: usize = 9;

/// Keeps what was said of incidents.
#[derive(Debug)]
pub struct Journal(Mutex<PathBuf>);

impl Journal {
    /// In this folder, which is created when missing.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Journal(Mutex::new(folder.to_owned())))
    }

    /// Keeps a message, durably. It is kept for a refit and promised to nobody: one that cannot be
    /// written is logged and passed over.
    pub fn keep(&self, message: &[u8]) {
        let folder = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = append(&folder, message) {
            warn!(folder = %folder.display(), %error, "what was said of an incident could not be kept");
        }
    }
}

fn append(folder: &Path, message: &[u8]) -> io::Result<()> {
    let path = folder.join(NEWER);
    let mut file = open(&path)?;
    if file.metadata()?.len() >= FULL {
        durable::rename(&path, &folder.join(OLDER))?;
        file = open(&path)?;
    }
    // What was torn before stays a line of its own.
    let mut line = format!("\n{:08x} ", crc32fast::hash(message)).into_bytes();
    line.extend(message);
    line.push(b'\n');
    file.write_all(&line)?;
    file.sync_data()
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// The newest message of each incident, in the order of their opening, with the assessment that any
/// of its messages had.
///
/// # Errors
/// When a file is there that cannot be read.
pub fn incidents(folder: &Path) -> io::Result<Vec<Value>> {
    let mut newest: BTreeMap<(i64, String), Value> = BTreeMap::new();
    for name in [OLDER, NEWER] {
        let bytes = match fs::read(folder.join(name)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for mut message in bytes.split(|&byte| byte == b'\n').filter_map(read) {
            let (Some(opened), Some(id)) = (message["opened_ms"].as_i64(), message["id"].as_str()) else {
                continue;
            };
            let key = (opened, id.to_owned());
            if let Some(before) = newest.get(&key)
                && message["assessment"].is_null()
            {
                message["assessment"] = before["assessment"].clone();
            }
            newest.insert(key, message);
        }
    }
    Ok(newest.into_values().collect())
}

/// A whole line.
fn read(line: &[u8]) -> Option<Value> {
    let (prefix, message) = line.split_at_checked(PREFIX)?;
    let crc = std::str::from_utf8(prefix).ok()?.strip_suffix(' ')?;
    let whole = u32::from_str_radix(crc, 16).ok()? == crc32fast::hash(message);
    whole.then(|| serde_json::from_slice(message).ok())?
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(id: &str, opened: i64, change: &str, assessment: Value) -> Vec<u8> {
        json!({"id": id, "opened_ms": opened, "change": change, "assessment": assessment})
            .to_string()
            .into_bytes()
    }

    #[test]
    fn an_incident_is_kept_as_it_was_said_last_with_its_assessment() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        let class = json!({"label": "wear", "confidence": 0.9});
        journal.keep(&message("b", 2, "opened", Value::Null));
        journal.keep(&message("a", 1, "opened", Value::Null));
        journal.keep(&message("a", 1, "described", class.clone()));
        journal.keep(&message("a", 1, "closed", Value::Null));
        let found = incidents(folder.path()).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((&found[0]["id"], &found[0]["change"]), (&json!("a"), &json!("closed")));
        assert_eq!(found[0]["assessment"], class);
        assert_eq!(found[1]["id"], json!("b"));
    }

    #[test]
    fn cut_at_every_byte_whole_messages_survive_and_the_next_one_too() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        let path = folder.path().join(NEWER);
        journal.keep(&message("a", 1, "opened", Value::Null));
        let first = fs::read(&path).unwrap().len();
        journal.keep(&message("b", 2, "opened", Value::Null));
        let whole = fs::read(&path).unwrap();
        for cut in 0..=whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            journal.keep(&message("c", 3, "opened", Value::Null));
            let ids: Vec<String> = incidents(folder.path())
                .unwrap()
                .iter()
                .map(|m| m["id"].as_str().unwrap().to_owned())
                .collect();
            // The line's end may be missing: the message is whole without it.
            let mut expected = Vec::new();
            expected.extend((cut + 1 >= first).then_some("a"));
            expected.extend((cut + 1 >= whole.len()).then_some("b"));
            expected.push("c");
            assert_eq!(ids, expected, "cut at {cut} of {}", whole.len());
        }
    }

    #[test]
    fn the_journal_never_takes_more_than_twice_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        let long = "x".repeat(300_000);
        for n in 0..40 {
            journal.keep(&message(&format!("{n}{long}"), n, "opened", Value::Null));
        }
        let sizes =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len());
        assert!(sizes.sum::<u64>() <= 2 * FULL + 700_000);
        let found = incidents(folder.path()).unwrap();
        assert_eq!(found.last().unwrap()["opened_ms"], json!(39), "the newest are there");
    }
}
