//! Why a folder cannot become a bundle.

use std::path::PathBuf;

use lineside_bundle::BundleError;

use crate::slm::model::ModelError;
use crate::slm::tokenizer::TokenizerError;

/// Why a folder cannot become a bundle. Every message names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file cannot be read or written.
    #[error("{file}: {cause}", file = file.display())]
    Disk {
        /// The file.
        file: PathBuf,
        /// What the file system answered.
        cause: std::io::Error,
    },
    /// A file that is needed, or what is in it, does not fit.
    #[error("{file}: {problem}")]
    File {
        /// The file, without its folder.
        file: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A key of a JSON file does not fit.
    #[error("{file}: key `{key}`: {problem}")]
    Key {
        /// The file, without its folder.
        file: String,
        /// The key.
        key: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// An option is missing or does not fit the model.
    #[error("{option}: {problem}")]
    Option {
        /// The option, as the command line writes it.
        option: &'static str,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The runtime refuses the model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The tokenizer cannot be used.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// What was made is no bundle.
    #[error(transparent)]
    Bundle(#[from] Box<BundleError>),
}

impl ImportError {
    pub(super) fn file(file: impl Into<String>, problem: impl Into<String>) -> Self {
        ImportError::File { file: file.into(), problem: problem.into() }
    }

    pub(super) fn key(file: &str, key: impl Into<String>, problem: impl Into<String>) -> Self {
        ImportError::Key { file: file.to_owned(), key: key.into(), problem: problem.into() }
    }

    pub(super) fn option(option: &'static str, problem: impl Into<String>) -> Self {
        ImportError::Option { option, problem: problem.into() }
    }
}
