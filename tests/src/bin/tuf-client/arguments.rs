//! The command line, as the suite writes it.

use std::path::{Path, PathBuf};

use super::Failure;

/// What the suite asks for.
pub enum Command {
    /// Take this root on trust.
    Init {
        /// The root's file.
        root: PathBuf,
    },
    /// Fetch what is latest.
    Refresh,
    /// Fetch what is latest, then targets.
    Download,
}

/// The command line.
pub struct Arguments {
    pub command: Command,
    pub metadata_dir: PathBuf,
    metadata_url: Option<String>,
    pub target_names: Vec<String>,
    pub target_base_url: Option<String>,
    target_dir: Option<PathBuf>,
}

impl Arguments {
    pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut arguments = arguments;
        let (mut words, mut target_names) = (Vec::new(), Vec::new());
        let (mut metadata_dir, mut metadata_url) = (None, None);
        let (mut target_base_url, mut target_dir) = (None, None);
        while let Some(word) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{word}: needs a value"));
            match word.as_str() {
                "--metadata-dir" => metadata_dir = Some(PathBuf::from(value()?)),
                "--metadata-url" => metadata_url = Some(value()?),
                "--target-name" => target_names.push(value()?),
                "--target-base-url" => target_base_url = Some(value()?),
                "--target-dir" => target_dir = Some(PathBuf::from(value()?)),
                option if option.starts_with("--") => return Err(format!("{option}: unknown option").into()),
                _ => words.push(word),
            }
        }
        let command = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["init", root] => Command::Init { root: root.into() },
            ["refresh"] => Command::Refresh,
            ["download"] => Command::Download,
            _ => return Err("the command is `init ROOT`, `refresh` or `download`".into()),
        };
        let metadata_dir = metadata_dir.ok_or("--metadata-dir is needed")?;
        Ok(Arguments { command, metadata_dir, metadata_url, target_names, target_base_url, target_dir })
    }

    pub fn metadata_url(&self) -> Result<&str, Failure> {
        Ok(self.metadata_url.as_deref().ok_or("--metadata-url is needed")?)
    }

    pub fn target_dir(&self) -> Result<&Path, Failure> {
        Ok(self.target_dir.as_deref().ok_or("--target-dir is needed")?)
    }
}
