//! What a gateway knows of one model's slots: which one is active, which one comes back, what is
//! denied. One value, kept in one small file that is replaced durably, so that exactly one model
//! is active at any instant.
//!
//! Everything here is pure: a state goes in, a state comes out, and [`super::slots`] writes it
//! down before anybody acts on it.

use std::collections::BTreeMap;

use lineside_bundle::Sha256Hex;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Starts of the process that a release on trial may take; at the next one it goes back. Two
/// could be a power cut and its repair, three are the release.
pub const TRIAL_STARTS: u32 = 3;

/// The reason of a release that an operator sent back.
pub const OPERATOR: &str = "operator";

/// A bundle on the disk, or the one that is built in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Digest of the tar: the digest that was signed, and the slot's file name.
    pub sha256: Sha256Hex,
    /// Its release.
    pub release: u32,
    /// Its version for people.
    pub version: String,
}

/// A release that is active but not proven yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// The attempt, as reports name it.
    pub attempt: String,
    /// The rollout that asked for it; empty where an engineer did.
    pub rollout: String,
    /// Starts of the process since it became active.
    pub starts: u32,
}

/// Why a release is not tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Denial {
    /// Its release.
    pub release: u32,
    /// The stable word, such as `golden_mismatch`.
    pub reason: String,
    /// In microseconds since 1970.
    pub at: i64,
}

/// The state of one model. `None` for a slot means the factory model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelState {
    /// What runs.
    pub active: Option<Slot>,
    /// What comes back when the active one fails.
    pub previous: Option<Slot>,
    /// Set while the active one is on trial.
    pub trial: Option<Trial>,
    /// The release that was committed last. A lower one is refused unless a signed permit says
    /// otherwise.
    pub floor: u32,
    /// Digest of what was committed last: these bytes may come back after they were lost or sent
    /// back and allowed again, others of the same number may not.
    pub floor_sha256: Option<Sha256Hex>,
    /// Updates are held off by an operator.
    pub pinned: bool,
    /// Both slots failed: the factory model runs, and somebody should look.
    pub safe_mode: bool,
    /// Releases that failed here, by digest.
    pub denied: BTreeMap<Sha256Hex, Denial>,
}

/// A release that was sent back, for the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reverted {
    /// What failed.
    pub failed: Slot,
    /// The trial it was on, if it was on one.
    pub trial: Option<Trial>,
    /// The stable word.
    pub reason: String,
}

impl ModelState {
    /// Puts a release on trial. The one that runs now is what comes back, unless that is on trial
    /// itself: then it is the last proven one.
    #[must_use]
    pub fn on_trial(&self, slot: Slot, attempt: String, rollout: String) -> ModelState {
        let previous = if self.trial.is_some() { self.previous.clone() } else { self.active.clone() };
        let trial = Some(Trial { attempt, rollout, starts: 0 });
        ModelState { active: Some(slot), previous, trial, safe_mode: false, ..self.clone() }
    }

    /// The release on trial has proven itself.
    #[must_use]
    pub fn committed(&self) -> ModelState {
        let Some(active) = &self.active else { return self.clone() };
        let (floor, floor_sha256) = (active.release, Some(active.sha256.clone()));
        ModelState { trial: None, floor, floor_sha256, ..self.clone() }
    }

    /// The active release has failed: the previous one is back, the failed one is denied.
    #[must_use]
    pub fn reverted(&self, reason: &str, now: Timestamp) -> (ModelState, Option<Reverted>) {
        let Some(failed) = self.active.clone() else { return (self.clone(), None) };
        let denial = Denial { release: failed.release, reason: reason.to_owned(), at: now.as_micros() };
        let mut denied = self.denied.clone();
        denied.insert(failed.sha256.clone(), denial);
        let state = ModelState {
            active: self.previous.clone(),
            previous: None,
            trial: None,
            // A proven model is gone and there is none behind it.
            safe_mode: self.trial.is_none() && self.previous.is_none() && reason != OPERATOR,
            denied,
            ..self.clone()
        };
        (state, Some(Reverted { failed, trial: self.trial.clone(), reason: reason.to_owned() }))
    }

    /// A release failed before it became active: it is denied, nothing else changes.
    #[must_use]
    pub fn denied(&self, slot: &Slot, reason: &str, now: Timestamp) -> ModelState {
        let denial = Denial { release: slot.release, reason: reason.to_owned(), at: now.as_micros() };
        let mut state = self.clone();
        state.denied.insert(slot.sha256.clone(), denial);
        state
    }

    /// What the start of a process makes of it: a release on trial has used up one more start, or
    /// its last one.
    #[must_use]
    pub fn started(&self, now: Timestamp) -> (ModelState, Option<Reverted>) {
        let mut state = self.clone();
        let Some(trial) = &mut state.trial else { return (state, None) };
        trial.starts += 1;
        if trial.starts > TRIAL_STARTS { self.reverted("crash_loop", now) } else { (state, None) }
    }

    /// Why a release would not be tried: `None` when it may be. `may_follow` is whether what was
    /// signed lets it be installed over the floor.
    #[must_use]
    pub fn refuses(&self, sha256: &Sha256Hex, may_follow: bool) -> Option<Refusal> {
        if self.pinned {
            Some(Refusal::Pinned)
        } else if self.active.as_ref().is_some_and(|slot| slot.sha256 == *sha256) {
            Some(Refusal::Active)
        } else if let Some(denial) = self.denied.get(sha256) {
            Some(Refusal::Denied(denial.clone()))
        } else if !may_follow && self.floor_sha256.as_ref() != Some(sha256) {
            Some(Refusal::Downgrade { floor: self.floor })
        } else {
            None
        }
    }

    /// Every slot whose file must stay.
    pub fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.active.iter().chain(&self.previous)
    }
}

/// Why a release is not tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It runs already.
    Active,
    /// An operator holds updates off.
    Pinned,
    /// It failed here before.
    Denied(Denial),
    /// A later release was committed, and nothing signed permits to go back.
    Downgrade {
        /// The release committed last.
        floor: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(release: u32) -> Slot {
        Slot { sha256: Sha256Hex::of(&release.to_le_bytes()), release, version: format!("1.{release}.0") }
    }

    fn proven(release: u32) -> ModelState {
        ModelState::default().on_trial(slot(release), "a".into(), String::new()).committed()
    }

    const NOW: Timestamp = Timestamp::EPOCH;

    #[test]
    fn row_17_an_older_release_is_refused_unless_a_signed_permit_says_otherwise() {
        let state = proven(5);
        let older = slot(4);
        assert_eq!(state.refuses(&older.sha256, false), Some(Refusal::Downgrade { floor: 5 }));
        assert_eq!(state.refuses(&older.sha256, true), None);
        // What was committed last may come back after it was lost; other bytes of its number may not.
        assert_eq!(state.refuses(&slot(9).sha256, false), Some(Refusal::Downgrade { floor: 5 }));
        let (back, _) = state.reverted("slot_damaged", NOW);
        let allowed = ModelState { denied: BTreeMap::new(), ..back };
        assert_eq!(allowed.refuses(&slot(5).sha256, false), None);
    }

    #[test]
    fn row_28_a_release_that_gets_no_verdict_goes_back_after_its_starts() {
        let mut state = proven(1).on_trial(slot(2), "b".into(), "r".into());
        for _ in 0..TRIAL_STARTS {
            let (next, reverted) = state.started(NOW);
            assert_eq!(reverted, None);
            state = next;
        }
        let (state, reverted) = state.started(NOW);
        assert_eq!(reverted.unwrap().reason, "crash_loop");
        assert_eq!(state.active, Some(slot(1)));
    }

    #[test]
    fn row_35_a_release_that_was_sent_back_is_not_tried_again_and_a_newer_one_is() {
        let (state, _) = proven(1).on_trial(slot(2), "b".into(), "r".into()).reverted("soak", NOW);
        assert!(matches!(state.refuses(&slot(2).sha256, true), Some(Refusal::Denied(_))));
        assert_eq!(state.refuses(&slot(3).sha256, true), None);
    }

    #[test]
    fn row_34_safe_mode_is_a_proven_model_lost_with_none_behind_it() {
        let on_trial = proven(1).on_trial(slot(2), "b".into(), "r".into());
        let (back, _) = on_trial.reverted("load_failed", NOW);
        assert!(!back.safe_mode, "release 1 is back");
        let (factory, _) = back.reverted("load_failed", NOW);
        assert!(factory.safe_mode && factory.active.is_none());
        let first = ModelState::default().on_trial(slot(1), "a".into(), "r".into());
        assert!(!first.reverted("soak_failures", NOW).0.safe_mode, "the factory model was to come back");
        assert!(!proven(1).reverted(OPERATOR, NOW).0.safe_mode, "somebody wanted it");
    }

    #[test]
    fn a_trial_that_replaces_a_trial_keeps_the_proven_release_as_what_comes_back() {
        let state =
            proven(1).on_trial(slot(2), "b".into(), "r".into()).on_trial(slot(3), "c".into(), "r".into());
        assert_eq!(state.reverted("soak", NOW).0.active, Some(slot(1)));
    }

    #[test]
    fn a_failure_never_raises_the_floor() {
        let (state, _) = proven(1).on_trial(slot(7), "b".into(), "r".into()).reverted("soak", NOW);
        assert_eq!(state.floor, 1);
    }

    #[test]
    fn a_pinned_model_takes_nothing() {
        let state = ModelState { pinned: true, ..proven(1) };
        assert_eq!(state.refuses(&slot(2).sha256, true), Some(Refusal::Pinned));
    }
}
