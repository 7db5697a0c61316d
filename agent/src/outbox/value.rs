//! The bytes of a stored record.
//!
//! ```text
//! version u8 | boot u32 | seq u64 | accepted i64 µs | topic length u16 | body length u32
//!   | topic | body | CRC32 of all before
//! ```
//!
//! All numbers are big-endian. Boot and sequence repeat the key, so that a value that the
//! database hands out under the wrong key is noticed.

use super::record::{Record, RecordKey};
use crate::time::Timestamp;

/// The version that is written.
const VERSION: u8 = 1;
/// Bytes before the topic.
const HEADER: usize = 1 + 4 + 8 + 8 + 2 + 4;
/// Bytes of the checksum.
const TRAILER: usize = 4;

/// The largest topic plus body that is stored. MQTT could carry 256 MiB; a message of this size
/// is already far beyond what an aggregate or an incident needs, and a handful of them must not
/// fill the memory of a 1 GiB board.
pub const MAX_RECORD_BYTES: usize = 512 << 10;

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Shorter or longer than it says.
    #[error("its length is wrong")]
    Length,
    /// Written by another version of Lineside.
    #[error("its version is {0}, this agent reads {VERSION}")]
    Version(u8),
    /// The checksum does not match.
    #[error("its checksum does not match")]
    Checksum,
    /// It belongs to another key.
    #[error("it belongs to another key")]
    Key,
    /// The topic is not UTF-8.
    #[error("its topic is not text")]
    Topic,
}

/// The bytes of `record`, or `None` when it is too large to store.
pub fn encode(key: RecordKey, record: &Record, accepted: Timestamp) -> Option<Vec<u8>> {
    if record.topic.len() + record.body.len() > MAX_RECORD_BYTES {
        return None;
    }
    let topic = u16::try_from(record.topic.len()).ok()?;
    let body = u32::try_from(record.body.len()).ok()?;
    let mut bytes = Vec::with_capacity(HEADER + record.topic.len() + record.body.len() + TRAILER);
    bytes.push(VERSION);
    bytes.extend(key.boot.to_be_bytes());
    bytes.extend(key.seq.to_be_bytes());
    bytes.extend(accepted.as_micros().to_be_bytes());
    bytes.extend(topic.to_be_bytes());
    bytes.extend(body.to_be_bytes());
    bytes.extend(record.topic.as_bytes());
    bytes.extend(&record.body);
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    Some(bytes)
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// Any way in which the bytes are not exactly a record of this key.
pub fn decode(key: RecordKey, bytes: &[u8]) -> Result<(Record, Timestamp), Damage> {
    let (&version, _) = bytes.split_first().ok_or(Damage::Length)?;
    if version != VERSION {
        return Err(Damage::Version(version));
    }
    let (content, crc) = bytes.split_last_chunk::<TRAILER>().ok_or(Damage::Length)?;
    let (_, rest) = content.split_first().ok_or(Damage::Length)?;
    let (boot, rest) = rest.split_first_chunk::<4>().ok_or(Damage::Length)?;
    let (seq, rest) = rest.split_first_chunk::<8>().ok_or(Damage::Length)?;
    let (accepted, rest) = rest.split_first_chunk::<8>().ok_or(Damage::Length)?;
    let (topic, rest) = rest.split_first_chunk::<2>().ok_or(Damage::Length)?;
    let (body, rest) = rest.split_first_chunk::<4>().ok_or(Damage::Length)?;
    let topic = usize::from(u16::from_be_bytes(*topic));
    let body = usize::try_from(u32::from_be_bytes(*body)).map_err(|_| Damage::Length)?;
    if rest.len() != topic.saturating_add(body) {
        return Err(Damage::Length);
    }
    if crc32fast::hash(content) != u32::from_be_bytes(*crc) {
        return Err(Damage::Checksum);
    }
    if (u32::from_be_bytes(*boot), u64::from_be_bytes(*seq)) != (key.boot, key.seq) {
        return Err(Damage::Key);
    }
    let (topic, body) = rest.split_at(topic);
    let topic = std::str::from_utf8(topic).map_err(|_| Damage::Topic)?;
    let record = Record { priority: key.priority, topic: topic.to_owned(), body: body.to_vec() };
    Ok((record, Timestamp::from_micros(i64::from_be_bytes(*accepted))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::outbox::Priority;

    const KEY: RecordKey = RecordKey { priority: Priority::Telemetry, boot: 7, seq: 42 };

    fn record(topic: &str, body: &[u8]) -> Record {
        Record { priority: Priority::Telemetry, topic: topic.into(), body: body.to_vec() }
    }

    proptest! {
        #[test]
        fn a_record_reads_back(topic in ".{0,40}", body in proptest::collection::vec(any::<u8>(), 0..200), at: i64) {
            let record = record(&topic, &body);
            let at = Timestamp::from_micros(at);
            let bytes = encode(KEY, &record, at).unwrap();
            prop_assert_eq!(decode(KEY, &bytes), Ok((record, at)));
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(KEY, &bytes);
            let mut versioned = bytes;
            versioned.insert(0, VERSION);
            let _ = decode(KEY, &versioned);
        }

        #[test]
        fn any_flipped_bit_is_noticed(at in 0_usize..60, bit in 0_u8..8) {
            let mut bytes = encode(KEY, &record("a/b", b"{\"value\":1.5,\"unit\":\"bar\"}"), Timestamp::EPOCH).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            prop_assert!(decode(KEY, &bytes).is_err());
        }

        #[test]
        fn any_cut_is_noticed(keep in 0_usize..50) {
            let bytes = encode(KEY, &record("a/b", b"{\"value\":1.5,\"unit\":\"bar\"}"), Timestamp::EPOCH).unwrap();
            let keep = keep % bytes.len();
            prop_assert!(decode(KEY, &bytes[..keep]).is_err());
        }
    }

    #[test]
    fn a_value_under_another_key_is_damage() {
        let bytes = encode(KEY, &record("t", b"{}"), Timestamp::EPOCH).unwrap();
        assert_eq!(decode(RecordKey { seq: 43, ..KEY }, &bytes), Err(Damage::Key));
    }

    #[test]
    fn a_record_beyond_the_limit_is_not_encoded() {
        assert_eq!(encode(KEY, &record("t", &vec![b' '; MAX_RECORD_BYTES]), Timestamp::EPOCH), None);
    }
}
