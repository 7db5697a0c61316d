//! One model under update: from a verified candidate through shadow, trial and soak to its
//! commit, and back again when it fails.
//!
//! Promises: the model before runs until the new one is loaded; a release that fails goes back by
//! itself, is denied and reported; what one model goes through touches no other.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use lineside_bundle::manifest::{Budget, Trial as TrialSettings};
use lineside_bundle::{Archive, Bundle};
use tracing::{error, warn};

use super::attempt::{Attempt, Chronicle, STEPS_PER_START};
use super::disk::Disk;
use super::event::Phase;
use super::host::{Health, Host, Release};
use super::slots::{Opener, Opening, Slots};
use super::state::{OPERATOR, Reverted, Slot};

/// Fewer answers say nothing about a 95th percentile.
const MIN_TIMED: u64 = 100;
/// A release may take so many times what the one before took: a shared board is noisy.
const SLOWER: u64 = 2;

/// One model under update.
pub struct Managed {
    host: Box<dyn Host>,
    slots: Slots,
    stage: Stage,
    chronicle: Chronicle,
    /// The state in memory is ahead of the disk, which refused it.
    unsaved: bool,
}

/// Where a release stands that is not committed yet.
enum Stage {
    Idle,
    Shadow {
        attempt: Attempt,
        trial: TrialSettings,
        budget: Budget,
    },
    /// Shadow is over and was good: it becomes active when its rollout still says so.
    Ready {
        attempt: Attempt,
    },
    Soak {
        attempt: Attempt,
        trial: TrialSettings,
        since: Duration,
        allowed: Option<u64>,
    },
}

/// What was opened at a start of the process, before anything runs.
pub struct Opened {
    /// The slots.
    pub slots: Slots,
    /// How the release that runs is tried out; `None` for the factory model.
    pub trial: Option<TrialSettings>,
}

/// A model that runs, and its slots.
pub type Running = (Box<dyn Host>, Opened);

/// Opens a model's slots as the process starts and finds the bundle that can be loaded: the
/// active one, else the one before, else the factory model, for which there is no `M`. `load` is the
/// last word on a bundle.
///
/// # Errors
/// When the folder cannot be used at all.
pub fn open<M>(
    disk: Arc<dyn Disk>,
    model: &str,
    factory_release: u32,
    opener: Opener,
    chronicle: &Chronicle,
    load: impl Fn(Release) -> Result<M, String>,
) -> io::Result<(Opened, Option<M>)> {
    let now = chronicle.clock.now();
    let (mut slots, Opening { reverted, state_lost }) =
        Slots::open(disk, model, factory_release, opener, now)?;
    if state_lost {
        error!(model, "update: the state file was damaged; the factory model runs until there is an update");
    }
    reverted.iter().for_each(|reverted| say_reverted(chronicle, model, reverted, ""));
    while let Some(active) = slots.state().active.clone() {
        let found = open_slot(&slots, &active).and_then(|release| {
            let trial = release.bundle.manifest().trial;
            load(release).map(|model| (trial, model))
        });
        match found {
            Ok((trial, model)) => return Ok((Opened { slots, trial: Some(trial) }, Some(model))),
            Err(why) => {
                let (reverted, saved) = slots.revert("load_failed", now);
                if let Err(error) = saved {
                    error!(model, %error, "update: the state cannot be written");
                }
                reverted.iter().for_each(|reverted| say_reverted(chronicle, model, reverted, &why));
            }
        }
    }
    Ok((Opened { slots, trial: None }, None))
}

fn open_slot(slots: &Slots, slot: &Slot) -> Result<Release, String> {
    let file = slots.path(slot).ok_or("it lies on no disk")?;
    let bundle = Bundle::open(&file).map_err(|error| error.to_string())?;
    Ok(Release { bundle, file, sha256: slot.sha256.clone() })
}

fn say_reverted(chronicle: &Chronicle, model: &str, reverted: &Reverted, detail: &str) {
    let (id, rollout, starts) = match &reverted.trial {
        Some(trial) => (trial.attempt.clone(), trial.rollout.clone(), trial.starts),
        None => (format!("{}-later", reverted.failed.sha256), String::new(), 0),
    };
    let mut attempt = Attempt {
        id,
        seq: starts.saturating_add(1) * STEPS_PER_START,
        model: model.to_owned(),
        slot: reverted.failed.clone(),
        rollout,
        said: None,
    };
    attempt.say(chronicle, Phase::RolledBack, &reverted.reason, detail);
}

impl Managed {
    /// Takes over a model that was opened and runs on its host. A trial that a restart broke off
    /// soaks from the beginning.
    #[must_use]
    pub fn new(host: Box<dyn Host>, opened: Opened, chronicle: Chronicle) -> Self {
        let Opened { slots, trial: settings } = opened;
        let state = slots.state();
        let stage = match (&state.trial, &state.active, settings) {
            (Some(trial), Some(active), Some(settings)) => {
                let attempt = Attempt {
                    id: trial.attempt.clone(),
                    seq: trial.starts * STEPS_PER_START,
                    model: host.model().name.clone(),
                    slot: active.clone(),
                    rollout: trial.rollout.clone(),
                    said: None,
                };
                // How fast the one before was is not known any more.
                soak(attempt, settings, None, &chronicle)
            }
            _ => Stage::Idle,
        };
        Managed { host, slots, stage, chronicle, unsaved: false }
    }

    /// The model's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.host.model().name
    }

    /// Its host.
    #[must_use]
    pub fn host(&self) -> &dyn Host {
        self.host.as_ref()
    }

    /// Its slots.
    #[must_use]
    pub fn slots(&self) -> &Slots {
        &self.slots
    }

    /// Its slots, to take a download in or to change what an operator may change.
    pub fn slots_mut(&mut self) -> &mut Slots {
        &mut self.slots
    }

    /// Where the release stands that is not committed yet.
    #[must_use]
    pub fn stage(&self) -> &'static str {
        match self.stage {
            Stage::Idle => "idle",
            Stage::Shadow { .. } => "shadow",
            Stage::Ready { .. } => "ready",
            Stage::Soak { .. } => "soak",
        }
    }

    /// Whether a release is on trial.
    #[must_use]
    pub fn on_trial(&self) -> bool {
        matches!(self.stage, Stage::Soak { .. })
    }

    /// The release in shadow, or ready to become active.
    #[must_use]
    pub fn candidate(&self) -> Option<&Slot> {
        match &self.stage {
            Stage::Shadow { attempt, .. } | Stage::Ready { attempt } => Some(&attempt.slot),
            Stage::Idle | Stage::Soak { .. } => None,
        }
    }

    /// The release that has shown itself good and waits for [`Managed::activate`].
    #[must_use]
    pub fn ready(&self) -> Option<&Slot> {
        match &self.stage {
            Stage::Ready { attempt } => Some(&attempt.slot),
            _ => None,
        }
    }

    /// Begins with a release whose bytes and probe are good: in shadow where its manifest asks
    /// for it, otherwise ready at once, as is one that an engineer brings, who may do so while no
    /// agent runs. A candidate that was in shadow gives way.
    pub fn begin(&mut self, mut attempt: Attempt) {
        self.host.stop_shadow();
        let manifest = self.slots.path(&attempt.slot).ok_or("it lies on no disk".to_owned());
        let manifest = manifest.and_then(|file| {
            Archive::open(&file).and_then(|archive| archive.manifest()).map_err(|error| error.to_string())
        });
        let trial = match manifest {
            Ok(manifest) => manifest.trial,
            Err(why) => return self.refuse(attempt, "bad_bundle", &why),
        };
        if trial.shadow_windows == 0 || attempt.rollout.is_empty() {
            self.stage = Stage::Ready { attempt };
            return;
        }
        let bundle = match open_slot(&self.slots, &attempt.slot) {
            Ok(release) => release.bundle,
            Err(why) => return self.refuse(attempt, "load_failed", &why),
        };
        if let Err(why) = self.host.start_shadow(&bundle) {
            return self.refuse(attempt, "load_failed", &why.0);
        }
        attempt.say(&self.chronicle, Phase::Shadow, "", &format!("for {} windows", trial.shadow_windows));
        self.stage = Stage::Shadow { attempt, trial, budget: bundle.manifest().budget };
    }

    /// Ends a candidate that has not become active: its rollout does not want it any more.
    pub fn withdraw(&mut self, reason: &str) {
        if let Stage::Shadow { attempt, .. } | Stage::Ready { attempt } = &mut self.stage {
            attempt.say(&self.chronicle, Phase::Failed, reason, "withdrawn before it became active");
            self.host.stop_shadow();
            self.stage = Stage::Idle;
        }
    }

    /// Makes the ready release active, on trial.
    pub fn activate(&mut self) {
        let Stage::Ready { attempt } = &self.stage else { return };
        let mut attempt = attempt.clone();
        self.stage = Stage::Idle;
        self.host.stop_shadow();
        let release = match open_slot(&self.slots, &attempt.slot) {
            Ok(release) => release,
            Err(why) => return self.refuse(attempt, "load_failed", &why),
        };
        // Written down first: should the power go in the next moment, the trial is known.
        let activated =
            self.slots.activate(attempt.slot.clone(), attempt.id.clone(), attempt.rollout.clone());
        if let Err(error) = activated {
            attempt.say(&self.chronicle, Phase::Failed, disk_reason(&error), &error.to_string());
            return;
        }
        let manifest = release.bundle.manifest();
        let allowed = allowed_us(manifest.budget, self.host.health());
        match self.host.activate(Some(&release)) {
            Ok(()) => {
                attempt.say(&self.chronicle, Phase::Active, "", "");
                self.stage = soak(attempt, manifest.trial, allowed, &self.chronicle);
            }
            Err(why) => self.roll_back(attempt, "load_failed", &why.0),
        }
    }

    /// Looks at what is in shadow or on trial and gives the verdict when it is due.
    pub fn tick(&mut self) {
        if self.unsaved && self.slots.persist().is_ok() {
            self.unsaved = false;
        }
        match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Shadow { attempt, trial, budget } => self.watch_shadow(attempt, trial, budget),
            Stage::Soak { attempt, trial, since, allowed } => {
                self.watch_soak(attempt, trial, since, allowed);
            }
            stage => self.stage = stage,
        }
    }

    fn watch_shadow(&mut self, attempt: Attempt, trial: TrialSettings, budget: Budget) {
        let (seen, active) = (self.host.comparison(), self.host.health());
        if seen.failures > 0 {
            return self.refuse(attempt, "shadow_failures", &format!("{} windows", seen.failures));
        }
        if let Some(allowed) = allowed_us(budget, active).filter(|_| seen.windows >= MIN_TIMED)
            && seen.p95_us > allowed
        {
            let detail = format!("p95 {} µs, allowed {allowed} µs", seen.p95_us);
            return self.refuse(attempt, "over_latency", &detail);
        }
        if seen.windows < u64::from(trial.shadow_windows) {
            self.stage = Stage::Shadow { attempt, trial, budget };
            return;
        }
        if seen.agreement() < trial.min_agreement {
            let detail = format!("{:.4}, at least {}", seen.agreement(), trial.min_agreement);
            return self.refuse(attempt, "shadow_disagrees", &detail);
        }
        if trial.max_score_shift > 0.0 && seen.score_shift.abs() > trial.max_score_shift {
            let detail = format!("{:+.3}, at most {}", seen.score_shift, trial.max_score_shift);
            return self.refuse(attempt, "shadow_shifts", &detail);
        }
        self.host.stop_shadow();
        self.stage = Stage::Ready { attempt };
    }

    fn watch_soak(
        &mut self,
        mut attempt: Attempt,
        trial: TrialSettings,
        since: Duration,
        allowed: Option<u64>,
    ) {
        let health = self.host.health();
        if health.failures > 0 {
            let detail = format!("{} of {} windows", health.failures, health.answered);
            return self.roll_back(attempt, "soak_failures", &detail);
        }
        if let Some(allowed) = allowed.filter(|_| health.answered >= MIN_TIMED)
            && health.p95_us > allowed
        {
            let detail = format!("p95 {} µs, allowed {allowed} µs", health.p95_us);
            return self.roll_back(attempt, "over_latency", &detail);
        }
        let soaked = self.chronicle.clock.monotonic().saturating_sub(since);
        let long_enough = soaked >= Duration::from_secs(trial.soak_s.into());
        if !long_enough || health.answered < u64::from(trial.soak_windows) {
            self.stage = Stage::Soak { attempt, trial, since, allowed };
            return;
        }
        match self.slots.commit() {
            Ok(()) => attempt.say(&self.chronicle, Phase::Committed, "", ""),
            Err(error) => {
                warn!(model = self.name(), %error, "update: the commit cannot be written; the trial goes on");
                self.stage = Stage::Soak { attempt, trial, since, allowed };
            }
        }
    }

    /// Sends the active release back because an operator says so.
    ///
    /// # Errors
    /// When the factory model runs: there is nothing to go back to.
    pub fn operator_rollback(&mut self) -> Result<(), String> {
        let state = self.slots.state();
        let Some(active) = state.active.clone() else {
            return Err(format!("{}: the factory model runs, there is nothing to go back to", self.name()));
        };
        let attempt = match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Soak { attempt, .. } => attempt,
            _ => Attempt {
                id: format!("{}-operator-{}", active.sha256, self.chronicle.clock.now().as_micros()),
                seq: 0,
                model: self.name().to_owned(),
                slot: active,
                rollout: String::new(),
                said: None,
            },
        };
        self.host.stop_shadow();
        self.roll_back(attempt, OPERATOR, "");
        Ok(())
    }

    /// A release that never became active is denied; the active one has not noticed.
    pub fn refuse(&mut self, mut attempt: Attempt, reason: &str, detail: &str) {
        self.host.stop_shadow();
        self.stage = Stage::Idle;
        let now = self.chronicle.clock.now();
        let next = self.slots.state().denied(&attempt.slot, reason, now);
        if let Err(error) = self.slots.change(|state| *state = next) {
            warn!(model = self.name(), %error, "update: the denial cannot be written");
        }
        self.slots.sweep();
        attempt.say(&self.chronicle, Phase::Rejected, reason, detail);
    }

    /// The active release has failed: the one before is back, whatever the disk says.
    fn roll_back(&mut self, mut attempt: Attempt, reason: &str, detail: &str) {
        self.stage = Stage::Idle;
        let mut why_now = reason;
        loop {
            let (_, saved) = self.slots.revert(why_now, self.chronicle.clock.now());
            if let Err(error) = saved {
                error!(model = self.name(), %error, "update: the way back cannot be written; tried again");
                self.unsaved = true;
            }
            let back = self.slots.state().active.clone();
            let release = back.as_ref().map(|slot| open_slot(&self.slots, slot)).transpose();
            let loaded =
                release.and_then(|release| self.host.activate(release.as_ref()).map_err(|why| why.0));
            match loaded {
                Ok(()) => break,
                Err(why) if back.is_some() => {
                    error!(model = self.name(), why, "update: the model before cannot be loaded either");
                    why_now = "load_failed";
                }
                Err(why) => {
                    error!(model = self.name(), why, "update: the factory model cannot be loaded");
                    break;
                }
            }
        }
        self.slots.sweep();
        attempt.say(&self.chronicle, Phase::RolledBack, reason, detail);
    }
}

fn soak(attempt: Attempt, trial: TrialSettings, allowed: Option<u64>, chronicle: &Chronicle) -> Stage {
    Stage::Soak { attempt, trial, since: chronicle.clock.monotonic(), allowed }
}

/// What a window may take: a budget is for the call of the model, and a window costs more than that
/// on a slow board, so one that is not much slower than the one before is not called too slow.
fn allowed_us(budget: Budget, before: Health) -> Option<u64> {
    let known = budget.p95_us > 0 && before.answered >= MIN_TIMED;
    known.then(|| u64::from(budget.p95_us).max(SLOWER * before.p95_us))
}

/// The stable word for what a disk answers.
#[must_use]
pub fn disk_reason(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "disk_full",
        io::ErrorKind::InvalidData => "hash_mismatch",
        _ => "disk_error",
    }
}
