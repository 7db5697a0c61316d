//! A bundle, read and checked.

use std::path::Path;

use crate::digest::Sha256Hex;
use crate::error::BundleError;
use crate::files::{self, Files, Folder};
use crate::golden::Golden;
use crate::manifest::{Format, MANIFEST, Manifest};
use crate::onnx;

/// A manifest is a page of text; far beyond that it is something else.
pub const MAX_MANIFEST_BYTES: u64 = 256 << 10;
/// A small language model fits; what a device can hold is less, and its own matter
/// (`requires.memory_kib`).
pub const MAX_MODEL_BYTES: u64 = 1 << 30;
/// Golden vectors are a handful of calls written as text.
pub const MAX_GOLDEN_BYTES: u64 = 8 << 20;
/// The vocabulary of the largest multilingual tokenizers is some 20 MB of JSON.
pub const MAX_TOKENIZER_BYTES: u64 = 32 << 20;
/// A card is some pages of text.
pub const MAX_CARD_BYTES: u64 = 1 << 20;

/// A bundle whose files are those that its manifest describes.
#[derive(Clone, Debug)]
pub struct Bundle {
    manifest: Manifest,
    model: Vec<u8>,
    golden: Option<Golden>,
    tokenizer: Option<Vec<u8>>,
}

impl Bundle {
    /// Reads the bundle in `folder`: all files that the manifest names must be there.
    ///
    /// # Errors
    /// Names the file and key that stand in the way.
    pub fn load(folder: &Path) -> Result<Self, BundleError> {
        Self::from_files(&Folder(folder)).map_err(|e| e.within(folder))
    }

    /// A bundle whose parts are at hand, such as the one built into the agent, which may leave
    /// the golden vectors out. It has no tokenizer.
    ///
    /// # Errors
    /// As for [`Bundle::load`]; files are named without a folder.
    pub fn from_parts(manifest: &str, model: &[u8], golden: Option<&[u8]>) -> Result<Self, BundleError> {
        Self::assemble(Manifest::parse(manifest)?, model.to_vec(), golden, None)
    }

    pub(crate) fn from_files(files: &dyn Files) -> Result<Self, BundleError> {
        let manifest = read_manifest(files)?;
        // Before anything is read: what is not as long as stated must not fill the memory.
        check_length(&manifest, files.length(&manifest.model.file)?)?;
        let model = files.read(&manifest.model.file, MAX_MODEL_BYTES)?;
        let golden = files.read(&manifest.golden.file, MAX_GOLDEN_BYTES)?;
        let card = files.read(&manifest.card.file, MAX_CARD_BYTES)?;
        if let Some(expected) = &manifest.card.sha256 {
            check_digest(&manifest.card.file, "card.sha256", &card, expected)?;
        }
        let tokenizer =
            manifest.tokenizer.as_ref().map(|t| files.read(&t.file, MAX_TOKENIZER_BYTES)).transpose()?;
        Self::assemble(manifest, model, Some(&golden), tokenizer)
    }

    fn assemble(
        manifest: Manifest,
        model: Vec<u8>,
        golden: Option<&[u8]>,
        tokenizer: Option<Vec<u8>>,
    ) -> Result<Self, BundleError> {
        check_length(&manifest, files::length(&model))?;
        check_digest(&manifest.model.file, "model.sha256", &model, &manifest.model.sha256)?;
        match manifest.model.format {
            Format::Onnx => onnx::check(&manifest.model.file, &model)?,
        }
        let golden = match golden {
            None => None,
            Some(bytes) => {
                check_digest(&manifest.golden.file, "golden.sha256", bytes, &manifest.golden.sha256)?;
                Some(Golden::parse(bytes, &manifest)?)
            }
        };
        if let (Some(described), Some(bytes)) = (&manifest.tokenizer, &tokenizer) {
            check_digest(&described.file, "tokenizer.sha256", bytes, &described.sha256)?;
        }
        Ok(Bundle { manifest, model, golden, tokenizer })
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

    /// The tokenizer's file, where the model reads text.
    #[must_use]
    pub fn tokenizer(&self) -> Option<&[u8]> {
        self.tokenizer.as_deref()
    }
}

fn check_length(manifest: &Manifest, found: u64) -> Result<(), BundleError> {
    if found == manifest.model.bytes {
        return Ok(());
    }
    Err(BundleError::Mismatch {
        file: manifest.model.file.clone().into(),
        key: "model.bytes",
        what: "its length",
        found: found.to_string(),
        expected: manifest.model.bytes.to_string(),
    })
}

/// The manifest among `files`, without any of the others.
pub(crate) fn read_manifest(files: &dyn Files) -> Result<Manifest, BundleError> {
    Manifest::parse(text(&files.read(MANIFEST, MAX_MANIFEST_BYTES)?)?)
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

#[cfg(test)]
pub(crate) mod tests;
