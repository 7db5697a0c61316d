//! Which devices go first.

use sha2::{Digest, Sha256};

/// Buckets that devices are dealt into; as many as there are hundredths of a percent.
pub const BUCKETS: u16 = 10_000;

/// The device's bucket: the first 8 bytes, big endian, of `sha256(salt ‖ device id)`, modulo
/// [`BUCKETS`]. The salt is hashed as the text it is.
#[must_use]
pub fn bucket(salt: &str, device_id: &str) -> u16 {
    let digest = Sha256::new().chain_update(salt).chain_update(device_id).finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u16::try_from(u64::from_be_bytes(first) % u64::from(BUCKETS)).expect("a remainder of a u16 is one")
}
