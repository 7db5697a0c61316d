//! The slots of one model on the disk.
//!
//! Promise 2, here: exactly one complete, verified model is active at any instant, and after a
//! power cut at any moment it is the old one or the new one. How it is kept:
//!
//! - a slot is one file named by the digest that was signed, complete and synced before its name
//!   exists, never written again;
//! - which slot is active is said by one small file, replaced durably, and only after the slot
//!   itself is durable;
//! - nothing acts on a state before it is written down; a state that cannot be written down lets
//!   the proven model run;
//! - at every start the active slot's digest is compared; what does not match does not run.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use lineside_bundle::Sha256Hex;

use super::disk::{self, Disk};
use super::state::{ModelState, Reverted, Slot};
use super::state_file;
use crate::time::Timestamp;

/// Folder of all models within the update folder.
const MODELS: &str = "models";
/// The file that says which slot is active.
const STATE: &str = "state.json";
/// Folder of unfinished downloads within a model's.
pub const DOWNLOAD: &str = "download";
/// Ending of a slot's file.
const TAR: &str = ".tar";

/// The slots of one model.
pub struct Slots {
    disk: Arc<dyn Disk>,
    folder: String,
    state: ModelState,
    /// Whether the state above is the one that a power cut would leave.
    saved: bool,
}

/// Who opens the slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opener {
    /// The agent, which is about to run what is active: a start that counts for a trial.
    Agent,
    /// A command that looks or changes something while no agent runs.
    Command,
}

/// What was found when the slots were opened after a start.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// Releases that were sent back by this start.
    pub reverted: Vec<Reverted>,
    /// The state file was damaged and set aside: the factory model runs.
    pub state_lost: bool,
}

impl Slots {
    /// Opens the slots of `model` as a process starts, finishing or reverting what an earlier one
    /// left. `factory` is the release of the model that is built in.
    ///
    /// # Errors
    /// When the folder cannot be made or read; damage is no error.
    pub fn open(
        disk: Arc<dyn Disk>,
        model: &str,
        factory: u32,
        opener: Opener,
        now: Timestamp,
    ) -> io::Result<(Slots, Opening)> {
        let folder = format!("{MODELS}/{model}");
        disk.create_folder(&folder)?;
        // What a process that was killed had not synced yet must last before it is acted on. A disk
        // that cannot do it is no reason not to start.
        let saved = disk.sync_folder(&folder).is_ok();
        let mut opening = Opening::default();
        let fresh = ModelState { floor: factory, ..ModelState::default() };
        let file = format!("{folder}/{STATE}");
        let state = match disk.read(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => fresh,
            Err(error) => return Err(error),
            Ok(bytes) => state_file::decode(&bytes).unwrap_or_else(|| {
                opening.state_lost = true;
                // Kept for whoever looks into it; the next state replaces the damaged one.
                let _ = disk.rename(&file, &format!("{file}.damaged"));
                ModelState { safe_mode: true, ..fresh }
            }),
        };
        let saved = saved && !opening.state_lost;
        let mut slots = Slots { disk, folder, state, saved };
        if opener == Opener::Agent {
            slots.count_start(now, &mut opening);
        }
        slots.check(now, &mut opening);
        if opening.state_lost {
            // Whoever looks later must see it, too; should it not be written, the next start tries.
            let _ = slots.persist();
        }
        slots.sweep();
        Ok((slots, opening))
    }

    fn count_start(&mut self, now: Timestamp, opening: &mut Opening) {
        let (next, reverted) = self.state.started(now);
        if next != self.state && self.save(&next).is_err() && reverted.is_none() {
            // A start that cannot be counted could be repeated without end.
            opening.reverted.extend(self.revert("start_not_counted", now).0);
        } else {
            self.state = next;
            opening.reverted.extend(reverted);
        }
    }

    /// What does not have the digest that was signed does not run.
    fn check(&mut self, now: Timestamp, opening: &mut Opening) {
        while let Some(active) = self.state.active.clone() {
            if self.holds(&active) {
                return;
            }
            let on_trial = self.state.trial.is_some();
            let (reverted, _) = self.revert("slot_damaged", now);
            opening.reverted.extend(reverted);
            // A proven release that lost its file may be fetched again.
            if !on_trial {
                self.state.denied.remove(&active.sha256);
                // Not written is not lost: the next start comes to the same end.
                let _ = self.persist();
            }
        }
    }

    /// The state as it is now.
    #[must_use]
    pub fn state(&self) -> &ModelState {
        &self.state
    }

    /// Where a slot lies; `None` on a modelled disk.
    #[must_use]
    pub fn path(&self, slot: &Slot) -> Option<PathBuf> {
        self.disk.real_path(&self.name(&slot.sha256))
    }

    /// Whether a slot's file is there, with the digest that its name says.
    #[must_use]
    pub fn holds(&self, slot: &Slot) -> bool {
        self.has(&slot.sha256)
    }

    /// Whether there is a complete file of this digest.
    #[must_use]
    pub fn has(&self, sha256: &Sha256Hex) -> bool {
        self.disk.digest(&self.name(sha256)).is_ok_and(|found| found == *sha256)
    }

    /// Takes a complete download as a slot: its bytes reach the disk before its name does. The name
    /// lasts once [`Slots::activate`] has said so.
    ///
    /// # Errors
    /// When the digest is another one, or the disk refuses; the download then stays where it is.
    pub fn admit(&mut self, download: &str, sha256: &Sha256Hex) -> io::Result<()> {
        if self.disk.digest(download)? != *sha256 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its digest is not the signed one"));
        }
        self.disk.sync(download)?;
        self.disk.rename(download, &self.name(sha256))
    }

    /// Makes a slot active, on trial.
    ///
    /// # Errors
    /// When its file is not whole or the state cannot be written: then nothing has changed here. A
    /// disk that fails at the very end may still have it after a restart.
    pub fn activate(&mut self, slot: Slot, attempt: String, rollout: String) -> io::Result<()> {
        if !self.holds(&slot) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the slot's digest is not the signed one",
            ));
        }
        // Here and not where it got its name: it may have got it from a process that was killed, or
        // whose sync failed. A rename between folders is certain when both are synced.
        self.disk.sync_folder(&self.folder)?;
        let download = self.download_folder();
        if self.disk.exists(&download) {
            self.disk.sync_folder(&download)?;
        }
        let next = self.state.on_trial(slot, attempt, rollout);
        self.save(&next)?;
        self.state = next;
        Ok(())
    }

    /// The release on trial has proven itself; slots that are not needed any more go.
    ///
    /// # Errors
    /// When it cannot be written: the trial then goes on.
    pub fn commit(&mut self) -> io::Result<()> {
        let next = self.state.committed();
        self.save(&next)?;
        self.state = next;
        self.sweep();
        Ok(())
    }

    /// Sends the active release back. In memory always; the second value says whether it could be
    /// written down, and [`Slots::persist`] tries again.
    pub fn revert(&mut self, reason: &str, now: Timestamp) -> (Option<Reverted>, io::Result<()>) {
        let (next, reverted) = self.state.reverted(reason, now);
        let saved = self.save(&next);
        self.state = next;
        (reverted, saved)
    }

    /// Changes what an operator may change: the pin and the deny list.
    ///
    /// # Errors
    /// As for [`Slots::activate`].
    pub fn change(&mut self, change: impl FnOnce(&mut ModelState)) -> io::Result<()> {
        let mut next = self.state.clone();
        change(&mut next);
        self.save(&next)?;
        self.state = next;
        Ok(())
    }

    /// Writes the state down once more, after a write that failed.
    ///
    /// # Errors
    /// What the disk answers.
    pub fn persist(&mut self) -> io::Result<()> {
        self.save(&self.state.clone())
    }

    /// Where downloads of this model go, relative to the update folder.
    #[must_use]
    pub fn download_folder(&self) -> String {
        format!("{}/{DOWNLOAD}", self.folder)
    }

    /// Removes slots that nothing refers to, neither here nor on the disk. A crash in between leaves
    /// them for the next start.
    pub fn sweep(&self) {
        if !self.saved {
            return;
        }
        let keep: Vec<String> = self.state.slots().map(|slot| format!("{}{TAR}", slot.sha256)).collect();
        for name in self.disk.list(&self.folder).unwrap_or_default() {
            if name.ends_with(TAR) && !keep.contains(&name) {
                let _ = self.disk.remove(&format!("{}/{name}", self.folder));
            }
        }
    }

    fn name(&self, sha256: &Sha256Hex) -> String {
        format!("{}/{sha256}{TAR}", self.folder)
    }

    fn save(&mut self, state: &ModelState) -> io::Result<()> {
        let file = format!("{}/{STATE}", self.folder);
        let replaced = disk::replace(self.disk.as_ref(), &file, &state_file::encode(state));
        self.saved = replaced.is_ok();
        replaced
    }
}

#[cfg(test)]
mod crash;
#[cfg(test)]
mod tests;
