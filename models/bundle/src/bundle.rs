//! A bundle, read and checked.

use std::collections::BTreeMap;
use std::path::Path;

use crate::digest::Sha256Hex;
use crate::error::BundleError;
use crate::files::{self, Files, Folder};
use crate::golden::Golden;
use crate::manifest::{Format, MANIFEST, Manifest, TextFile};
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
/// A chat template is a page of Jinja, a lexicon some thousand words, a table of signatures some
/// thousand lines.
pub const MAX_TEXT_BYTES: u64 = 1 << 20;
/// A card is some pages of text.
pub const MAX_CARD_BYTES: u64 = 1 << 20;

/// A bundle whose files are those that its manifest describes.
#[derive(Clone, Debug)]
pub struct Bundle {
    manifest: Manifest,
    model: Vec<u8>,
    golden: Option<Golden>,
    texts: Texts,
}

/// The texts that a model needs beside its weights.
#[derive(Clone, Debug, Default)]
struct Texts {
    tokenizer: Option<Vec<u8>>,
    chat_template: Option<String>,
    lexicon: Option<String>,
    normaliser: Option<String>,
    signatures: Option<String>,
    phrases: Option<String>,
}

impl Bundle {
    /// Reads the bundle in `folder`: all files that the manifest names must be there.
    ///
    /// # Errors
    /// Names the file and key that stand in the way.
    pub fn load(folder: &Path) -> Result<Self, BundleError> {
        Self::from_files(&Folder(folder)).map_err(|e| e.within(folder))
    }

    /// A bundle whose parts are at hand, which may leave the golden vectors out. It has no tokenizer and
    /// no texts.
    ///
    /// # Errors
    /// As for [`Bundle::load`]; files are named without a folder.
    pub fn from_parts(manifest: &str, model: &[u8], golden: Option<&[u8]>) -> Result<Self, BundleError> {
        Self::assemble(Manifest::parse(manifest)?, model.to_vec(), golden, Texts::default())
    }

    /// A bundle that is built into a program, without golden vectors and card. `texts` are the files
    /// that its model needs beside its weights, by their names.
    ///
    /// # Errors
    /// As for [`Bundle::load`]; files are named without a folder.
    pub fn built_in(manifest: &str, model: &[u8], texts: &[(&str, &str)]) -> Result<Self, BundleError> {
        let manifest = Manifest::parse(manifest)?;
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), text.as_bytes().to_vec());
        let texts = Texts::read(&manifest, &texts.iter().map(owned).collect::<BTreeMap<_, _>>())?;
        Self::assemble(manifest, model.to_vec(), None, texts)
    }

    /// A bundle whose files are at hand, by their names.
    ///
    /// # Errors
    /// As for [`Bundle::load`]; files are named without a folder.
    pub fn from_memory(files: &BTreeMap<String, Vec<u8>>) -> Result<Self, BundleError> {
        Self::from_files(files)
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
        let texts = Texts::read(&manifest, files)?;
        Self::assemble(manifest, model, Some(&golden), texts)
    }

    fn assemble(
        manifest: Manifest,
        model: Vec<u8>,
        golden: Option<&[u8]>,
        texts: Texts,
    ) -> Result<Self, BundleError> {
        check_length(&manifest, files::length(&model))?;
        check_digest(&manifest.model.file, "model.sha256", &model, &manifest.model.sha256)?;
        match manifest.model.format {
            Format::Onnx => onnx::check(&manifest.model.file, &model)?,
            // The tar is read from memory alone: no name in it leads to a file.
            Format::Nnef => {}
        }
        let golden = match golden {
            None => None,
            Some(bytes) => {
                check_digest(&manifest.golden.file, "golden.sha256", bytes, &manifest.golden.sha256)?;
                Some(Golden::parse(bytes, &manifest)?)
            }
        };
        Ok(Bundle { manifest, model, golden, texts })
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
        self.texts.tokenizer.as_deref()
    }

    /// The Jinja template that turns a conversation into a prompt, where the model has one.
    #[must_use]
    pub fn chat_template(&self) -> Option<&str> {
        self.texts.chat_template.as_deref()
    }

    /// The words that a model with slots may use, where it has any.
    #[must_use]
    pub fn lexicon(&self) -> Option<&str> {
        self.texts.lexicon.as_deref()
    }

    /// What writes texts out before the model classifies them, where it has that.
    #[must_use]
    pub fn normaliser(&self) -> Option<&str> {
        self.texts.normaliser.as_deref()
    }

    /// The table of fault modes, where the model judges by one.
    #[must_use]
    pub fn signatures(&self) -> Option<&str> {
        self.texts.signatures.as_deref()
    }

    /// How people put the fault modes into words, where the bundle knows.
    #[must_use]
    pub fn phrases(&self) -> Option<&str> {
        self.texts.phrases.as_deref()
    }

    /// The bundle without its weights, and the weights, so that whoever loads them can let go of
    /// the file's bytes.
    #[must_use]
    pub fn into_model(mut self) -> (Self, Vec<u8>) {
        let model = std::mem::take(&mut self.model);
        (self, model)
    }
}

impl Texts {
    fn read(manifest: &Manifest, files: &dyn Files) -> Result<Self, BundleError> {
        let mut texts = Texts::default();
        if let Some(tokenizer) = &manifest.tokenizer {
            let bytes = files.read(&tokenizer.file, MAX_TOKENIZER_BYTES)?;
            check_digest(&tokenizer.file, "tokenizer.sha256", &bytes, &tokenizer.sha256)?;
            texts.tokenizer = Some(bytes);
        }
        let text = |key: &'static str, described: Option<&TextFile>| {
            let Some(described) = described else {
                return Ok(None);
            };
            let bytes = files.read(&described.file, MAX_TEXT_BYTES)?;
            check_digest(&described.file, key, &bytes, &described.sha256)?;
            text_of(&described.file, &bytes).map(|text| Some(text.to_owned()))
        };
        if let Some(language) = &manifest.language {
            texts.chat_template = text("language.chat_template.sha256", language.chat_template.as_ref())?;
            texts.lexicon = text("language.lexicon.sha256", language.lexicon.as_ref())?;
            texts.normaliser = text("language.normaliser.sha256", language.normaliser.as_ref())?;
        }
        if let Some(diagnosis) = &manifest.diagnosis {
            texts.signatures = text("diagnosis.signatures.sha256", Some(&diagnosis.signatures))?;
            texts.phrases = text("diagnosis.phrases.sha256", diagnosis.phrases.as_ref())?;
        }
        Ok(texts)
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
    Manifest::parse(text_of(MANIFEST, &files.read(MANIFEST, MAX_MANIFEST_BYTES)?)?)
}

fn text_of<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, BundleError> {
    std::str::from_utf8(bytes).map_err(|e| BundleError::Malformed {
        file: file.into(),
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
