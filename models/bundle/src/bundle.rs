//! A bundle, read and checked.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use crate::digest::Sha256Hex;
use crate::error::BundleError;
use crate::golden::Golden;
use crate::manifest::{MANIFEST, Manifest};

/// A manifest is a page of text; far beyond that it is something else.
pub const MAX_MANIFEST_BYTES: u64 = 256 << 10;
/// The largest model that a board with 1 GB is meant to hold beside everything else.
pub const MAX_MODEL_BYTES: u64 = 64 << 20;
/// Golden vectors are a handful of calls written as text.
pub const MAX_GOLDEN_BYTES: u64 = 8 << 20;

/// A bundle whose files are those that its manifest describes.
#[derive(Clone, Debug)]
pub struct Bundle {
    manifest: Manifest,
    model: Vec<u8>,
    golden: Option<Golden>,
}

impl Bundle {
    /// Reads the bundle in `folder`: manifest, model and golden vectors; the card must be there.
    ///
    /// # Errors
    /// Names the file and key that stand in the way.
    pub fn load(folder: &Path) -> Result<Self, BundleError> {
        let manifest = read(folder, MANIFEST, MAX_MANIFEST_BYTES)?;
        let manifest = text(&manifest).and_then(Manifest::parse).map_err(|e| e.within(folder))?;
        let model = read(folder, &manifest.model.file, MAX_MODEL_BYTES)?;
        let golden = read(folder, &manifest.golden.file, MAX_GOLDEN_BYTES)?;
        check_regular(folder, &manifest.card.file)?;
        Self::assemble(manifest, model, Some(&golden)).map_err(|e| e.within(folder))
    }

    /// A bundle whose parts are at hand, such as the one built into the agent, which may leave
    /// the golden vectors out.
    ///
    /// # Errors
    /// As for [`Bundle::load`]; files are named without a folder.
    pub fn from_parts(manifest: &str, model: &[u8], golden: Option<&[u8]>) -> Result<Self, BundleError> {
        Self::assemble(Manifest::parse(manifest)?, model.to_vec(), golden)
    }

    fn assemble(manifest: Manifest, model: Vec<u8>, golden: Option<&[u8]>) -> Result<Self, BundleError> {
        let length = u64::try_from(model.len()).unwrap_or(u64::MAX);
        if length != manifest.model.bytes {
            return Err(BundleError::Mismatch {
                file: manifest.model.file.clone().into(),
                key: "model.bytes",
                what: "its length",
                found: length.to_string(),
                expected: manifest.model.bytes.to_string(),
            });
        }
        check_digest(&manifest.model.file, "model.sha256", &model, &manifest.model.sha256)?;
        let golden = match golden {
            None => None,
            Some(bytes) => {
                check_digest(&manifest.golden.file, "golden.sha256", bytes, &manifest.golden.sha256)?;
                Some(Golden::parse(bytes, &manifest)?)
            }
        };
        Ok(Bundle { manifest, model, golden })
    }

    /// What the bundle is.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The model file's bytes.
    #[must_use]
    pub fn model(&self) -> &[u8] {
        &self.model
    }

    /// The golden vectors, unless the bundle was made without them.
    #[must_use]
    pub fn golden(&self) -> Option<&Golden> {
        self.golden.as_ref()
    }
}

fn text(bytes: &[u8]) -> Result<&str, BundleError> {
    std::str::from_utf8(bytes).map_err(|e| BundleError::Malformed {
        file: MANIFEST.into(),
        line: 1 + bytes[..e.valid_up_to()].iter().filter(|&&b| b == b'\n').count(),
        key: ".".into(),
        problem: "is no UTF-8 text".into(),
    })
}

fn check_digest(
    file: &str,
    key: &'static str,
    bytes: &[u8],
    expected: &Sha256Hex,
) -> Result<(), BundleError> {
    let found = Sha256Hex::of(bytes);
    if found == *expected {
        return Ok(());
    }
    Err(BundleError::Mismatch {
        file: file.into(),
        key,
        what: "its SHA-256 digest",
        found: found.to_string(),
        expected: expected.to_string(),
    })
}

/// A bundle's files are regular ones: a link could lead outside the folder.
fn check_regular(folder: &Path, name: &str) -> Result<(), BundleError> {
    let file = folder.join(name);
    let unreadable = |cause: io::Error| BundleError::Unreadable { file: file.clone(), cause };
    let metadata = fs::symlink_metadata(&file).map_err(unreadable)?;
    if metadata.is_file() {
        return Ok(());
    }
    Err(unreadable(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")))
}

fn read(folder: &Path, name: &str, limit: u64) -> Result<Vec<u8>, BundleError> {
    check_regular(folder, name)?;
    let file = folder.join(name);
    let mut bytes = Vec::new();
    // One byte more than allowed tells "too large" from "just fits", without trusting metadata.
    File::open(&file)
        .and_then(|opened| opened.take(limit + 1).read_to_end(&mut bytes))
        .map_err(|cause| BundleError::Unreadable { file: file.clone(), cause })?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        Ok(bytes)
    } else {
        Err(BundleError::TooLarge { file, limit })
    }
}

#[cfg(test)]
mod tests;
