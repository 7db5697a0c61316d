//! The offline lease: for a repository on a USB stick.

use jiff::Timestamp;

use super::{Change, Repository, RepositoryError, store};
use crate::keys::Signer;
use crate::tuf::{Envelope, Lease, Role, time};

/// The lease's file.
pub(super) const LEASE: &str = "lease.json";

impl Repository {
    /// Writes the lease of the `timestamp.json` in place, signed by `signers`: enough targets keys.
    /// Until `expires` a device judges this metadata as of `as_of`.
    ///
    /// # Errors
    /// When signatures are missing, or the metadata was not fresh at `as_of`.
    pub fn lease(
        &self,
        as_of: Timestamp,
        expires: Timestamp,
        signers: &[&dyn Signer],
    ) -> Result<(), RepositoryError> {
        let mut change = self.propose_lease(as_of, expires)?;
        for signer in signers {
            change.sign(*signer)?;
        }
        self.put_lease(&change)
    }

    /// The same, for others to sign; put in place with [`Repository::put_lease`].
    ///
    /// # Errors
    /// When the metadata was not fresh at `as_of`.
    pub fn propose_lease(&self, as_of: Timestamp, expires: Timestamp) -> Result<Change, RepositoryError> {
        let _lock = store::lock(&self.folder)?;
        let state = self.state()?;
        let ends = state.roles.iter().map(|(name, role)| (name.as_str(), role.signed.expires));
        let top = [
            ("root", state.root.signed.expires()),
            ("timestamp", state.timestamp.signed.expires),
            ("snapshot", state.snapshot.signed.expires),
            ("targets", state.targets.signed.expires),
        ];
        for (role, end) in top.into_iter().chain(ends) {
            if end <= as_of {
                return Err(RepositoryError::Refused(format!(
                    "{role} expired at {}: a lease as of {} helps nobody; run `lineside-ota refresh`, or sign \
                     the role again, and export first",
                    time::text(end),
                    time::text(as_of)
                )));
            }
        }
        if expires <= as_of {
            return Err(RepositoryError::Refused("the lease ends before it begins; give a later end".into()));
        }
        let bytes = store::read(&self.folder.join(store::METADATA).join("timestamp.json"))?;
        let mut change = Change::under(Some(&state.root));
        let lease = Lease::new(as_of, expires, state.timestamp.signed.version, &bytes);
        change.lease = Some(Envelope::unsigned(lease));
        Ok(change)
    }

    /// Writes the lease of `change`, which is signed to its threshold.
    ///
    /// # Errors
    /// When signatures are missing, or `timestamp.json` is no longer the one that it names.
    pub fn put_lease(&self, change: &Change) -> Result<(), RepositoryError> {
        let _lock = store::lock(&self.folder)?;
        let state = self.state()?;
        let Some(lease) = &change.lease else {
            return Err(RepositoryError::Refused("there is no lease in this file".into()));
        };
        let missing = change.missing()?;
        if !missing.is_empty() {
            return Err(RepositoryError::Missing(missing));
        }
        let file = self.folder.join(store::METADATA).join(LEASE);
        let root = &state.root.signed;
        super::state::signed(&file, lease, &root.keys, &root.role("targets"))?;
        if !self.is_leased(&lease.signed)? {
            return Err(RepositoryError::Overtaken {
                what: "a lease of timestamp".into(),
                found: lease.signed.version(),
                expected: state.timestamp.signed.version,
            });
        }
        store::Step::metadata(LEASE, lease.to_bytes()?).run(&self.folder)
    }

    /// Whether `lease` is for the `timestamp.json` in place.
    pub(super) fn is_leased(&self, lease: &Lease) -> Result<bool, RepositoryError> {
        let bytes = store::read(&self.folder.join(store::METADATA).join("timestamp.json"))?;
        let here = Lease::new(lease.as_of, lease.expires, lease.timestamp.version, &bytes);
        Ok(here.timestamp == lease.timestamp)
    }
}
