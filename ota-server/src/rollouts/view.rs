//! Rollouts as the operator's API shows them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cohorts::Cohort;
use super::thresholds::Thresholds;
use crate::db::rollouts::Kept;
use lineside_bundle::rollout::{Rollout, State};

/// A line of `rollout list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Its name.
    pub id: String,
    /// The model.
    pub model: String,
    /// The group.
    pub group: String,
    /// The release.
    pub release: u32,
    /// Whether it goes.
    pub state: State,
    /// Why it does not.
    pub reason: String,
    /// Its newest revision.
    pub revision: u32,
    /// Whether that one is signed and served.
    pub published: bool,
    /// Whether devices see it: a newer rollout of the same group and model takes its place.
    pub live: bool,
}

impl Summary {
    pub(super) fn of(kept: &Kept) -> Summary {
        let document = &kept.document;
        Summary {
            id: document.id.clone(),
            model: document.model.clone(),
            group: document.group.clone(),
            release: document.release,
            state: document.state,
            reason: kept.pause_reason.clone(),
            revision: document.revision,
            published: kept.published_revision >= i64::from(document.revision),
            live: kept.live,
        }
    }
}

/// What `rollout show` shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The short of it.
    #[serde(flatten)]
    pub summary: Summary,
    /// The newest revision of its document.
    pub document: Rollout,
    /// When it pauses by itself.
    pub thresholds: Thresholds,
    /// How far the ramp has come, in hundredths of a percent.
    pub percent_now_hundredths: u16,
    /// The tag by whose values devices are counted; none when all are one cohort.
    pub cohort_tag: Option<String>,
    /// How the devices stand.
    pub cohorts: BTreeMap<String, Cohort>,
}
