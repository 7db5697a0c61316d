//! Rollout documents, signed by the online key.

use std::collections::BTreeMap;

use lineside_bundle::Rollout;

use super::state::State;
use super::store::{self, Step};
use super::{Applied, Change, Repository, RepositoryError, Terms, commit};
use crate::keys::Signer;
use crate::tuf::TargetFile;

/// A document is a page of text; the agent reads no larger one.
const MAX_DOCUMENT_BYTES: usize = 64 << 10;

/// A document that was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedRollout {
    /// Its target's path.
    pub target: String,
    /// Its digest.
    pub sha256: String,
    /// What is in place now.
    pub applied: Applied,
}

impl Repository {
    /// Signs and adds one rollout document, in place of the one of the same group and model.
    ///
    /// # Errors
    /// As for [`Repository::add_rollouts`].
    pub fn add_rollout(
        &self,
        document: &[u8],
        signers: &[&dyn Signer],
        terms: &Terms,
    ) -> Result<AddedRollout, RepositoryError> {
        let mut added = self.add_rollouts(&[document], signers, terms)?;
        added.pop().ok_or_else(|| RepositoryError::Refused("no document was given".into()))
    }

    /// Signs and adds rollout documents, all at once, by the online key among `signers`.
    ///
    /// # Errors
    /// When a document names what is not published, or is not a later revision of the one in place.
    pub fn add_rollouts(
        &self,
        documents: &[&[u8]],
        signers: &[&dyn Signer],
        terms: &Terms,
    ) -> Result<Vec<AddedRollout>, RepositoryError> {
        let _lock = store::lock(&self.folder)?;
        let state = self.state()?;
        let (plan, added) = self.plan_rollouts(&state, documents, signers, terms)?;
        let applied = plan.run(&self.folder)?;
        Ok(added.into_iter().map(|(target, sha256)| AddedRollout { target, sha256, applied }).collect())
    }

    pub(super) fn plan_rollouts(
        &self,
        state: &State,
        documents: &[&[u8]],
        signers: &[&dyn Signer],
        terms: &Terms,
    ) -> Result<(commit::Plan, Vec<(String, String)>), RepositoryError> {
        let mut rollouts = state.rollouts();
        let mut files = Vec::new();
        let mut added = Vec::new();
        for bytes in documents {
            let document = parse(bytes)?;
            let path = self.check(state, &rollouts, &document, bytes)?;
            let file = TargetFile::of(bytes);
            added.push((path.clone(), file.sha256().to_owned()));
            files.push(Step::target(&path, file.sha256(), bytes.to_vec()));
            rollouts.insert(path, file);
        }
        let change = Change::under(Some(&state.root));
        let plan = commit::plan(&self.folder, Some(state), &change, Some(rollouts), files, signers, terms)?;
        Ok((plan, added))
    }

    /// The target's path of a document that may be signed.
    fn check(
        &self,
        state: &State,
        rollouts: &BTreeMap<String, TargetFile>,
        document: &Rollout,
        bytes: &[u8],
    ) -> Result<String, RepositoryError> {
        let Rollout { id, model, group, release, .. } = document;
        let refused = |problem: String| Err(RepositoryError::Refused(format!("rollout `{id}`: {problem}")));
        let releases = state.releases(model);
        let Some(named) = releases.iter().find(|published| published.info.release == *release) else {
            return refused(format!("release {release} of `{model}` is not published; publish it first"));
        };
        if named.target != document.target || named.sha256 != document.sha256.as_str() {
            return refused(format!("release {release} is {} with digest {}", named.target, named.sha256));
        }
        let path = format!("rollouts/{group}/{model}.json");
        if let Some(old) = rollouts.get(&path)
            && let Ok(old_bytes) = store::read(&self.folder.join(store::target_path(&path, old.sha256())))
            && let Ok(old) = parse(&old_bytes)
            && old.id == *id
            && old.revision >= document.revision
            && old_bytes != bytes
        {
            return refused(format!("revision {} is not above {} in place", document.revision, old.revision));
        }
        Ok(path)
    }

    /// The document of `group` for `model` that is in place.
    ///
    /// # Errors
    /// When the repository is not sound, or the document is not the one that is signed.
    pub fn rollout(&self, group: &str, model: &str) -> Result<Option<Vec<u8>>, RepositoryError> {
        let path = format!("rollouts/{group}/{model}.json");
        let rollouts = self.state()?.rollouts();
        let Some(file) = rollouts.get(&path) else { return Ok(None) };
        let place = self.folder.join(store::target_path(&path, file.sha256()));
        let bytes = store::read(&place)?;
        if file.is(&bytes) {
            return Ok(Some(bytes));
        }
        Err(RepositoryError::Untrusted { file: place, problem: "is not the file that was signed".into() })
    }
}

fn parse(bytes: &[u8]) -> Result<Rollout, RepositoryError> {
    if bytes.len() > MAX_DOCUMENT_BYTES {
        let problem =
            format!("the rollout document has {} bytes, at most {MAX_DOCUMENT_BYTES} fit", bytes.len());
        return Err(RepositoryError::Refused(problem));
    }
    Rollout::parse(bytes).map_err(|error| RepositoryError::Refused(error.to_string()))
}
