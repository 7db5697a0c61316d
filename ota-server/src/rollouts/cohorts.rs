//! How a rollout stands, by cohort: the devices that have the same value of a tag. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lineside_bundle::DeviceFacts;
use lineside_bundle::rollout::{Decision, Rollout, State, bucket};
use serde::{Deserialize, Serialize};

use super::thresholds::Thresholds;
use crate::db::devices::Device;
use crate::db::progress::Standing;

/// The devices of one cohort. A device is in exactly one of `waiting` and the phases.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cohort {
    /// Enrolled devices of the group that match the predicates.
    pub devices: u64,
    /// Of those, such as the ramp has reached.
    pub reached: u64,
    /// Said nothing of this rollout yet.
    pub waiting: u64,
    /// Know of it.
    pub offered: u64,
    /// Load it.
    pub downloading: u64,
    /// Have it, whole and verified.
    pub verified: u64,
    /// Run it beside the old one.
    pub shadow: u64,
    /// Run it on trial.
    pub active: u64,
    /// Soaked: run it for good.
    pub committed: u64,
    /// Went back, by reason.
    pub rolled_back: BTreeMap<String, u64>,
    /// Did not get that far, by reason.
    pub failed: BTreeMap<String, u64>,
    /// Refused it before the download, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Of those reached and not committed, such as have not reported at all for long.
    pub silent: u64,
}

/// Counts devices by the value of `tag`; without one, all are the cohort `all`.
#[must_use]
pub fn cohorts(
    rollout: &Rollout,
    thresholds: &Thresholds,
    tag: Option<&str>,
    devices: &[Device],
    standings: &[Standing],
    now: Timestamp,
) -> BTreeMap<String, Cohort> {
    let standings: BTreeMap<&str, &Standing> = standings.iter().map(|s| (s.device.as_str(), s)).collect();
    let reach = rollout.percent_at(now);
    // Whom a rollout means does not change when it is paused.
    let meant = Rollout { state: State::Running, ..rollout.clone() };
    let silent_before = before(now, thresholds.silent_after_s);
    let mut cohorts: BTreeMap<String, Cohort> = BTreeMap::new();
    for device in devices.iter().filter(|device| matches(&meant, device, now)) {
        let name = match tag {
            Some(tag) => device.tags.get(tag).map_or("(none)", String::as_str),
            None => "all",
        };
        let cohort = cohorts.entry(name.to_owned()).or_default();
        cohort.devices += 1;
        let standing = standings.get(device.device.as_str());
        let reached = bucket(&rollout.salt, &device.device) < reach;
        cohort.reached += u64::from(reached || standing.is_some());
        cohort.count(standing.copied());
        let open = standing.map_or(reached, |s| s.phase != "committed");
        cohort.silent += u64::from(open && device.reported < silent_before);
    }
    cohorts
}

/// Whether the group and the predicates mean this device. The device decides for itself; this asks the
/// same code.
fn matches(rollout: &Rollout, device: &Device, now: Timestamp) -> bool {
    // A version that is being worked on counts as the one that it becomes; what is none is older
    // than all.
    let number = device.agent.split(['-', '+']).next().unwrap_or_default();
    let Ok(agent) = number.parse().or_else(|_| "0.0.0".parse()) else { return false };
    let facts = DeviceFacts {
        id: device.device.clone(),
        agent,
        arch: device.arch.clone(),
        memory_kib: 0,
        tags: device.tags.clone(),
    };
    let now = now.to_zoned(jiff::tz::TimeZone::UTC);
    device.group == rollout.group && !matches!(rollout.decide(&facts, &now), Decision::No(_))
}

impl Cohort {
    fn count(&mut self, standing: Option<&Standing>) {
        let Some(standing) = standing else {
            self.waiting += 1;
            return;
        };
        let by_reason = match standing.phase.as_str() {
            "offered" => return self.offered += 1,
            "downloading" => return self.downloading += 1,
            "verified" => return self.verified += 1,
            "shadow" => return self.shadow += 1,
            "active" => return self.active += 1,
            "committed" => return self.committed += 1,
            "rolled_back" => &mut self.rolled_back,
            "rejected" => &mut self.rejected,
            _ => &mut self.failed,
        };
        let reason = if standing.reason.is_empty() { "unnamed" } else { &standing.reason };
        *by_reason.entry(reason.to_owned()).or_default() += 1;
    }
}

/// A time so long before another, in milliseconds since 1970.
pub(super) fn before(now: Timestamp, seconds: u64) -> i64 {
    now.as_millisecond().saturating_sub(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000))
}
