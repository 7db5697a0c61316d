//! `custom.bundle`: what the signed metadata says about a bundle before anybody downloads it.

use serde::{Deserialize, Serialize};

use crate::device::DeviceFacts;
use crate::digest::Sha256Hex;
use crate::manifest::{Requires, Task};
use crate::trust::{Target, clean_path};
use crate::version::Version;

/// What a release is, and what it needs. Keys that this version does not know are skipped here, but not
/// in [`Requires`]: a need that is not understood is not met.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReleaseInfo {
    /// The model's name.
    pub name: String,
    /// Its version for people.
    pub version: Version,
    /// Counts up by one with every release.
    pub release: u32,
    /// What it is for.
    pub task: Task,
    /// What a device must have.
    pub requires: Requires,
    /// This release may replace any release up to this one, though its own number is lower.
    #[serde(default)]
    pub permits_downgrade_from: u32,
    /// Shorter ways from earlier releases.
    #[serde(default)]
    pub patches: Vec<PatchInfo>,
}

/// A patch from an earlier release to this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchInfo {
    /// The earlier release.
    pub from_release: u32,
    /// Digest of its bundle.
    pub from_sha256: Sha256Hex,
    /// The patch's target name.
    pub target: String,
}

/// Why a target is no release.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{target}: key `custom.bundle.{key}`: {problem}; sign the release again with `lineside-ota`")]
pub struct ReleaseError {
    /// The target's name.
    pub target: String,
    /// The key, `.` for all of it.
    pub key: String,
    /// What is wrong.
    pub problem: String,
}

/// Why a release is not for this device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// For other processors.
    #[error("released for {released:?}, and this device is `{device}`")]
    Arch {
        /// The processors of the release.
        released: Vec<String>,
        /// The device's.
        device: String,
    },
    /// For a later agent.
    #[error("needs agent {needed}, and this is {device}: update the agent first")]
    Agent {
        /// The oldest that fits.
        needed: Version,
        /// The device's.
        device: Version,
    },
    /// For a device with more memory.
    #[error("needs {needed} KiB of memory, and this device has {device} for it")]
    Memory {
        /// What is needed.
        needed: u64,
        /// What there is.
        device: u64,
    },
}

impl Misfit {
    /// A stable word for it, in reports and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        "rejected_incompatible"
    }
}

impl ReleaseInfo {
    /// What a verified target says about the bundle it names.
    ///
    /// # Errors
    /// When it names no bundle, or one of another name, version or release than it says.
    pub fn of(target: &Target) -> Result<Self, ReleaseError> {
        let refused = |key: &str, problem: String| {
            Err(ReleaseError { target: target.name.clone(), key: key.into(), problem })
        };
        let Some(bundle) = target.custom.as_ref().and_then(|custom| custom.get("bundle")) else {
            return refused(".", "it is missing".into());
        };
        let info: ReleaseInfo = match serde_path_to_error::deserialize(bundle) {
            Ok(info) => info,
            Err(e) => return refused(&e.path().to_string(), e.inner().to_string()),
        };
        if target.name != info.target_name() {
            return refused("name", format!("it describes `{}`", info.target_name()));
        }
        if let Some((patch, problem)) =
            info.patches.iter().find_map(|patch| Some((patch, clean_path(&patch.target).err()?)))
        {
            return refused("patches", format!("`{}`: {problem}", patch.target));
        }
        Ok(info)
    }

    /// The name of the bundle's target.
    #[must_use]
    pub fn target_name(&self) -> String {
        let ReleaseInfo { name, version, release, .. } = self;
        format!("models/{name}/{name}-{version}-r{release}.tar")
    }

    /// Whether it is for this device.
    ///
    /// # Errors
    /// Says what the device lacks.
    pub fn fits(&self, device: &DeviceFacts) -> Result<(), Misfit> {
        let Requires { agent, arch, memory_kib } = &self.requires;
        // As in the manifest: none named is any.
        if !arch.is_empty() && !arch.contains(&device.arch) {
            return Err(Misfit::Arch { released: arch.clone(), device: device.arch.clone() });
        }
        if device.agent < *agent {
            return Err(Misfit::Agent { needed: *agent, device: device.agent });
        }
        if device.memory_kib != 0 && device.memory_kib < *memory_kib {
            return Err(Misfit::Memory { needed: *memory_kib, device: device.memory_kib });
        }
        Ok(())
    }

    /// Whether it may be installed over `floor`, the highest release ever committed: releases only
    /// count up, but for a signed permit.
    #[must_use]
    pub fn may_follow(&self, floor: u32) -> bool {
        self.release > floor || (self.release < floor && floor <= self.permits_downgrade_from)
    }
}

#[cfg(test)]
mod tests;
