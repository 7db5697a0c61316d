//! `[diagnosis]`: how a model that judges incidents by a table of fault modes is run.

use serde::{Deserialize, Serialize};

use super::TextFile;
use super::tensor::{Dimension, Tensor};
use crate::error::BundleError;
use crate::manifest::{MANIFEST, Manifest, Task};

/// How a model that judges incidents by a table of fault modes is run. It takes a row of features for
/// each mode and one for "none of these", and gives each row one logit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The table: what channels are called, and what each mode does to them.
    pub signatures: TextFile,
    /// How people put the modes into words, where the bundle knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phrases: Option<TextFile>,
    /// Calibration that belongs to these weights: every other key; read by the agent.
    #[serde(flatten)]
    pub figures: toml::Table,
}

impl Diagnosis {
    /// Checks that the model is one that can be run this way.
    pub(super) fn check(&self, manifest: &Manifest) -> Result<(), BundleError> {
        let invalid = |key: &str, problem: &str| Err(BundleError::invalid(MANIFEST, key, problem));
        if manifest.language.is_some() {
            return invalid("diagnosis", "must be left out: a language model judges by what it reads");
        }
        if manifest.tasks().any(|task| task != Task::ClassifyIncident) {
            return invalid("task", "must be `classify-incident` alone: that is what `[diagnosis]` does");
        }
        let fits = |tensor: &Option<Tensor>, width: Option<usize>| {
            tensor.as_ref().is_some_and(|tensor| match &tensor.shape[..] {
                [Dimension::Named(_), Dimension::Fixed(_)] => width.is_none_or(|w| tensor.width() == Some(w)),
                _ => false,
            })
        };
        if !fits(&manifest.model.input, None) {
            return invalid("model.input.shape", "must be `[\"rows\", N]`: N features a row");
        }
        if !fits(&manifest.model.output, Some(1)) {
            return invalid("model.output.shape", "must be `[\"rows\", 1]`: one logit a row");
        }
        Ok(())
    }

    /// Its files, each with the key that names it.
    pub(super) fn files(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let phrases = self.phrases.as_ref().map(|text| ("diagnosis.phrases.file", &*text.file));
        [("diagnosis.signatures.file", &*self.signatures.file)].into_iter().chain(phrases)
    }
}
