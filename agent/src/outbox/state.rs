//! What the database says about itself, in the same atomic step as each change of its records.

/// The version that is written.
const VERSION: u8 = 1;

/// Bytes of the state without its checksum.
const CONTENT: usize = 1 + 4 + 8 + 8;

/// What the database says about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The boot that wrote last.
    pub boot: u32,
    /// The highest sequence that boot has written; 0 before the first.
    pub last_seq: u64,
    /// Records that are stored, of all boots.
    pub stored: u64,
}

impl State {
    /// Its bytes.
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(CONTENT + 4);
        bytes.push(VERSION);
        bytes.extend(self.boot.to_be_bytes());
        bytes.extend(self.last_seq.to_be_bytes());
        bytes.extend(self.stored.to_be_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        bytes
    }

    /// Reads it back; `None` when the bytes are damaged.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (content, crc) = bytes.split_last_chunk::<4>()?;
        if content.len() != CONTENT || crc32fast::hash(content) != u32::from_be_bytes(*crc) {
            return None;
        }
        let (&version, rest) = content.split_first()?;
        let (boot, rest) = rest.split_first_chunk::<4>()?;
        let (last_seq, stored) = rest.split_first_chunk::<8>()?;
        (version == VERSION).then_some(State {
            boot: u32::from_be_bytes(*boot),
            last_seq: u64::from_be_bytes(*last_seq),
            stored: u64::from_be_bytes(stored.try_into().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reads_back_and_notices_a_flipped_bit(boot: u32, last_seq: u64, stored: u64, at in 0_usize..25, bit in 0_u8..8) {
            let state = State { boot, last_seq, stored };
            let mut bytes = state.to_bytes();
            prop_assert_eq!(State::from_bytes(&bytes), Some(state));
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(State::from_bytes(&bytes), None);
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = State::from_bytes(&bytes);
        }
    }
}
