//! One refresh cycle.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::FutureExt as _;
use sigstore_tuf::{TargetFile, Updater, UpdaterConfig};

use super::error::TrustError;
use super::gate::{Door, Gate};
use super::lease::Lease;
use super::source::Source;
use super::store::Store;
use super::target::{SignedDigest, Target, served_at};
use super::{
    MAX_ROOT_ROTATIONS, ROOT_LIMIT, SNAPSHOT_LIMIT, TARGETS_LIMIT, TIMESTAMP_LIMIT, names, provider,
};

/// One refresh cycle: opened from the factory root and what was kept, refreshed, then asked for targets.
pub struct Verifier {
    updater: Updater,
    gate: Arc<Gate>,
    /// The time of the cycle, once it succeeded.
    judged: Option<jiff::Timestamp>,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("root", &self.root_version()).field("judged", &self.judged).finish()
    }
}

impl Verifier {
    /// Starts from the root that was built in, and goes forward to the newest root that was kept.
    ///
    /// # Errors
    /// When the factory root is not signed by itself or the store fails.
    pub fn open(
        factory_root: &[u8],
        source: Box<dyn Source>,
        store: Box<dyn Store>,
    ) -> Result<Self, TrustError> {
        provider::install_provider();
        Gate::inspect("factory root", factory_root)?;
        let gate = Gate::new(source, store);
        let updater = Updater::new(Door(gate.clone()), factory_root)?
            .with_config(limits())
            .with_store(Door(gate.clone()));
        gate.settle(Ok(()))?;
        Ok(Verifier { updater, gate, judged: None })
    }

    /// Fetches and verifies what is latest, judged at `now` for the whole cycle.
    ///
    /// # Errors
    /// Why it is not trusted. What was verified before that is kept: it is a floor all the same.
    pub fn refresh(&mut self, now: jiff::Timestamp) -> Result<(), TrustError> {
        self.judged = None;
        self.gate.unpin();
        let result = ready(self.updater.refresh(now));
        self.gate.settle(result)?;
        let trusted = self.updater.trusted();
        if let Some(snapshot) = trusted.snapshot() {
            self.gate.pin(snapshot, trusted.root().consistent_snapshot);
        }
        self.judged = Some(now);
        Ok(())
    }

    /// Like [`Verifier::refresh`]; where that finds metadata expired, a signed `lease.json` that has not
    /// expired at `now` may let it be judged as of an earlier time.
    ///
    /// # Errors
    /// Why it is not trusted.
    pub fn refresh_with_lease(&mut self, now: jiff::Timestamp) -> Result<(), TrustError> {
        let stale = match self.refresh(now) {
            Err(stale @ TrustError::Stale { .. }) => stale,
            other => return other,
        };
        let Some(lease) = self.gate.lease()? else { return Err(stale) };
        let lease = Lease::open(&lease, self.updater.trusted().root(), now)?;
        self.gate.expect_timestamp(Some(lease.timestamp.sha256.clone()));
        let result = self.refresh(lease.as_of);
        self.gate.expect_timestamp(None);
        result?;
        // A timestamp that was kept earlier stays when the version is the same: it must be this one.
        let named = self.timestamp_version() == Some(lease.timestamp.version)
            && self.gate.kept_timestamp()?.as_ref() == Some(&lease.timestamp.sha256);
        if !named {
            self.judged = None;
            return Err(TrustError::Mismatch("timestamp.json: not the one that lease.json names".into()));
        }
        Ok(())
    }

    /// The target `name`, if a role that may says so; delegated roles are fetched on the way.
    ///
    /// # Errors
    /// When the name is no plain path, before a refresh, or when a role on the way is not trusted.
    pub fn target(&mut self, name: &str) -> Result<Option<Target>, TrustError> {
        let found = self.look_up(name)?;
        let consistent = self.updater.trusted().root().consistent_snapshot;
        found.map(|file| Target::new(name, file, consistent)).transpose()
    }

    /// All targets directly in `folder`, such as `models/detector`, each from the role that may name it.
    ///
    /// # Errors
    /// As for [`Verifier::target`].
    pub fn targets_of(&mut self, folder: &str) -> Result<Vec<Target>, TrustError> {
        // Asking for a name that nobody gives a target loads every role that may name one there.
        self.target(&format!("{folder}/-"))?;
        let trusted = self.updater.trusted();
        let pinned = trusted.snapshot().map(|snapshot| snapshot.meta.keys()).into_iter().flatten();
        let roles = pinned.filter_map(|file| trusted.targets_role(file.strip_suffix(".json")?));
        let directly = |name: &&String| {
            let rest = name.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
            rest.is_some_and(|file| !file.contains('/'))
        };
        let listed: BTreeSet<String> =
            roles.flat_map(|role| role.targets.keys().filter(directly)).cloned().collect();
        let mut targets = Vec::with_capacity(listed.len());
        for name in listed {
            // A role may list what it has no right to; only the walk from the top says who may.
            targets.extend(self.target(&name)?);
        }
        Ok(targets)
    }

    /// The bytes of the target `name`, of at most `limit` bytes, compared with its length and with the
    /// digest that was signed: SHA-256, or SHA-512 where there is no other. For small documents; a slot
    /// is named after its SHA-256 and comes by [`Verifier::target`].
    ///
    /// # Errors
    /// As for [`Verifier::target`], and when it is longer, not there, or not what was signed.
    pub fn read(&mut self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, TrustError> {
        let Some(file) = self.look_up(name)? else { return Ok(None) };
        if file.length > limit {
            return Err(TrustError::TooLarge { name: name.into(), limit });
        }
        let signed = SignedDigest::of(name, &file)?;
        let path = served_at(name, signed.as_str(), self.updater.trusted().root().consistent_snapshot);
        let bytes = self.gate.target(&path, file.length)?;
        let length = bytes.len() as u64;
        if length != file.length || !signed.is_of(&bytes) {
            let (expected, digest) = (file.length, signed.as_str());
            let problem = format!("{path}: {length} bytes, where {expected} bytes, {digest} are signed");
            return Err(TrustError::Mismatch(problem));
        }
        Ok(Some(bytes))
    }

    fn look_up(&mut self, name: &str) -> Result<Option<TargetFile>, TrustError> {
        names::clean_path(name).map_err(|problem| TrustError::malformed(name, problem))?;
        let now = self.judged.ok_or(TrustError::NotRefreshed)?;
        let found = ready(self.updater.get_target_info(name, now));
        self.gate.settle(found)
    }

    /// The version of the root that is trusted now.
    #[must_use]
    pub fn root_version(&self) -> u64 {
        self.updater.trusted().root().version
    }

    /// When the root that is trusted now expires.
    #[must_use]
    pub fn root_expires(&self) -> jiff::Timestamp {
        self.updater.trusted().root().expires
    }

    /// The version of the timestamp, once a refresh came that far.
    #[must_use]
    pub fn timestamp_version(&self) -> Option<u64> {
        self.updater.trusted().timestamp().map(|timestamp| timestamp.version)
    }

    /// The time that the metadata was judged at: the refresh's, or the lease's.
    #[must_use]
    pub fn judged_at(&self) -> Option<jiff::Timestamp> {
        self.judged
    }
}

fn limits() -> UpdaterConfig {
    let mut limits = UpdaterConfig::default();
    limits.root_max_length = ROOT_LIMIT;
    limits.timestamp_max_length = TIMESTAMP_LIMIT;
    limits.snapshot_max_length = SNAPSHOT_LIMIT;
    limits.targets_max_length = TARGETS_LIMIT;
    limits.max_root_rotations = MAX_ROOT_ROTATIONS;
    limits
}

/// What a step of the core comes to.
fn ready<T>(step: impl Future<Output = T>) -> T {
    step.now_or_never().expect("the core waits for its transport alone, and ours is always ready")
}
