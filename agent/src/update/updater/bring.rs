//! Brings a release here: by a patch where one fits, else whole; then tries it out.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lineside_bundle::Archive;
use lineside_bundle::manifest::Budget;
use lineside_bundle::release::PatchInfo;
use lineside_bundle::trust::{Target, Verifier};
use tracing::info;

use super::Updater;
use super::poll::Unpolled;
use crate::probe::ProbeReport;
use crate::update::attempt::Attempt;
use crate::update::choose::Candidate;
use crate::update::event::Phase;
use crate::update::fetch::{Download, Rules, Wanted, patch};
use crate::update::managed::disk_reason;
use crate::update::prober::PROBE_NOT_RUN;
use crate::update::remote::{Remote, STOPPED, Unfetched};
use crate::update::state::Slot;

/// Why a release has not come here.
enum Setback {
    /// It may come with another attempt.
    Later(Unfetched),
    /// It is not fit for this gateway.
    Never { reason: String, detail: String },
}

impl Updater {
    /// Brings a candidate here and tries it out; what becomes of it then is the model's own matter.
    pub(super) fn bring(
        &mut self,
        index: usize,
        remote: &Arc<dyn Remote>,
        candidate: &Candidate,
        verifier: &mut Verifier,
    ) -> Result<(), Unpolled> {
        let model = self.parts.models[index].name().to_owned();
        let chronicle = self.parts.chronicle.clone();
        let mut attempt = self.attempt(&model, &candidate.slot, &candidate.rollout).clone();
        attempt.say(&chronicle, Phase::Offered, "", "");
        match self.steps(index, remote, candidate, verifier, &mut attempt) {
            Ok(()) => {
                // From here on it is the model's own; should it begin again, that is another attempt.
                self.attempts.remove(&(model, attempt.slot.sha256.clone()));
                self.parts.models[index].begin(attempt);
                Ok(())
            }
            Err(Setback::Never { reason, detail }) => {
                self.parts.models[index].refuse(attempt, &reason, &detail);
                Ok(())
            }
            Err(Setback::Later(Unfetched { reason, detail, retry_after })) => {
                if reason != STOPPED {
                    attempt.say(&chronicle, Phase::Failed, reason, &detail);
                }
                // The next poll goes on with this attempt instead of counting a new one.
                self.attempts.insert((model, attempt.slot.sha256.clone()), attempt);
                Err(Unpolled { reason: reason.to_owned(), detail, retry_after })
            }
        }
    }

    fn steps(
        &mut self,
        index: usize,
        remote: &Arc<dyn Remote>,
        candidate: &Candidate,
        verifier: &mut Verifier,
        attempt: &mut Attempt,
    ) -> Result<(), Setback> {
        if !self.parts.models[index].slots().has(&candidate.slot.sha256) {
            attempt.say(
                &self.parts.chronicle,
                Phase::Downloading,
                "",
                &format!("{} bytes", candidate.target.length),
            );
            self.obtain(index, remote, candidate, verifier).map_err(Setback::Later)?;
        }
        let (file, budget) = self.identify(index, &candidate.slot)?;
        if !self.passed.contains(&candidate.slot.sha256) {
            let report = self.try_out(&file, budget)?;
            let detail = format!("p95 {} µs, {} KiB", report.p95_us, report.memory_kib);
            attempt.say(&self.parts.chronicle, Phase::Verified, "", &detail);
            self.passed.insert(candidate.slot.sha256.clone());
        }
        Ok(())
    }

    /// Fetches the bundle and makes a slot of it.
    fn obtain(
        &mut self,
        index: usize,
        remote: &Arc<dyn Remote>,
        candidate: &Candidate,
        verifier: &mut Verifier,
    ) -> Result<(), Unfetched> {
        let slots = self.parts.models[index].slots();
        let downloads = slots.download_folder();
        let base = slots.state().active.as_ref();
        let fits = |patch: &&PatchInfo| base.is_some_and(|base| base.sha256 == patch.from_sha256);
        let patch = candidate.info.patches.iter().find(fits);
        let base = base.and_then(|base| slots.path(base));
        let folder = self.parts.folder.join(&downloads);
        let stop = Arc::clone(&self.parts.stop);
        let file = self.meanwhile(|| {
            // A patch that nobody signed, or that cannot be looked up now, is none.
            let patch = patch.and_then(|patch| verifier.target(&patch.target).ok().flatten()).zip(base);
            fetch(remote.as_ref(), &candidate.target, patch, &folder, &stop)
        })?;
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let slots = self.parts.models[index].slots_mut();
        slots.admit(&format!("{downloads}/{name}"), &candidate.slot.sha256).map_err(|error| Unfetched {
            reason: disk_reason(&error),
            detail: error.to_string(),
            retry_after: None,
        })
    }

    /// Its own manifest must say what was signed about it.
    fn identify(&self, index: usize, slot: &Slot) -> Result<(PathBuf, Budget), Setback> {
        let managed = &self.parts.models[index];
        let bad = |detail: String| Setback::Never { reason: "bad_bundle".to_owned(), detail };
        let file = managed.slots().path(slot).ok_or_else(|| bad("it lies on no disk".to_owned()))?;
        let manifest = Archive::open(&file).and_then(|archive| archive.manifest());
        let manifest = manifest.map_err(|error| bad(error.to_string()))?;
        if manifest.name == managed.name() && manifest.release == slot.release {
            return Ok((file, manifest.budget));
        }
        let (name, release) = (managed.name(), slot.release);
        let found = format!("{} release {}", manifest.name, manifest.release);
        Err(bad(format!("its manifest says {found}, signed is {name} release {release}")))
    }

    fn try_out(&mut self, file: &Path, budget: Budget) -> Result<ProbeReport, Setback> {
        let (prober, stop) = (Arc::clone(&self.parts.prober), Arc::clone(&self.parts.stop));
        self.meanwhile(|| prober.probe(file, budget, &stop)).map_err(|unfit| {
            if unfit.reason == PROBE_NOT_RUN {
                Setback::Later(Unfetched { reason: PROBE_NOT_RUN, detail: unfit.detail, retry_after: None })
            } else {
                Setback::Never { reason: unfit.reason, detail: unfit.detail }
            }
        })
    }
}

/// Fetches a bundle, by its patch where there is one. A patch that does not work costs its own
/// bytes and nothing else.
fn fetch(
    remote: &dyn Remote,
    target: &Target,
    patch: Option<(Target, PathBuf)>,
    folder: &Path,
    stop: &AtomicBool,
) -> Result<PathBuf, Unfetched> {
    // What earlier releases left unfinished would fill the disk in the long run.
    let wanted = [Some(&target.sha256), patch.as_ref().map(|(patch, _)| &patch.sha256)];
    let wanted: Vec<_> = wanted.into_iter().flatten().collect();
    if let Err(error) = Download::new(folder, Rules::default()).keep_only(&wanted) {
        info!(folder = %folder.display(), %error, "update: old downloads stay");
    }
    if let Some((patch, base)) = patch {
        match by_patch(remote, target, &patch, &base, folder, stop) {
            Ok(file) => return Ok(file),
            Err(why) => info!(patch = patch.name, why, "update: the patch is not used"),
        }
    }
    remote.fetch(target, folder, stop)
}

fn by_patch(
    remote: &dyn Remote,
    target: &Target,
    patch: &Target,
    base: &Path,
    folder: &Path,
    stop: &AtomicBool,
) -> Result<PathBuf, String> {
    let delta = remote.fetch(patch, folder, stop).map_err(|why| why.detail)?;
    let out = folder.join(format!("{}.part", target.sha256));
    let want = Wanted { sha256: target.sha256.clone(), length: target.length };
    let patched = patch::apply(base, &delta, &out, &want);
    // Applied or not, it is not needed a second time.
    let _ = std::fs::remove_file(&delta);
    patched.map(|()| out).map_err(|error| error.to_string())
}
