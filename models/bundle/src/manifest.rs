//! `manifest.toml`: what a bundle is, and what its files must be.

use serde::{Deserialize, Serialize};

use crate::digest::Sha256Hex;
use crate::error::BundleError;
use crate::version::Version;

mod diagnosis;
mod drift;
mod language;
mod requires;
mod tensor;
mod trial;

pub use diagnosis::Diagnosis;
pub use drift::{Drift, Histogram};
pub use language::{Kind, Language, Output, TextFile};
pub use requires::Requires;
pub use tensor::{Dimension, Element, Tensor};
pub use trial::Trial;

/// The manifest's file name.
pub const MANIFEST: &str = "manifest.toml";
/// The schema this version reads and writes.
pub const SCHEMA: u32 = 1;
/// Longest name, so that it fits a topic level and a folder name everywhere.
const MAX_NAME: usize = 64;
/// Longest label: a message carries it as it is.
const MAX_LABEL: usize = 64;

/// What a bundle is, and what its files must be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the manifest's own form.
    pub schema: u32,
    /// The model's name: small letters, digits and `-`.
    pub name: String,
    /// Its version for people: three numbers, `1.0.0`.
    pub version: String,
    /// Counts up by one with every release; what is compared when a bundle is replaced.
    pub release: u32,
    /// What it is for.
    pub task: Task,
    /// What else it may be asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Task>,
    /// SPDX identifier of the licence of weights and card.
    pub licence: String,
    /// One sentence for people.
    pub description: String,
    /// The weights.
    pub model: ModelFile,
    /// The golden vectors.
    pub golden: GoldenFile,
    /// The card.
    pub card: CardFile,
    /// The tokenizer, for a model that reads text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<TokenizerFile>,
    /// How a language model is run; absent for any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// How a model that judges incidents is run; absent for any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<Diagnosis>,
    /// What a device must have before it takes the bundle.
    #[serde(default)]
    pub requires: Requires,
    /// How the bundle is tried out on a device before it is kept.
    #[serde(default)]
    pub trial: Trial,
    /// What it may cost to run.
    #[serde(default)]
    pub budget: Budget,
    /// Calibration of the alarm layer that belongs to these weights; read by the detector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detector: Option<toml::Table>,
    /// How raw values become the model's input; read by whatever feeds the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preprocessing: Option<toml::Table>,
    /// What the training recorded of its answers; compared with those on a device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// Figures, with the command that prints them.
    #[serde(default)]
    pub evaluation: toml::Table,
    /// Where it comes from.
    pub provenance: Provenance,
}

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Scores windows of a machine's channels.
    Detect,
    /// Says which fault an incident shows.
    ClassifyIncident,
    /// Says in words what happened in an incident.
    SummarizeIncident,
    /// Says in words what happened in a shift.
    ShiftReport,
    /// Says what a short text is about.
    ClassifyText,
    /// Continues a text or a conversation.
    Generate,
    /// Turns a text into a vector.
    Embed,
}

impl Task {
    /// All of them.
    pub const ALL: [Task; 7] = [
        Task::Detect,
        Task::ClassifyIncident,
        Task::SummarizeIncident,
        Task::ShiftReport,
        Task::ClassifyText,
        Task::Generate,
        Task::Embed,
    ];

    /// As manifests and configurations write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Task::Detect => "detect",
            Task::ClassifyIncident => "classify-incident",
            Task::SummarizeIncident => "summarize-incident",
            Task::ShiftReport => "shift-report",
            Task::ClassifyText => "classify-text",
            Task::Generate => "generate",
            Task::Embed => "embed",
        }
    }
}

/// The weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Plain file name inside the bundle.
    pub file: String,
    /// How the file is written.
    pub format: Format,
    /// Digest of the file.
    pub sha256: Sha256Hex,
    /// Length of the file.
    pub bytes: u64,
    /// What goes in; a language model's tensors are those of the contract instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Tensor>,
    /// What comes out; as for the input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Tensor>,
    /// What the elements of the output's innermost dimension are called, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

/// How a model file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// ONNX.
    Onnx,
    /// An NNEF graph in a tar, as tract writes it.
    Nnef,
}

/// The golden vectors' file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoldenFile {
    /// Plain file name inside the bundle.
    pub file: String,
    /// Digest of the file.
    pub sha256: Sha256Hex,
}

/// The card's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardFile {
    /// Plain file name inside the bundle.
    pub file: String,
    /// Digest of the file, where it is stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256Hex>,
}

/// The tokenizer's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenizerFile {
    /// Plain file name inside the bundle.
    pub file: String,
    /// Digest of the file.
    pub sha256: Sha256Hex,
}

/// What a model may cost to run, on the smallest supported board. 0 is "not stated".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// 95th percentile of one call, in microseconds.
    pub p95_us: u32,
}

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The code that made it, with its version.
    pub code: String,
    /// The seed of its training.
    pub seed: u64,
    /// What it was trained on.
    pub data: Vec<DataSet>,
}

/// A set a model was trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSet {
    /// Its name.
    pub name: String,
    /// Digest of the set, or of the recipe that makes it.
    pub sha256: Sha256Hex,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// Names the line and key of what is unknown, missing, of the wrong type or impossible.
    pub fn parse(text: &str) -> Result<Self, BundleError> {
        let syntax = |error: &toml::de::Error, key: String| BundleError::Malformed {
            file: MANIFEST.into(),
            line: line_of(text, error.span().map_or(0, |span| span.start)),
            key,
            problem: error.message().to_owned(),
        };
        // The schema comes first: a manifest of a later one is told apart from a wrong one.
        let table: toml::Table = text.parse().map_err(|e| syntax(&e, ".".into()))?;
        if let Some(found) = table.get("schema").and_then(toml::Value::as_integer)
            && found != i64::from(SCHEMA)
        {
            return Err(BundleError::Schema { file: MANIFEST.into(), found, supported: SCHEMA });
        }
        let document = toml::Deserializer::parse(text).map_err(|e| syntax(&e, ".".into()))?;
        let manifest: Manifest = serde_path_to_error::deserialize(document)
            .map_err(|e| syntax(e.inner(), e.path().to_string()))?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), BundleError> {
        let invalid = |key: &str, problem: String| Err(BundleError::invalid(MANIFEST, key, problem));
        let name_fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if self.name.is_empty() || self.name.len() > MAX_NAME || !self.name.bytes().all(name_fits) {
            let name = &self.name;
            return invalid("name", format!("`{name}` must be 1 to {MAX_NAME} of a-z, 0-9 and `-`"));
        }
        if let Err(problem) = self.version.parse::<Version>() {
            return invalid("version", problem);
        }
        if self.release == 0 {
            return invalid("release", "0 must be 1 or more: releases count up from 1".into());
        }
        if self.licence.is_empty() {
            return invalid("licence", "must not be empty: an SPDX identifier such as `Apache-2.0`".into());
        }
        if self.model.bytes == 0 {
            return invalid("model.bytes", "must be the length of the model file".into());
        }
        self.check_tasks()?;
        self.check_tensors()?;
        self.diagnosis.as_ref().map_or(Ok(()), |diagnosis| diagnosis.check(self))?;
        self.model.check_labels()?;
        self.requires.check()?;
        self.trial.check()?;
        self.drift.as_ref().map_or(Ok(()), Drift::check)?;
        let files = self.files();
        for (at, (key, file)) in files.iter().enumerate() {
            check_file_name(key, file)?;
            if files[..at].iter().any(|(_, other)| other == file) {
                return invalid(key, format!("`{file}` is named twice: every file has one role"));
            }
        }
        Ok(())
    }

    /// A language model's tensors are those of the contract; any other model states its own.
    fn check_tensors(&self) -> Result<(), BundleError> {
        let invalid = |key: &str, problem: &str| Err(BundleError::invalid(MANIFEST, key, problem));
        let tensors = [("model.input", &self.model.input), ("model.output", &self.model.output)];
        for (key, tensor) in tensors {
            match (tensor, &self.language) {
                (Some(tensor), None) => tensor.check(key)?,
                (None, Some(_)) => {}
                (None, None) => return invalid(key, "is missing: name, type and shape of the tensor"),
                (Some(_), Some(_)) => {
                    return invalid(key, "must be left out: the tensors of a language model are fixed");
                }
            }
        }
        let Some(language) = &self.language else {
            return Ok(());
        };
        if self.tokenizer.is_none() {
            return invalid("tokenizer", "is missing: a language model needs its `tokenizer.json`");
        }
        if language.output == Some(Output::Labels) && self.model.labels.is_empty() {
            return invalid("model.labels", "is missing: the output has one logit for each label");
        }
        language.check()
    }

    fn check_tasks(&self) -> Result<(), BundleError> {
        for (at, task) in self.also.iter().enumerate() {
            if *task == self.task || self.also[..at].contains(task) {
                let problem = format!("`{}` is named twice", task.name());
                return Err(BundleError::invalid(MANIFEST, format!("also[{at}]"), problem));
            }
        }
        Ok(())
    }

    /// Whether it may be asked for this.
    #[must_use]
    pub fn does(&self, task: Task) -> bool {
        self.tasks().any(|own| own == task)
    }

    /// Everything it may be asked for.
    pub fn tasks(&self) -> impl Iterator<Item = Task> + '_ {
        [self.task].into_iter().chain(self.also.iter().copied())
    }

    /// The files beside the manifest, each with the key that names it.
    #[must_use]
    pub fn files(&self) -> Vec<(&'static str, &str)> {
        let mut files = vec![
            ("model.file", self.model.file.as_str()),
            ("golden.file", &self.golden.file),
            ("card.file", &self.card.file),
        ];
        files.extend(self.tokenizer.as_ref().map(|tokenizer| ("tokenizer.file", tokenizer.file.as_str())));
        files.extend(self.language.iter().flat_map(Language::files));
        files.extend(self.diagnosis.iter().flat_map(Diagnosis::files));
        files
    }
}

impl ModelFile {
    fn check_labels(&self) -> Result<(), BundleError> {
        let invalid =
            |key: &str, problem: String| Err(BundleError::invalid(MANIFEST, format!("model.{key}"), problem));
        let width = self.output.as_ref().and_then(Tensor::width);
        if let (false, Some(width)) = (self.labels.is_empty(), width)
            && self.labels.len() != width
        {
            return invalid("labels", format!("has {} names for {width} outputs", self.labels.len()));
        }
        for (at, label) in self.labels.iter().enumerate() {
            let key = format!("labels[{at}]");
            if label.is_empty() || label.len() > MAX_LABEL || label.chars().any(char::is_control) {
                return invalid(
                    &key,
                    format!("must be a name of 1 to {MAX_LABEL} bytes, without control characters"),
                );
            }
            if self.labels[..at].contains(label) {
                return invalid(&key, format!("`{label}` is named twice"));
            }
        }
        Ok(())
    }
}

/// Whether `name` can be a file of a bundle: it never reaches outside, is never hidden, and means
/// the same on every system.
pub(crate) fn is_plain(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    !name.is_empty() && name.len() <= MAX_NAME && !name.starts_with('.') && name.bytes().all(fits)
}

/// What [`is_plain`] asks for, in words.
pub(crate) fn plain_rule() -> String {
    format!("1 to {MAX_NAME} letters, digits, `.`, `-` and `_`, not starting with `.`")
}

fn check_file_name(key: &str, name: &str) -> Result<(), BundleError> {
    if is_plain(name) && name != MANIFEST {
        return Ok(());
    }
    let problem = format!(
        "`{}` must be the plain name of a file in the bundle's folder: {}, and not `{MANIFEST}`",
        name.escape_debug(),
        plain_rule()
    );
    Err(BundleError::invalid(MANIFEST, key, problem))
}

/// The line, from 1, that holds the byte at `at`.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|&b| b == b'\n').count() + 1
}

#[cfg(test)]
mod tests;
