//! The bytes of a key: priority, boot and sequence, big-endian, so that byte order is the order
//! in which records leave.

use super::record::{Priority, RecordKey};

/// Bytes of a key: 1 of priority, 4 of boot, 8 of sequence.
pub const KEY_BYTES: usize = 13;

/// A key as the store sees it.
pub type KeyBytes = [u8; KEY_BYTES];

impl RecordKey {
    /// The bytes it is stored under.
    #[must_use]
    pub fn to_bytes(self) -> KeyBytes {
        let mut bytes = [0; KEY_BYTES];
        bytes[0] = self.priority as u8;
        bytes[1..5].copy_from_slice(&self.boot.to_be_bytes());
        bytes[5..].copy_from_slice(&self.seq.to_be_bytes());
        bytes
    }

    /// Reads it back; `None` for bytes that no key has.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (priority, rest) = bytes.split_first()?;
        let priority = match priority {
            0 => Priority::Incident,
            1 => Priority::Telemetry,
            _ => return None,
        };
        let (boot, seq) = rest.split_first_chunk::<4>()?;
        Some(RecordKey {
            priority,
            boot: u32::from_be_bytes(*boot),
            seq: u64::from_be_bytes(seq.try_into().ok()?),
        })
    }

    /// A key before every key of this priority.
    pub(super) fn before_all(priority: Priority) -> Self {
        RecordKey { priority, boot: 0, seq: 0 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> impl Strategy<Value = RecordKey> {
        let priority = prop_oneof![Just(Priority::Incident), Just(Priority::Telemetry)];
        (priority, any::<u32>(), any::<u64>()).prop_map(|(priority, boot, seq)| RecordKey {
            priority,
            boot,
            seq,
        })
    }

    proptest! {
        #[test]
        fn keys_read_back_and_sort_as_their_bytes(a in key(), b in key()) {
            prop_assert_eq!(RecordKey::from_bytes(&a.to_bytes()), Some(a));
            prop_assert_eq!(a.cmp(&b), a.to_bytes().cmp(&b.to_bytes()));
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            if let Some(key) = RecordKey::from_bytes(&bytes) {
                prop_assert_eq!(key.to_bytes().to_vec(), bytes);
            }
        }
    }
}
