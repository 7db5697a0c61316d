//! A new release of a model.

use std::path::Path;

use lineside_bundle::patch::Wanted;
use lineside_bundle::{Manifest, Sha256Hex};

use super::release::{PatchInfo, Release, ReleaseInfo};
use super::state::State;
use super::store::{self, Step};
use super::{Change, Repository, RepositoryError, Terms, archive, patch};
use crate::keys::Signer;
use crate::tuf::{Envelope, TargetFile, Targets, paths_of_model, role_of_model};

/// How to publish.
#[derive(Clone, Debug)]
pub struct PublishOptions {
    /// From how many of the last releases there should be a patch.
    pub patches: usize,
    /// This release may replace any up to that one, though it is lower; 0 for none.
    pub permits_downgrade_from: u32,
}

impl Default for PublishOptions {
    fn default() -> Self {
        // A device that sleeps through three releases is rare, and a full download does no harm.
        PublishOptions { patches: 3, permits_downgrade_from: 0 }
    }
}

/// What was published.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// The release.
    pub release: Release,
    /// The patches that were worth keeping: the release they start from, and their length.
    pub patches: Vec<(u32, u64)>,
    /// Whether the model is new, and so `targets` delegates to it from now on.
    pub is_new_model: bool,
}

impl Repository {
    /// Publishes the bundle at `file`, signed by `signers`: enough targets keys, and the online key.
    ///
    /// # Errors
    /// When the bundle is refused, its release is not above the last one, or signatures are missing.
    pub fn publish(
        &self,
        file: &Path,
        signers: &[&dyn Signer],
        options: &PublishOptions,
        terms: &Terms,
    ) -> Result<Published, RepositoryError> {
        let _lock = store::lock(&self.folder)?;
        let (change, files, published) = self.prepare(&self.state()?, file, options, terms)?;
        self.sign_and_apply(change, files, signers, terms)?;
        Ok(published)
    }

    /// Prepares the publication of the bundle at `file` for others to sign. Its files are laid into
    /// the repository already; nobody trusts them until the change is put in place.
    ///
    /// # Errors
    /// When the bundle is refused, or its release is not above the last one.
    pub fn propose_publish(
        &self,
        file: &Path,
        options: &PublishOptions,
        terms: &Terms,
    ) -> Result<(Change, Published), RepositoryError> {
        let _lock = store::lock(&self.folder)?;
        let (change, files, published) = self.prepare(&self.state()?, file, options, terms)?;
        files.iter().try_for_each(|step| step.run(&self.folder))?;
        Ok((change, published))
    }

    pub(super) fn prepare(
        &self,
        state: &State,
        file: &Path,
        options: &PublishOptions,
        terms: &Terms,
    ) -> Result<(Change, Vec<Step>, Published), RepositoryError> {
        let (bytes, manifest) = archive::read(file)?;
        let (model, release) = (manifest.name.as_str(), manifest.release);
        let earlier = state.releases(model);
        if let Some(last) = earlier.last().filter(|last| last.info.release >= release) {
            return Err(RepositoryError::Refused(format!(
                "{}: release {release} is not above release {} of {model}, which is published; \
                 raise `release` in its manifest",
                file.display(),
                last.info.release
            )));
        }
        let mut target = TargetFile::of(&bytes);
        let wanted = Wanted { sha256: Sha256Hex::of(&bytes), length: target.length };
        let mut info = describe(&manifest, options)?;
        let path = info.target_name();
        let mut files = vec![Step::target(&path, target.sha256(), bytes)];
        let mut made = Vec::new();
        let mut role = match state.roles.get(&role_of_model(model)) {
            Some(role) => role.signed.next(terms.end(terms.expiries.targets)),
            None => Targets::first(terms.end(terms.expiries.targets)),
        };
        for from in earlier.iter().rev().take(options.patches) {
            let old = self.folder.join(store::target_path(&from.target, &from.sha256));
            let from_sha256 = Sha256Hex::try_from(from.sha256.clone()).map_err(RepositoryError::Refused)?;
            let failed = |cause| RepositoryError::Patch { file: old.clone(), cause };
            let Some(bytes) = patch::worthwhile(&old, file, &wanted).map_err(failed)? else { continue };
            let from_release = from.info.release;
            let path = format!("models/{model}/{model}-r{from_release}-r{release}.zst");
            let target = TargetFile::of(&bytes);
            made.push((from_release, target.length));
            info.patches.push(PatchInfo { from_release, from_sha256, target: path.clone() });
            files.push(Step::target(&path, target.sha256(), bytes));
            role.targets.insert(path, target);
        }
        target.custom = Some(custom(&info)?);
        let release = Release {
            target: path.clone(),
            sha256: target.sha256().to_owned(),
            length: target.length,
            info: info.clone(),
        };
        role.targets.insert(path, target);

        let mut change = Change::under(Some(&state.root));
        let is_new_model = earlier.is_empty() && !state.roles.contains_key(&role_of_model(model));
        if is_new_model {
            let root = &state.root.signed;
            let mut targets = state.targets.signed.next(terms.end(terms.expiries.targets));
            let (keys, threshold) = (root.keys_of("targets"), root.role("targets").threshold);
            targets.delegate(&role_of_model(model), &paths_of_model(model), &keys, threshold);
            change.targets = Some(Envelope::unsigned(targets));
        }
        change.models.insert(role_of_model(model), Envelope::unsigned(role));
        Ok((change, files, Published { release, patches: made, is_new_model }))
    }
}

/// `custom` of a bundle's target.
pub(super) fn custom(info: &ReleaseInfo) -> Result<serde_json::Value, RepositoryError> {
    Ok(serde_json::json!({"bundle": serde_json::to_value(info).map_err(crate::tuf::TufError::from)?}))
}

fn describe(manifest: &Manifest, options: &PublishOptions) -> Result<ReleaseInfo, RepositoryError> {
    Ok(ReleaseInfo {
        name: manifest.name.clone(),
        version: manifest.version.parse().map_err(RepositoryError::Refused)?,
        release: manifest.release,
        task: manifest.task,
        requires: manifest.requires.clone(),
        permits_downgrade_from: options.permits_downgrade_from,
        patches: Vec::new(),
    })
}
