//! A model with everything that makes it a bundle.

use std::io;
use std::path::Path;

use lineside_bundle::manifest::Task;
use lineside_bundle::{Bundle, Sha256Hex};

use crate::decoder::{self, Shape};
use crate::encoder;
use crate::tokenizer::Vocabulary;

/// A model with everything that makes it a bundle.
#[derive(Clone, Debug)]
pub struct Made {
    /// Its name.
    pub name: String,
    /// Its release.
    pub release: u32,
    /// What it may be asked for; the first is what it is for.
    pub tasks: Vec<Task>,
    /// The words of a model that speaks in slots.
    pub lexicon: Option<String>,
    /// What writes texts out before a classifier reads them.
    pub normaliser: Option<String>,
    /// The Jinja template for conversations.
    pub chat_template: Option<String>,
    /// What a classifier tells apart; for an encoder as many as it has outputs.
    pub labels: Vec<String>,
    /// Most tokens of one call.
    pub context: usize,
    language: &'static str,
    onnx: Vec<u8>,
    tokenizer: Vec<u8>,
}

impl Made {
    /// A decoder of that shape that knows letters. Token 0 ends an answer. Weights are random, but
    /// always the same for a seed.
    #[must_use]
    pub fn decoder(shape: &Shape) -> Self {
        Self::speaker(shape, &Vocabulary::default())
    }

    /// As [`Made::decoder`], with a vocabulary of its own.
    #[must_use]
    pub fn speaker(shape: &Shape, vocabulary: &Vocabulary) -> Self {
        let shape = &Shape { vocabulary: vocabulary.tokens().len(), ..shape.clone() };
        let language = "kind = \"decoder\"\nend = [0]\n";
        let made = Self::of(Task::Generate, language, decoder::onnx(shape), vocabulary);
        Made { context: shape.context, ..made }
    }

    /// An encoder that takes 64 tokens and answers with the mean of its hidden states: 16 numbers.
    #[must_use]
    pub fn encoder(vocabulary: &Vocabulary) -> Self {
        let language = "kind = \"encoder\"\noutput = \"mean\"\n";
        let onnx = encoder::onnx(vocabulary.tokens().len(), None);
        Self::of(Task::Embed, language, onnx, vocabulary)
    }

    /// An encoder with one logit for each of `labels`.
    #[must_use]
    pub fn classifier(vocabulary: &Vocabulary, labels: &[&str]) -> Self {
        let language = "kind = \"encoder\"\noutput = \"labels\"\n";
        let onnx = encoder::onnx(vocabulary.tokens().len(), Some(labels.len()));
        let made = Self::of(Task::ClassifyText, language, onnx, vocabulary);
        Made { labels: labels.iter().map(|&label| label.to_owned()).collect(), ..made }
    }

    fn of(task: Task, language: &'static str, onnx: Vec<u8>, vocabulary: &Vocabulary) -> Self {
        Made {
            name: "tiny".into(),
            release: 1,
            tasks: vec![task],
            lexicon: None,
            normaliser: None,
            chat_template: None,
            labels: Vec::new(),
            context: 64,
            language,
            onnx,
            tokenizer: vocabulary.json(),
        }
    }

    /// The bundle.
    ///
    /// # Panics
    /// When it is none: a fault of this crate.
    #[must_use]
    pub fn bundle(&self) -> Bundle {
        Bundle::from_memory(&self.files().into_iter().collect()).expect("a made bundle is one")
    }

    /// Writes the bundle's folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        std::fs::create_dir_all(folder)?;
        self.files().iter().try_for_each(|(name, bytes)| std::fs::write(folder.join(name), bytes))
    }

    fn files(&self) -> Vec<(String, Vec<u8>)> {
        // Any finite answer: what random weights say is not known before they are run.
        let golden = br#"{"tolerance":1e6,"texts":[{"tokens":[2,3],"output":[[0,0.0]]}]}"#;
        let named = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_vec());
        let mut files = vec![
            named("model.onnx", &self.onnx),
            named("golden.json", golden),
            named("card.md", b"# Random weights\n"),
            named("tokenizer.json", &self.tokenizer),
        ];
        files.extend(self.chat_template.iter().map(|text| named("chat.jinja", text.as_bytes())));
        files.extend(self.lexicon.iter().map(|text| named("lexicon.toml", text.as_bytes())));
        files.extend(self.normaliser.iter().map(|text| named("normaliser.json", text.as_bytes())));
        let manifest = self.manifest(&files);
        files.push(named("manifest.toml", manifest.as_bytes()));
        files
    }

    fn manifest(&self, files: &[(String, Vec<u8>)]) -> String {
        let digest = |file: &str| {
            let bytes = files.iter().find(|(name, _)| name == file).map_or(&[][..], |(_, bytes)| bytes);
            Sha256Hex::of(bytes).to_string()
        };
        let text = |key: &str, file: &str, there: bool| {
            let line = format!("{key} = {{ file = \"{file}\", sha256 = \"{}\" }}\n", digest(file));
            if there { line } else { String::new() }
        };
        let also: Vec<&str> = self.tasks[1..].iter().map(|task| task.name()).collect();
        format!(
            "schema = 1\nname = \"{}\"\nversion = \"1.0.{}\"\nrelease = {}\ntask = \"{}\"\nalso = {also:?}\n\
             licence = \"Apache-2.0\"\ndescription = \"Random weights.\"\n\
             [model]\nfile = \"model.onnx\"\nformat = \"onnx\"\nsha256 = \"{}\"\nbytes = {}\nlabels = {:?}\n\
             [golden]\nfile = \"golden.json\"\nsha256 = \"{}\"\n[card]\nfile = \"card.md\"\n\
             [tokenizer]\nfile = \"tokenizer.json\"\nsha256 = \"{}\"\n[trial]\nsoak_s = 1\nsoak_windows = 0\n\
             [language]\ncontext = {}\n{}{}{}{}\
             [provenance]\ncode = \"lineside-random-models\"\nseed = 1\ndata = []\n",
            self.name,
            self.release,
            self.release,
            self.tasks[0].name(),
            digest("model.onnx"),
            self.onnx.len(),
            self.labels,
            digest("golden.json"),
            digest("tokenizer.json"),
            self.context,
            self.language,
            text("chat_template", "chat.jinja", self.chat_template.is_some()),
            text("lexicon", "lexicon.toml", self.lexicon.is_some()),
            text("normaliser", "normaliser.json", self.normaliser.is_some()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_a_bundle_in_memory_and_on_disk() {
        let vocabulary = Vocabulary { slots: vec!["<c0.name>".into()], words: vec!["rose".into()] };
        let shape = Shape::default();
        let spoken = Made {
            tasks: vec![Task::SummarizeIncident, Task::ShiftReport],
            lexicon: Some("rise = [\"rose\"]\n".into()),
            chat_template: Some("{{ messages }}".into()),
            ..Made::speaker(&shape, &vocabulary)
        };
        let int4 = Made::decoder(&Shape { int4: true, head: 16, ..shape });
        let folder = tempfile::tempdir().unwrap();
        for made in
            [spoken, int4, Made::encoder(&vocabulary), Made::classifier(&vocabulary, &["leak", "wear"])]
        {
            let path = folder.path().join(&made.name);
            made.write(&path).unwrap();
            let (read, kept) = (Bundle::at(&path).unwrap(), made.bundle());
            assert_eq!(read.manifest(), kept.manifest());
            assert!(read.manifest().tasks().eq(made.tasks.iter().copied()));
            assert_eq!((read.model(), read.lexicon()), (kept.model(), kept.lexicon()));
        }
    }

    #[test]
    fn a_vocabulary_has_every_token_once() {
        let vocabulary = Vocabulary { slots: vec!["<dur>".into()], words: vec!["a".into(), "a".into()] };
        let tokens = vocabulary.tokens();
        assert_eq!(tokens[..4], ["<end>", "<unknown>", "<dur>", "\u{2581}a"]);
        assert_eq!(tokens.iter().filter(|token| *token == "\u{2581}a").count(), 1);
    }
}
