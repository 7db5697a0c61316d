//! The files of a Hugging Face folder: read by plain name, within limits.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::ImportError;

/// A configuration is some pages of JSON.
const MAX_CONFIG_BYTES: u64 = 8 << 20;

/// A folder as transformers and optimum write it.
pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    /// # Errors
    /// When it is not there.
    pub fn open(root: &Path) -> Result<Self, ImportError> {
        if root.is_dir() {
            return Ok(Folder { root: root.to_owned() });
        }
        let problem = "is no folder: name the one that `optimum-cli export onnx` wrote";
        Err(ImportError::file(root.display().to_string(), problem))
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether it has such a file.
    pub fn has(&self, name: &str) -> bool {
        self.root.join(name).is_file()
    }

    /// Names of the files that end in `ending`, here and in `onnx/`, sorted.
    pub fn ending_in(&self, ending: &str) -> Result<Vec<String>, ImportError> {
        let mut names = Vec::new();
        for under in ["", "onnx/"] {
            let folder = self.root.join(under);
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(cause) => return Err(ImportError::Disk { file: folder, cause }),
            };
            for entry in entries {
                let entry = entry.map_err(|cause| ImportError::Disk { file: folder.clone(), cause })?;
                let name = entry.file_name().to_string_lossy().into_owned();
                if name.ends_with(ending) && entry.path().is_file() {
                    names.push(format!("{under}{name}"));
                }
            }
        }
        names.sort();
        Ok(names)
    }

    /// A whole file, unless it is longer than `limit`.
    pub fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, ImportError> {
        let file = self.root.join(name);
        let mut bytes = Vec::new();
        File::open(&file)
            .and_then(|opened| opened.take(limit + 1).read_to_end(&mut bytes))
            .map_err(|cause| ImportError::Disk { file, cause })?;
        if bytes.len() as u64 > limit {
            let problem = format!("is longer than {limit} bytes, the most that a bundle takes");
            return Err(ImportError::file(name, problem));
        }
        Ok(bytes)
    }

    /// A text, where the file is there.
    pub fn text(&self, name: &str, limit: u64) -> Result<Option<String>, ImportError> {
        if !self.has(name) {
            return Ok(None);
        }
        let text = String::from_utf8(self.read(name, limit)?);
        text.map(Some).map_err(|_| ImportError::file(name, "is no UTF-8 text"))
    }

    /// A JSON object, where the file is there.
    pub fn json(&self, name: &str) -> Result<Option<Value>, ImportError> {
        let Some(text) = self.text(name, MAX_CONFIG_BYTES)? else {
            return Ok(None);
        };
        match serde_json::from_str(&text) {
            Ok(value @ Value::Object(_)) => Ok(Some(value)),
            Ok(_) => Err(ImportError::file(name, "must hold a JSON object")),
            Err(error) => Err(ImportError::file(name, format!("is no JSON: {error}"))),
        }
    }
}
