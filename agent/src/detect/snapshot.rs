//! What a detector writes down to survive a restart, and how it is refused when it does not fit.
//!
//! Form: 4 bytes [`MAGIC`], little-endian u16 [`VERSION`], little-endian u32 CRC-32 of the rest,
//! then what was learnt, in postcard's form, behind what it is bound to: the number of channels and
//! the tick. It is not bound to the weights: what was learnt is how the machine moves, and a new
//! release of the model goes on from there instead of being blind for its commissioning.
//!
//! Promise: bytes that are damaged, of another form or of another detector are refused with the
//! reason; none of them make the agent panic.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

const MAGIC: &[u8; 4] = b"LSDC";
/// Counts up with every change of what is learnt; older forms are learnt anew.
const VERSION: u16 = 2;
/// Magic, version, checksum.
const HEADER: usize = 10;

/// Why a snapshot is not used. The detector then learns anew, from its commissioning on.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// It is cut short, or bits of it have changed.
    #[error("the saved calibration is damaged; the device is learnt anew")]
    Damaged,
    /// Another version of the agent wrote it.
    #[error(
        "the saved calibration has form {found}, this agent reads form {VERSION}; the device is learnt anew"
    )]
    Version {
        /// The form it has.
        found: u16,
    },
    /// It was learnt with another number of channels.
    #[error(
        "the saved calibration has {found} channels, the device has {expected}; the device is learnt anew"
    )]
    Channels {
        /// Channels it was learnt with.
        found: usize,
        /// Channels of the device.
        expected: usize,
    },
    /// It was learnt with another distance between windows.
    #[error(
        "the saved calibration has a tick of {found_us} µs, the device has {expected_us} µs; the device is learnt anew"
    )]
    Tick {
        /// Tick it was learnt with, in microseconds.
        found_us: u64,
        /// The device's tick, in microseconds.
        expected_us: u64,
    },
}

/// What a snapshot belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// Channels of the device.
    pub channels: usize,
    /// Time between two windows, in microseconds.
    pub tick_us: u64,
}

impl Bound {
    fn check(&self, found: &Bound) -> Result<(), RestoreError> {
        if found.channels != self.channels {
            return Err(RestoreError::Channels { found: found.channels, expected: self.channels });
        }
        if found.tick_us != self.tick_us {
            return Err(RestoreError::Tick { found_us: found.tick_us, expected_us: self.tick_us });
        }
        Ok(())
    }
}

/// Writes what was learnt, sealed.
pub fn seal(bound: &Bound, learnt: &impl Serialize) -> Vec<u8> {
    // Plain numbers always serialise into memory; if not, the empty body is refused when read.
    let body = postcard::to_stdvec(&(bound, learnt)).unwrap_or_default();
    let mut bytes = Vec::with_capacity(HEADER + body.len());
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(crc32fast::hash(&body).to_le_bytes());
    bytes.extend(body);
    bytes
}

/// Reads what was learnt, if it is whole and belongs to `bound`.
pub fn open<T: DeserializeOwned>(bytes: &[u8], bound: &Bound) -> Result<T, RestoreError> {
    let (header, body) = bytes.split_at_checked(HEADER).ok_or(RestoreError::Damaged)?;
    let [m0, m1, m2, m3, v0, v1, c0, c1, c2, c3] = *header else { return Err(RestoreError::Damaged) };
    if [m0, m1, m2, m3] != *MAGIC {
        return Err(RestoreError::Damaged);
    }
    // The version stands outside the checksum: what it covers is for that version to say.
    let found = u16::from_le_bytes([v0, v1]);
    if found != VERSION {
        return Err(RestoreError::Version { found });
    }
    if crc32fast::hash(body) != u32::from_le_bytes([c0, c1, c2, c3]) {
        return Err(RestoreError::Damaged);
    }
    // The bound comes first, so that another detector is told apart from damage.
    let (found, learnt) = postcard::take_from_bytes::<Bound>(body).map_err(|_| RestoreError::Damaged)?;
    bound.check(&found)?;
    postcard::from_bytes(learnt).map_err(|_| RestoreError::Damaged)
}
