//! Which release, if any, this gateway should take now: what the rollout asks for, held against
//! what was signed offline and what happened here before. Nothing is downloaded for it but
//! metadata.

use lineside_bundle::DeviceFacts;
use lineside_bundle::release::ReleaseInfo;
use lineside_bundle::rollout::{Decision, Rollout};
use lineside_bundle::trust::{Target, TrustError, Verifier};

use super::state::{ModelState, Refusal, Slot};

/// A rollout document is some hundred bytes.
pub const ROLLOUT_LIMIT: u64 = 64 << 10;

/// A release that this gateway should take.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The slot it would become.
    pub slot: Slot,
    /// The bundle.
    pub target: Target,
    /// What was signed about it.
    pub info: ReleaseInfo,
    /// The rollout's id; empty where an engineer asks for it.
    pub rollout: String,
}

/// What there is to do for a model.
#[derive(Clone, Debug)]
pub enum Choice {
    /// Nothing; the word says why, for the status.
    Nothing(String),
    /// Something, but not now: the rollout is paused, or this gateway's turn has not come.
    Wait(String),
    /// A release was asked for that must not run here.
    Rejected {
        /// The release.
        slot: Slot,
        /// The rollout that asks for it.
        rollout: String,
        /// The stable word.
        reason: &'static str,
        /// For people.
        detail: String,
    },
    /// A release that should be brought here.
    Take(Box<Candidate>),
}

/// What the gateway's group is asked to run of `model`.
///
/// # Errors
/// When the metadata cannot be trusted.
pub fn follow(
    verifier: &mut Verifier,
    group: &str,
    model: &str,
    state: &ModelState,
    facts: &DeviceFacts,
    now: &jiff::Zoned,
) -> Result<Choice, TrustError> {
    let name = format!("rollouts/{group}/{model}.json");
    let Some(bytes) = verifier.read(&name, ROLLOUT_LIMIT)? else { return Ok(nothing("no_rollout")) };
    let rollout = match Rollout::parse(&bytes) {
        Ok(rollout) if rollout.model == model && rollout.group == group => rollout,
        Ok(_) => return Ok(nothing("rollout_for_another")),
        Err(error) => return Ok(Choice::Nothing(format!("bad_rollout: {error}"))),
    };
    match rollout.decide(facts, now) {
        Decision::Go => {}
        Decision::Wait(reason) => return Ok(Choice::Wait(reason.as_str().to_owned())),
        Decision::No(reason) => return Ok(Choice::Nothing(reason.as_str().to_owned())),
    }
    let Some(bundle) = verifier.target(&rollout.target)? else {
        return Ok(nothing("release_not_signed"));
    };
    if bundle.sha256 != rollout.sha256 {
        return Ok(nothing("release_is_another"));
    }
    Ok(judge(bundle, model, rollout.release, rollout.id, state, facts))
}

/// The newest release of `model` that was signed and may run here, whatever rollouts say: for an
/// engineer with the repository in hand.
///
/// # Errors
/// When the metadata cannot be trusted.
pub fn newest(
    verifier: &mut Verifier,
    model: &str,
    state: &ModelState,
    facts: &DeviceFacts,
) -> Result<Choice, TrustError> {
    let release = |target: &Target| Some(info(target)?.release);
    let mut found = verifier.targets_of(&format!("models/{model}"))?;
    found.retain(|target| target.name.ends_with(".tar") && release(target).is_some());
    found.sort_by_key(|target| std::cmp::Reverse(release(target)));
    let mut last = nothing("no_release");
    for target in found {
        let number = release(&target).unwrap_or_default();
        last = judge(target, model, number, String::new(), state, facts);
        // A release that runs already, or that nothing may go behind, ends the search.
        match &last {
            Choice::Rejected { .. } => {}
            Choice::Nothing(_) | Choice::Wait(_) | Choice::Take(_) => break,
        }
    }
    Ok(last)
}

fn judge(
    target: Target,
    model: &str,
    release: u32,
    rollout: String,
    state: &ModelState,
    facts: &DeviceFacts,
) -> Choice {
    let version = info(&target).map(|info| info.version.to_string()).unwrap_or_default();
    let slot = Slot { sha256: target.sha256.clone(), release, version };
    let rejected = |reason: &'static str, detail: String| Choice::Rejected {
        slot: slot.clone(),
        rollout: rollout.clone(),
        reason,
        detail,
    };
    let Some(info) = info(&target) else {
        return rejected("malformed", format!("{}: nothing is signed about it", target.name));
    };
    if info.name != model || info.release != release {
        let detail = format!("signed as {} release {}", info.name, info.release);
        return rejected("release_is_another", detail);
    }
    match state.refuses(&target.sha256, info.may_follow(state.floor)) {
        None => {}
        Some(Refusal::Active) => return nothing("active"),
        Some(Refusal::Pinned) => return nothing("pinned"),
        Some(Refusal::Denied(denial)) => return Choice::Nothing(format!("denied: {}", denial.reason)),
        Some(Refusal::Downgrade { floor }) => {
            return rejected(
                "rollback",
                format!("release {floor} was committed here, none permits to go back"),
            );
        }
    }
    if let Err(why) = info.fits(facts) {
        return rejected("rejected_incompatible", why.to_string());
    }
    Choice::Take(Box::new(Candidate { slot, target, info, rollout }))
}

fn info(target: &Target) -> Option<ReleaseInfo> {
    ReleaseInfo::of(target).ok()
}

fn nothing(why: &str) -> Choice {
    Choice::Nothing(why.to_owned())
}
