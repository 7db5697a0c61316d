//! How a tracker's state is written for a restart: one byte for the layout's version, then the
//! device and the state in postcard. Integrity is the caller's: a file carries one checksum.

use serde::{Deserialize, Serialize};

use super::State;
use crate::incident::sentence::Subject;

/// The layout that is written and read.
const VERSION: u8 = 1;

/// Why a snapshot is not used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// Written by another version of the agent.
    #[error("the incident state has layout {found}, this agent reads layout {VERSION}")]
    OtherLayout {
        /// The version found.
        found: u8,
    },
    /// Cut short or damaged.
    #[error("the incident state cannot be read: {0}")]
    Unreadable(String),
    /// It belongs to a device with another id or other channels.
    #[error("the incident state belongs to another device or to other channels")]
    OtherDevice,
}

#[derive(Serialize, Deserialize)]
struct Saved<S> {
    device: String,
    channels: Vec<String>,
    state: S,
}

pub(super) fn encode(subject: &Subject, state: &State) -> Vec<u8> {
    let saved = Saved { device: subject.device.clone(), channels: names(subject), state };
    // Growing a vector cannot fail and every type here has a known length, so there is no error
    // to report; an empty snapshot would be refused when it is read.
    postcard::to_extend(&saved, vec![VERSION]).unwrap_or_default()
}

pub(super) fn decode(subject: &Subject, bytes: &[u8]) -> Result<State, RestoreError> {
    let (version, body) =
        bytes.split_first().ok_or_else(|| RestoreError::Unreadable("it is empty".to_owned()))?;
    if *version != VERSION {
        return Err(RestoreError::OtherLayout { found: *version });
    }
    let saved: Saved<State> =
        postcard::from_bytes(body).map_err(|error| RestoreError::Unreadable(error.to_string()))?;
    let channels = subject.channels.len();
    let whole = saved.state.history.fits(channels)
        && saved.state.episode.as_ref().is_none_or(|episode| episode.parts.len() == channels);
    if saved.device != subject.device || saved.channels != names(subject) || !whole {
        return Err(RestoreError::OtherDevice);
    }
    Ok(saved.state)
}

fn names(subject: &Subject) -> Vec<String> {
    subject.channels.iter().map(|channel| channel.name.clone()).collect()
}
