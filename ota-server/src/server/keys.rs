//! The public keys of devices, as they are needed.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use ed25519_dalek::VerifyingKey;

use crate::db::{Database, DbError, devices};

/// Keys held: some 25 MB. When it is full it starts again from nothing, which costs a read for each.
const HELD_MAX: usize = 100_000;

/// Keys that were read from the database.
#[derive(Debug, Default)]
pub struct Keys(RwLock<HashMap<String, VerifyingKey>>);

impl Keys {
    /// The key of an enrolled device.
    ///
    /// # Errors
    /// The database is away.
    pub async fn get(&self, database: &Database, device: &str) -> Result<Option<VerifyingKey>, DbError> {
        if let Some(key) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(device) {
            return Ok(Some(*key));
        }
        let Some(text) = devices::key(database.pool(), device).await? else { return Ok(None) };
        let key = parse(&text).ok_or_else(|| DbError::Damaged {
            table: "devices",
            key: device.to_owned(),
            why: "its public key is none".to_owned(),
        })?;
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= HELD_MAX {
            held.clear();
        }
        held.insert(device.to_owned(), key);
        Ok(Some(key))
    }

    /// After a key was replaced or taken away.
    pub fn forget(&self, device: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(device);
    }
}

/// A public key in hex. A weak one, with which anyone could sign, is none.
#[must_use]
pub fn parse(text: &str) -> Option<VerifyingKey> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    VerifyingKey::from_bytes(&bytes).ok().filter(|key| !key.is_weak())
}
