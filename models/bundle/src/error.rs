//! Why a bundle is refused.

use std::path::PathBuf;

/// Why a bundle is refused. Every message names the file and, where there is one, the key.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A file cannot be read.
    #[error("{file}: cannot be read: {cause}; a bundle is a folder or a tar with \
        `manifest.toml` and the files it names",
        file = file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the file system answered.
        cause: std::io::Error,
    },
    /// A file is larger than anything a gateway is meant to load.
    #[error("{file}: larger than {limit} bytes, the most that is read of it", file = file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// The manifest was written for another version of Lineside.
    #[error("{file}: key `schema`: {found}, but this version reads schema {supported}; \
        update the agent or take a bundle made for it", file = file.display())]
    Schema {
        /// The manifest.
        file: PathBuf,
        /// What it says.
        found: i64,
        /// What this version reads.
        supported: u32,
    },
    /// The text does not have the form it must have.
    #[error("{file}:{line}: key `{key}`: {problem}", file = file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key's full path; `.` for the file as a whole.
        key: String,
        /// What is wrong.
        problem: String,
    },
    /// The value of a key is impossible.
    #[error("{file}: key `{key}`: {problem}", file = file.display())]
    Invalid {
        /// The file.
        file: PathBuf,
        /// The key's full path.
        key: String,
        /// What was found and what is allowed.
        problem: String,
    },
    /// A file is not the one that the manifest describes.
    #[error("{file}: {what} is {found}, but `{key}` in the manifest says {expected}; \
        the file is damaged or belongs to another release: fetch the bundle again", file = file.display())]
    Mismatch {
        /// The file.
        file: PathBuf,
        /// The manifest's key.
        key: &'static str,
        /// What was compared.
        what: &'static str,
        /// What the file has.
        found: String,
        /// What the manifest says.
        expected: String,
    },
    /// A file that the manifest does not name.
    #[error("{file}: no key of `manifest.toml` names this file; a bundle holds what its manifest \
        describes and nothing else: remove it, or name it", file = file.display())]
    Unnamed {
        /// The file.
        file: PathBuf,
    },
    /// The file is no archive that could be a bundle.
    #[error("{file}: byte {at}: {problem}; a bundle is a plain tar of regular files, as \
        `lineside bundle pack` writes it", file = file.display())]
    Archive {
        /// The archive.
        file: PathBuf,
        /// Where in it, from 0.
        at: u64,
        /// What is wrong there.
        problem: String,
    },
    /// The model file is not one that may run.
    #[error("{file}: byte {at}: {problem}", file = file.display())]
    Model {
        /// The model file.
        file: PathBuf,
        /// Where in it, from 0.
        at: u64,
        /// What is wrong there.
        problem: String,
    },
    /// What was to be written cannot be.
    #[error("{file}: cannot be written: {cause}", file = file.display())]
    Unwritable {
        /// The file.
        file: PathBuf,
        /// What the file system answered.
        cause: std::io::Error,
    },
}

impl BundleError {
    pub(crate) fn invalid(file: &str, key: impl Into<String>, problem: impl Into<String>) -> Self {
        BundleError::Invalid { file: file.into(), key: key.into(), problem: problem.into() }
    }

    /// Puts the folder or archive before the file's name.
    pub(crate) fn within(mut self, folder: &std::path::Path) -> Self {
        let (BundleError::Unreadable { file, .. }
        | BundleError::TooLarge { file, .. }
        | BundleError::Schema { file, .. }
        | BundleError::Malformed { file, .. }
        | BundleError::Invalid { file, .. }
        | BundleError::Mismatch { file, .. }
        | BundleError::Unnamed { file }
        | BundleError::Archive { file, .. }
        | BundleError::Model { file, .. }
        | BundleError::Unwritable { file, .. }) = &mut self;
        *file = folder.join(&*file);
        self
    }
}
