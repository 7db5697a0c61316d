//! What the updater shows: on the board, to operators, in reports.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::managed::Managed;
use super::report::Running;
use super::updater::Unpolled;
use crate::status::report::{ModelUpdate, UpdateStatus};

/// A model as `lineside model list` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its name.
    pub model: String,
    /// The version that runs.
    pub version: String,
    /// The release that runs.
    pub release: u32,
    /// Whether it is the one that is built in.
    pub factory: bool,
    /// `idle`, `shadow`, `ready` or `soak`.
    pub stage: String,
    /// The version that comes back when this one fails.
    pub previous: String,
    /// The release committed last.
    pub floor: u32,
    /// Updates are held off.
    pub pinned: bool,
    /// The factory model runs because a proven one was lost.
    pub safe_mode: bool,
    /// Releases that are not taken again, with the reason.
    pub denied: BTreeMap<u32, String>,
}

/// A model for an operator.
#[must_use]
pub fn listed(managed: &Managed) -> Listed {
    let state = managed.slots().state();
    let Running { model, version, release } = running(managed);
    let previous = state.previous.as_ref().map(|slot| slot.version.clone());
    Listed {
        model,
        version,
        release,
        factory: state.active.is_none(),
        stage: managed.stage().to_owned(),
        previous: previous.unwrap_or_else(|| "factory".to_owned()),
        floor: state.floor,
        pinned: state.pinned,
        safe_mode: state.safe_mode,
        denied: state.denied.values().map(|denial| (denial.release, denial.reason.clone())).collect(),
    }
}

/// What runs of a model.
#[must_use]
pub fn running(managed: &Managed) -> Running {
    let hosted = managed.host().model();
    let (version, release) = match &managed.slots().state().active {
        Some(slot) => (slot.version.clone(), slot.release),
        None => (hosted.factory_version.clone(), hosted.factory_release),
    };
    Running { model: hosted.name.clone(), version, release }
}

/// Brings the board up to date; `polls` is how often the server was asked, where there is one.
pub fn show(
    status: &mut UpdateStatus,
    models: &[Managed],
    waiting: &BTreeMap<String, String>,
    outcome: Option<&Result<(), Unpolled>>,
    polls: Option<u64>,
) {
    status.enabled = polls.is_some();
    status.polls = polls.unwrap_or_default();
    status.error = match outcome {
        Some(Err(unpolled)) => Some(format!("{}: {}", unpolled.reason, unpolled.detail)),
        _ => None,
    };
    status.stale = matches!(outcome, Some(Err(unpolled)) if unpolled.reason == "stale_metadata");
    status.models = models
        .iter()
        .map(|managed| {
            let Listed { model, release, stage, pinned, safe_mode, .. } = listed(managed);
            let waiting = waiting.get(&model).cloned().unwrap_or_default();
            ModelUpdate { name: model, release, stage, waiting, pinned, safe_mode }
        })
        .collect();
}
