//! Which bundle does which task.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use lineside_bundle::archive::Archive;
use lineside_bundle::digest::Sha256Hex;
use lineside_bundle::manifest::{MANIFEST, Manifest, Task};
use lineside_bundle::{Bundle, BundleError};

use super::incident::built_in;
use super::reply::Refusal;
use crate::config::slm::TasksConfig;

/// Where a bundle lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// On the disk.
    At {
        /// A folder or a tar.
        path: PathBuf,
        /// The digest of the tar, where it is known from a signature: whenever the bundle is read, it
        /// must be this.
        sha256: Option<Sha256Hex>,
    },
    /// In the agent's own program.
    BuiltIn,
}

impl Source {
    /// The bundle's manifest, without its weights.
    ///
    /// # Errors
    /// When it cannot be read or is not the one that was signed, in words.
    pub fn manifest(&self) -> Result<Manifest, String> {
        let text = |error: BundleError| error.to_string();
        match self {
            Source::BuiltIn => Manifest::parse(built_in::MANIFEST).map_err(text),
            Source::At { path, sha256: None } if path.is_dir() => {
                let file = path.join(MANIFEST);
                let read = std::fs::read_to_string(&file);
                let read = read.map_err(|error| format!("{}: {error}", file.display()))?;
                Manifest::parse(&read).map_err(|error| format!("{}: {error}", path.display()))
            }
            Source::At { path, sha256 } => archive(path, sha256.as_ref())?.manifest().map_err(text),
        }
    }

    /// The bundle, with everything that it says about itself checked.
    ///
    /// # Errors
    /// As for [`Source::manifest`].
    pub fn bundle(&self) -> Result<Bundle, String> {
        let bundle = match self {
            Source::BuiltIn => built_in::bundle(),
            Source::At { path, sha256: None } => Bundle::at(path),
            Source::At { path, sha256 } => Bundle::from_archive(&archive(path, sha256.as_ref())?),
        };
        bundle.map_err(|error| error.to_string())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::At { path, .. } => path.display().fmt(f),
            Source::BuiltIn => f.write_str("the model that is built in"),
        }
    }
}

fn archive(path: &Path, signed: Option<&Sha256Hex>) -> Result<Archive, String> {
    let archive = Archive::open(path).map_err(|error| error.to_string())?;
    let Some(signed) = signed else { return Ok(archive) };
    let found = archive.sha256().map_err(|error| error.to_string())?;
    if found != *signed {
        let path = path.display();
        return Err(format!("{path}: is {found}, not the bundle {signed} that was signed"));
    }
    Ok(archive)
}

/// A bundle, known by its manifest.
#[derive(Clone, Debug)]
pub struct Model {
    /// Where it lies.
    pub source: Source,
    /// What it is.
    pub manifest: Manifest,
}

impl Model {
    /// The bundle's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.manifest.name
    }

    /// The tasks that it can do.
    pub fn tasks(&self) -> impl Iterator<Item = Task> + '_ {
        self.manifest.tasks()
    }

    /// The memory that it needs: what its manifest states, or else the size of its weights.
    #[must_use]
    pub fn stated_bytes(&self) -> u64 {
        match u64::from(self.manifest.budget.memory_kib) << 10 {
            0 => self.manifest.model.bytes,
            stated => stated,
        }
    }

    fn does(&self, task: Task) -> bool {
        self.tasks().any(|has| has == task)
    }

    /// That it cannot do a task, in words.
    fn unfit(&self, task: Task) -> RouterError {
        let has = self.tasks().map(Task::name).collect::<Vec<_>>().join(", ");
        RouterError::Task { task: task.name(), model: self.name().into(), has }
    }
}

/// Why the configured bundles cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RouterError {
    /// A bundle cannot be read.
    #[error("slm.task.{task}.model: {problem}")]
    Unreadable {
        /// The task that it is configured for.
        task: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A bundle does not do what it is configured for.
    #[error("slm.task.{task}.model: `{model}` does {has}, not {task}: name another bundle, or another task")]
    Task {
        /// The task that it is configured for.
        task: &'static str,
        /// The bundle's name.
        model: String,
        /// What it does.
        has: String,
    },
    /// No model has this name.
    #[error("no model `{model}` is configured; configured: {}", known.join(", "))]
    Unknown {
        /// The name.
        model: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// Two bundles with one name.
    #[error(
        "slm.task.{task}.model: {} and {} are both called `{model}`: give each model a name of its own, \
         or name one bundle twice", .sources[0], .sources[1]
    )]
    Name {
        /// The task of the second one.
        task: &'static str,
        /// The name.
        model: String,
        /// Where the two lie.
        sources: [Box<Source>; 2],
    },
}

/// Which bundle does which task.
#[derive(Clone, Debug)]
pub struct Router {
    models: Vec<Model>,
    by_task: BTreeMap<Task, usize>,
}

impl Router {
    /// Reads the manifests of the configured bundles.
    ///
    /// # Errors
    /// Names the key and the bundle that does not fit it.
    pub fn new(tasks: &TasksConfig) -> Result<Self, RouterError> {
        Self::with(tasks, Source::manifest)
    }

    fn with(
        tasks: &TasksConfig,
        read: impl Fn(&Source) -> Result<Manifest, String>,
    ) -> Result<Self, RouterError> {
        let mut router = Router { models: Vec::new(), by_task: BTreeMap::new() };
        let named =
            tasks.models().map(|(task, path)| (task, Source::At { path: path.to_owned(), sha256: None }));
        let built_in = tasks.has_built_in().then_some((Task::ClassifyIncident, Source::BuiltIn));
        for (task, source) in named.chain(built_in) {
            let at = router.add(task, source, &read)?;
            router.by_task.insert(task, at);
        }
        Ok(router)
    }

    fn add(
        &mut self,
        task: Task,
        source: Source,
        read: impl Fn(&Source) -> Result<Manifest, String>,
    ) -> Result<usize, RouterError> {
        let at = match self.models.iter().position(|model| model.source == source) {
            Some(at) => at,
            None => {
                let manifest = read(&source)
                    .map_err(|problem| RouterError::Unreadable { task: task.name(), problem })?;
                self.known(task, Model { source, manifest })?
            }
        };
        let model = &self.models[at];
        if !model.does(task) {
            return Err(model.unfit(task));
        }
        Ok(at)
    }

    /// Where a model stands in the list. The manifest names the digests of all files, so equal
    /// manifests are the same model, wherever they lie.
    fn known(&mut self, task: Task, model: Model) -> Result<usize, RouterError> {
        let Some(at) = self.models.iter().position(|other| other.name() == model.name()) else {
            self.models.push(model);
            return Ok(self.models.len() - 1);
        };
        let other = &self.models[at];
        if other.manifest == model.manifest {
            return Ok(at);
        }
        let sources = [other.source.clone(), model.source].map(Box::new);
        Err(RouterError::Name { task: task.name(), model: model.manifest.name, sources })
    }

    /// Puts a model in the place of the one that has its name.
    ///
    /// # Errors
    /// When there is none, or when it does not do what that one is configured for.
    pub fn replace(&mut self, model: Model) -> Result<(), RouterError> {
        let name = model.name();
        let at =
            self.models.iter().position(|other| other.name() == name).ok_or_else(|| self.unknown(name))?;
        match self.by_task.iter().find(|&(&task, &other)| other == at && !model.does(task)) {
            Some((&task, _)) => Err(model.unfit(task)),
            None => {
                self.models[at] = model;
                Ok(())
            }
        }
    }

    /// The model of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn named(&self, name: &str) -> Result<&Model, RouterError> {
        self.models.iter().find(|model| model.name() == name).ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> RouterError {
        let known = self.models.iter().map(|model| model.name().to_owned()).collect();
        RouterError::Unknown { model: name.to_owned(), known }
    }

    /// The configured models.
    #[must_use]
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// The tasks that a model is configured for.
    pub fn tasks(&self) -> impl Iterator<Item = Task> + '_ {
        self.by_task.keys().copied()
    }

    /// The model for a task: the one of this name, or the one that is configured for it.
    ///
    /// # Errors
    /// When there is none, with those that there are.
    pub fn route(&self, task: Task, name: Option<&str>) -> Result<&Model, Refusal> {
        let Some(name) = name else {
            let known = || self.tasks().collect();
            let unknown = || Refusal::UnknownTask { task: task.name().into(), known: known() };
            return self.by_task.get(&task).map(|&at| &self.models[at]).ok_or_else(unknown);
        };
        let able = |model: &&Model| model.does(task);
        self.models.iter().filter(able).find(|model| model.name() == name).ok_or_else(|| {
            Refusal::UnknownModel {
                model: name.into(),
                known: self.models.iter().filter(able).map(|model| model.name().to_owned()).collect(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{manifest, tasks};
    use super::*;

    fn router(tasks: &TasksConfig) -> Result<Router, RouterError> {
        Router::with(tasks, |source| match source.to_string().as_str() {
            "words" | "words.tar" => {
                Ok(manifest("words", Task::SummarizeIncident, &[Task::ShiftReport, Task::Generate]))
            }
            "other" => Ok(manifest("words", Task::Generate, &[])),
            "vectors" => Ok(manifest("vectors", Task::Embed, &[])),
            other => Err(format!("{other}: no such folder")),
        })
    }

    #[test]
    fn one_bundle_serves_several_tasks() {
        let router = router(&tasks(&[
            (Task::SummarizeIncident, "words"),
            (Task::ShiftReport, "words"),
            (Task::Generate, "words.tar"),
        ]))
        .unwrap();
        assert_eq!(router.models().len(), 1);
        for task in [Task::SummarizeIncident, Task::ShiftReport, Task::Generate] {
            assert_eq!(router.route(task, None).unwrap().name(), "words");
        }
    }

    #[test]
    fn a_bundle_that_does_not_do_its_task_is_refused_with_the_tasks_it_has() {
        let error = router(&tasks(&[(Task::ClassifyText, "words")])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "slm.task.classify-text.model: `words` does summarize-incident, shift-report, generate, not \
             classify-text: name another bundle, or another task"
        );
        let error = router(&tasks(&[(Task::Embed, "lost")])).unwrap_err();
        assert_eq!(error.to_string(), "slm.task.embed.model: lost: no such folder");
    }

    #[test]
    fn two_models_with_one_name_are_refused() {
        let error =
            router(&tasks(&[(Task::SummarizeIncident, "words"), (Task::Generate, "other")])).unwrap_err();
        assert!(error.to_string().contains("words and other are both called `words`"), "{error}");
    }

    #[test]
    fn a_replacement_does_everything_that_its_place_is_configured_for() {
        let mut router =
            router(&tasks(&[(Task::SummarizeIncident, "words"), (Task::ShiftReport, "words")])).unwrap();
        let model = |name: &str, also: &[Task]| Model {
            source: Source::At { path: "new.tar".into(), sha256: None },
            manifest: manifest(name, Task::SummarizeIncident, also),
        };
        let error = router.replace(model("words", &[Task::Embed])).unwrap_err();
        assert!(error.to_string().contains("does summarize-incident, embed, not shift-report"), "{error}");
        let error = router.replace(model("other", &[Task::ShiftReport])).unwrap_err();
        assert_eq!(error.to_string(), "no model `other` is configured; configured: words");
        assert_eq!(router.route(Task::ShiftReport, None).unwrap().source.to_string(), "words");
        router.replace(model("words", &[Task::ShiftReport])).unwrap();
        assert_eq!(router.route(Task::ShiftReport, None).unwrap().source.to_string(), "new.tar");
    }

    #[test]
    fn an_incident_is_classified_by_the_built_in_model_unless_another_is_named_or_it_is_switched_off() {
        let mut named = TasksConfig::default();
        let router = Router::new(&named).unwrap();
        assert_eq!(router.route(Task::ClassifyIncident, None).unwrap().source, Source::BuiltIn);
        assert!(router.tasks().eq([Task::ClassifyIncident]));
        named.classify_incident.built_in = false;
        assert!(Router::new(&named).unwrap().models().is_empty());
        let other = |_: &Source| Ok(manifest("other", Task::ClassifyIncident, &[]));
        let router = Router::with(&tasks(&[(Task::ClassifyIncident, "other")]), other).unwrap();
        assert_eq!(router.route(Task::ClassifyIncident, None).unwrap().name(), "other");
        // Its name is taken.
        let mut taken = tasks(&[(Task::Embed, "vectors")]);
        taken.classify_incident.built_in = true;
        let same = |source: &Source| match source {
            Source::BuiltIn => source.manifest(),
            Source::At { .. } => Ok(manifest("incident", Task::Embed, &[])),
        };
        let error = Router::with(&taken, same).unwrap_err().to_string();
        assert!(error.contains("vectors and the model that is built in are both called"), "{error}");
    }

    #[test]
    fn a_bundle_that_is_not_the_signed_one_is_never_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words.tar");
        let text = toml::to_string(&manifest("words", Task::Generate, &[])).unwrap();
        let mut tar = Vec::new();
        lineside_bundle::archive::write(&[(MANIFEST, text.as_bytes())], &mut tar).unwrap();
        std::fs::write(&path, &tar).unwrap();
        let signed = |bytes: &[u8]| Source::At { path: path.clone(), sha256: Some(Sha256Hex::of(bytes)) };
        assert_eq!(signed(&tar).manifest().unwrap().name, "words");
        let other = signed(b"other");
        for refused in [other.manifest().unwrap_err(), other.bundle().unwrap_err()] {
            assert!(refused.contains("not the bundle") && refused.contains("that was signed"), "{refused}");
        }
    }

    #[test]
    fn an_unknown_task_is_answered_with_the_known_ones() {
        let router = router(&tasks(&[(Task::SummarizeIncident, "words"), (Task::Embed, "vectors")])).unwrap();
        let refusal = router.route(Task::ClassifyText, None).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "no model does `classify-text` here; known tasks: summarize-incident, embed"
        );
        let refusal = router.route(Task::Embed, Some("words")).unwrap_err();
        assert_eq!(refusal.to_string(), "no model `words` does this here; configured: vectors");
        // A bundle may be asked by its name for whatever it can do.
        assert_eq!(router.route(Task::Generate, Some("words")).unwrap().name(), "words");
        let none = Router::with(&tasks(&[]), |_| Err(String::new())).unwrap();
        let refusal = none.route(Task::Embed, None).unwrap_err();
        assert!(refusal.to_string().contains("name a bundle under `[slm.task]`"), "{refusal}");
    }
}
