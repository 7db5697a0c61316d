//! From a file and the environment to a configuration that can run, or to every reason why not.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::{ConfigError, ConfigErrors, Problem, Warning};
use super::schema::Rule;
use super::tree::{Node, Place};
use super::{Config, check, env, secret, validate};

/// A configuration that was read, checked and completed with its secrets.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The file it comes from.
    pub path: PathBuf,
    /// The configuration; passwords from files are in their `password`.
    pub config: Config,
    /// What works but should not stay so.
    pub warnings: Vec<Warning>,
}

impl Config {
    /// Reads the file at `path` and lays the variables among `env` that begin with
    /// `LINESIDE__` over it.
    ///
    /// # Errors
    /// [`ConfigErrors::Unreadable`] when there is no such file, else every error that was
    /// found. Impossible values are looked for once keys and types are right.
    pub fn load(path: &Path, env: impl Iterator<Item = (String, String)>) -> Result<Loaded, ConfigErrors> {
        let text = fs::read_to_string(path)
            .map_err(|cause| ConfigErrors::Unreadable { path: path.to_owned(), cause })?;
        let (mut config, root) = read(path, &text, env).map_err(refused)?;
        let errors = validate::validate(&config, &root);
        if !errors.is_empty() {
            return Err(refused(errors));
        }
        let (errors, mut warnings) = secret::read(&mut config, &root, path);
        if !errors.is_empty() {
            return Err(refused(errors));
        }
        warnings.extend(validate::warnings(&config, &root));
        Ok(Loaded { path: path.to_owned(), config, warnings })
    }
}

/// Reads and checks keys and types; the tree says where each value comes from.
pub(super) fn read(
    path: &Path,
    text: &str,
    env: impl Iterator<Item = (String, String)>,
) -> Result<(Config, Node), Vec<ConfigError>> {
    let mut root = Node::parse(path, text)?;
    let mut errors = env::apply(&mut root, env);
    errors.extend(check::check(&mut root, &Rule::of_config()));
    if !errors.is_empty() {
        return Err(errors);
    }
    // Whatever the rules let through and the types refuse would be an error of ours; the path
    // still leads the reader to the key.
    match serde_path_to_error::deserialize(root.to_json()) {
        Ok(config) => Ok((config, root)),
        Err(error) => Err(vec![ConfigError {
            place: root.place.clone(),
            key: error.path().to_string(),
            problem: Problem::Conversion(error.inner().to_string()),
        }]),
    }
}

fn refused(mut errors: Vec<ConfigError>) -> ConfigErrors {
    errors.sort_by_key(|error| match &error.place {
        Place::Line { line, .. } => (*line, String::new()),
        Place::Variable(name) => (usize::MAX, name.clone()),
    });
    ConfigErrors::Refused(errors)
}
