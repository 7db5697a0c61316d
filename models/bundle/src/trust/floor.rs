//! The floor under every role's version, kept across a cycle that failed half-way.
//!
//! The core compares a new snapshot with the one it kept only while the kept timestamp names that one.
//! A cycle that keeps a new timestamp and then refuses its snapshot would lift the floor for the next
//! cycle. So the kept snapshot counts here for as long as the present root vouches for its signatures;
//! a rotation of the snapshot key is how a repository recovers from versions that ran away.

use sigstore_tuf::{Metadata, Root, Snapshot};

use super::error::TrustError;

/// Whether `offered` has every role of the snapshot `kept`, none of them older.
pub(super) fn check(root: &[u8], kept: &[u8], offered: &[u8]) -> Result<(), TrustError> {
    let Some(kept) = vouched(root, kept) else { return Ok(()) };
    let offered = Metadata::<Snapshot>::from_slice(offered)?;
    for (role, kept) in &kept.meta {
        match offered.signed().meta.get(role) {
            None => return Err(TrustError::Mismatch(format!("snapshot: `{role}` is not in it any more"))),
            Some(offered) if offered.version < kept.version => {
                let (offered, kept) = (offered.version, kept.version);
                return Err(TrustError::Rollback(format!("{role}: version {offered} after {kept}")));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// The kept snapshot, if the root's present keys signed it.
fn vouched(root: &[u8], kept: &[u8]) -> Option<Snapshot> {
    let root = Metadata::<Root>::from_slice(root).ok()?.into_signed();
    let kept = Metadata::<Snapshot>::from_slice(kept).ok()?;
    kept.verify_threshold(&root.keys, root.role("snapshot")?, "snapshot").ok()?;
    Some(kept.into_signed())
}
