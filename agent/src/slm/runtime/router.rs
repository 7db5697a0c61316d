//! Which bundle does which task.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lineside_bundle::archive::Archive;
use lineside_bundle::digest::Sha256Hex;
use lineside_bundle::manifest::{MANIFEST, Manifest, Task};
use lineside_bundle::{Bundle, BundleError};

use super::reply::Refusal;
use crate::config::slm::TasksConfig;

/// Where a bundle lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// A folder or a tar.
    pub path: PathBuf,
    /// The digest of the tar, where it is known from a signature: whenever the bundle is read, it
    /// must be this.
    pub sha256: Option<Sha256Hex>,
}

impl Source {
    /// The bundle's manifest, without its weights.
    ///
    /// # Errors
    /// When it cannot be read or is not the one that was signed, in words.
    pub fn manifest(&self) -> Result<Manifest, String> {
        let text = |error: BundleError| error.to_string();
        if self.sha256.is_some() || !self.path.is_dir() {
            return self.archive()?.manifest().map_err(text);
        }
        let file = self.path.join(MANIFEST);
        let read = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        Manifest::parse(&read).map_err(|error| format!("{}: {error}", self.path.display()))
    }

    /// The bundle, with everything that it says about itself checked.
    ///
    /// # Errors
    /// As for [`Source::manifest`].
    pub fn bundle(&self) -> Result<Bundle, String> {
        let bundle = match self.sha256 {
            None => Bundle::at(&self.path),
            Some(_) => Bundle::from_archive(&self.archive()?),
        };
        bundle.map_err(|error| error.to_string())
    }

    fn archive(&self) -> Result<Archive, String> {
        let archive = Archive::open(&self.path).map_err(|error| error.to_string())?;
        let Some(signed) = &self.sha256 else { return Ok(archive) };
        let found = archive.sha256().map_err(|error| error.to_string())?;
        if found != *signed {
            let path = self.path.display();
            return Err(format!("{path}: is {found}, not the bundle {signed} that was signed"));
        }
        Ok(archive)
    }
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
         or name one bundle twice", .paths[0].display(), .paths[1].display()
    )]
    Name {
        /// The task of the second one.
        task: &'static str,
        /// The name.
        model: String,
        /// Where the two lie.
        paths: [PathBuf; 2],
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
        for (task, path) in tasks.models() {
            let at = router.add(task, path, &read)?;
            router.by_task.insert(task, at);
        }
        Ok(router)
    }

    fn add(
        &mut self,
        task: Task,
        path: &Path,
        read: impl Fn(&Source) -> Result<Manifest, String>,
    ) -> Result<usize, RouterError> {
        let at = match self.models.iter().position(|model| model.source.path == path) {
            Some(at) => at,
            None => {
                let source = Source { path: path.to_owned(), sha256: None };
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
        let paths = [other.source.path.clone(), model.source.path];
        Err(RouterError::Name { task: task.name(), model: model.manifest.name, paths })
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
        Router::with(tasks, |source| match source.path.to_str().unwrap() {
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
            source: Source { path: "new.tar".into(), sha256: None },
            manifest: manifest(name, Task::SummarizeIncident, also),
        };
        let error = router.replace(model("words", &[Task::Embed])).unwrap_err();
        assert!(error.to_string().contains("does summarize-incident, embed, not shift-report"), "{error}");
        let error = router.replace(model("other", &[Task::ShiftReport])).unwrap_err();
        assert_eq!(error.to_string(), "no model `other` is configured; configured: words");
        assert_eq!(router.route(Task::ShiftReport, None).unwrap().source.path, Path::new("words"));
        router.replace(model("words", &[Task::ShiftReport])).unwrap();
        assert_eq!(router.route(Task::ShiftReport, None).unwrap().source.path, Path::new("new.tar"));
    }

    #[test]
    fn a_bundle_that_is_not_the_signed_one_is_never_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words.tar");
        let text = toml::to_string(&manifest("words", Task::Generate, &[])).unwrap();
        let mut tar = Vec::new();
        lineside_bundle::archive::write(&[(MANIFEST, text.as_bytes())], &mut tar).unwrap();
        std::fs::write(&path, &tar).unwrap();
        let signed = |bytes: &[u8]| Source { path: path.clone(), sha256: Some(Sha256Hex::of(bytes)) };
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
        let none = Router::with(&TasksConfig::default(), |_| Err(String::new())).unwrap();
        let refusal = none.route(Task::Embed, None).unwrap_err();
        assert!(refusal.to_string().contains("name a bundle under `[slm.task]`"), "{refusal}");
    }
}
