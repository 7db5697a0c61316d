//! Releases of a model, as their role names them.

pub use lineside_bundle::release::{PatchInfo, ReleaseInfo};
use serde::Deserialize;

use crate::tuf::Targets;

/// A release that is in the repository.
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    /// Its target's path.
    pub target: String,
    /// The digest of the bundle.
    pub sha256: String,
    /// Its length in bytes.
    pub length: u64,
    /// What is signed of it.
    pub info: ReleaseInfo,
}

impl Release {
    /// All releases that a role names, oldest first.
    #[must_use]
    pub fn all(role: &Targets) -> Vec<Release> {
        let mut releases: Vec<Release> = role
            .targets
            .iter()
            .filter_map(|(path, file)| {
                let info = file.custom.as_ref()?.get("bundle")?;
                Some(Release {
                    target: path.clone(),
                    sha256: file.sha256().to_owned(),
                    length: file.length,
                    info: ReleaseInfo::deserialize(info).ok()?,
                })
            })
            .collect();
        releases.sort_by_key(|release| release.info.release);
        releases
    }
}
