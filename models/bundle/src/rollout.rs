//! The rollout document: which release a group should run, and when each device of it goes.
//!
//! Pure: the same document, device and time give the same decision. A device that may go at one time may
//! go at every later one, unless the document is paused or aborted, or its window closes.

mod bucket;
mod check;
mod window;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::device::DeviceFacts;
use crate::digest::Sha256Hex;
use crate::version::Version;

pub use bucket::{BUCKETS, bucket};
pub use check::RolloutError;
pub use window::{Clock, Window};

/// The schema this version reads and writes.
pub const SCHEMA: u32 = 1;
/// Basis points in a percent: the ramp is reckoned in ten-thousandths, like the buckets.
const BASIS_POINTS: u16 = 100;

/// A rollout document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rollout {
    /// Version of the document's own form.
    pub schema: u32,
    /// Names the rollout in reports.
    pub id: String,
    /// Counts up with every change of this rollout.
    pub revision: u32,
    /// The model.
    pub model: String,
    /// The group of devices.
    pub group: String,
    /// The release to run.
    pub release: u32,
    /// Its target name.
    pub target: String,
    /// Its digest.
    pub sha256: Sha256Hex,
    /// Shuffles devices into buckets; another salt is another order.
    pub salt: String,
    /// When the ramp begins.
    pub start: jiff::Timestamp,
    /// How many go, by time: linear between the points, level after the last, 0 before the first.
    pub ramp: Vec<Point>,
    /// Whether it goes on.
    pub state: State,
    /// The hours in which devices may go; always when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Which devices of the group it is for.
    #[serde(default)]
    pub predicates: Predicates,
}

/// A point of the ramp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Seconds after the start.
    pub after_s: u64,
    /// Percent of the devices.
    pub percent: u8,
}

/// Whether a rollout goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It goes on.
    Running,
    /// Nobody goes until it goes on.
    Paused,
    /// Nobody goes any more.
    Aborted,
}

/// Which devices of the group a rollout is for. What is absent excludes nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Predicates {
    /// Processors.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub arch: Vec<String>,
    /// The oldest agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_agent: Option<Version>,
    /// Tags a device must have, each with one of the values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, Vec<String>>,
}

/// What a device does about a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go.
    Go,
    /// Not now.
    Wait(Reason),
    /// Not this rollout.
    No(Reason),
}

/// Why a device does not go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The rollout is paused.
    Paused,
    /// The rollout is aborted.
    Aborted,
    /// It starts later.
    NotStarted,
    /// The ramp has not reached the device's bucket.
    Ramp,
    /// It is outside the maintenance window.
    Window,
    /// It is for other processors.
    Arch,
    /// It is for later agents.
    AgentTooOld,
    /// It is for devices with other tags.
    Tags,
}

impl Reason {
    /// A stable word for it, in reports and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Paused => "paused",
            Reason::Aborted => "aborted",
            Reason::NotStarted => "not_started",
            Reason::Ramp => "ramp",
            Reason::Window => "window",
            Reason::Arch => "arch",
            Reason::AgentTooOld => "agent_too_old",
            Reason::Tags => "tags",
        }
    }
}

impl Rollout {
    /// Reads a document.
    ///
    /// # Errors
    /// Names the key of what is unknown, missing, of the wrong type or impossible.
    pub fn parse(bytes: &[u8]) -> Result<Self, RolloutError> {
        check::parse(bytes)
    }

    /// How many devices may have gone by `now`, in hundredths of a percent.
    #[must_use]
    pub fn percent_at(&self, now: jiff::Timestamp) -> u16 {
        let Ok(elapsed) = u64::try_from(now.as_second() - self.start.as_second()) else { return 0 };
        if now < self.start {
            return 0;
        }
        let level = |point: &Point| u16::from(point.percent) * BASIS_POINTS;
        let next = self.ramp.iter().position(|point| point.after_s > elapsed);
        match next {
            Some(0) => 0,
            None => self.ramp.last().map_or(0, level),
            Some(next) => {
                let (from, to) = (&self.ramp[next - 1], &self.ramp[next]);
                let rise = u128::from(level(to).saturating_sub(level(from)));
                let risen = rise * u128::from(elapsed - from.after_s) / u128::from(to.after_s - from.after_s);
                level(from) + u16::try_from(risen).expect("less than the rise, which is a u16")
            }
        }
    }

    /// What a device does about it at `now`, a time in the device's own zone.
    #[must_use]
    pub fn decide(&self, device: &DeviceFacts, now: &jiff::Zoned) -> Decision {
        let Predicates { arch, min_agent, tags } = &self.predicates;
        if self.state == State::Aborted {
            return Decision::No(Reason::Aborted);
        }
        if !arch.is_empty() && !arch.contains(&device.arch) {
            return Decision::No(Reason::Arch);
        }
        if min_agent.is_some_and(|oldest| device.agent < oldest) {
            return Decision::No(Reason::AgentTooOld);
        }
        if !tags.iter().all(|(tag, values)| device.tags.get(tag).is_some_and(|value| values.contains(value)))
        {
            return Decision::No(Reason::Tags);
        }
        if self.state == State::Paused {
            return Decision::Wait(Reason::Paused);
        }
        if now.timestamp() < self.start {
            return Decision::Wait(Reason::NotStarted);
        }
        if bucket(&self.salt, &device.id) >= self.percent_at(now.timestamp()) {
            return Decision::Wait(Reason::Ramp);
        }
        if self.window.is_some_and(|window| !window.contains(now.time())) {
            return Decision::Wait(Reason::Window);
        }
        Decision::Go
    }
}

#[cfg(test)]
mod tests;
