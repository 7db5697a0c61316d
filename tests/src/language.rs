//! Bundles of tiny language models with random weights: real ones on tract, that want anything.

use std::path::{Path, PathBuf};

use lineside::slm::mask::slots::{About, Lexicon, marks};
use lineside_bundle::archive;
use lineside_bundle::manifest::Task;
use lineside_random_models::{Made, Shape, Vocabulary};

/// The words of a model that speaks in slots.
const LEXICON: &str = include_str!("../../agent/src/slm/mask/slots/testdata/lexicon.toml");
/// An incident's evidence, spelled letter by letter.
const CONTEXT: usize = 4_096;

/// A model that words incidents and shifts in slots.
#[must_use]
pub fn summarizer(release: u32) -> Made {
    spoken(release, Shape::default())
}

/// As [`summarizer`], of several MiB.
#[must_use]
pub fn large_summarizer() -> Made {
    spoken(1, Shape { inner: 8_192, ..Shape::default() })
}

fn spoken(release: u32, shape: Shape) -> Made {
    let lexicon = Lexicon::parse(LEXICON).expect("the list of words");
    let tokens = |about: About| about.slots().map(move |slot| about.token(slot)).chain(marks::all(about));
    let slots = [About::Incident, About::Shift].into_iter().flat_map(tokens).collect();
    let vocabulary = Vocabulary { slots, words: lexicon.words.keys().cloned().collect() };
    // What it says under the mask is then what it means, as with a model that was taught.
    let shape = Shape { context: CONTEXT, certainty: 0.2, seed: release.into(), ..shape };
    let mut made = Made::speaker(&shape, &vocabulary);
    made.name = "summarizer".into();
    made.release = release;
    made.tasks = vec![Task::SummarizeIncident, Task::ShiftReport];
    made.lexicon = Some(LEXICON.to_owned());
    made
}

/// A model that says which of `labels` an incident shows.
#[must_use]
pub fn classifier(labels: &[&str]) -> Made {
    let mut made = Made::classifier(&Vocabulary::default(), labels);
    made.name = "classifier".into();
    made.context = CONTEXT;
    made.tasks = vec![Task::ClassifyIncident];
    made
}

/// Writes a bundle's folder and its tar into `folder`; returns both.
///
/// # Panics
/// When they cannot be written.
#[must_use]
pub fn write(made: &Made, folder: &Path) -> (PathBuf, PathBuf) {
    let parts = folder.join(format!("{}-{}", made.name, made.release));
    made.write(&parts).expect("the bundle's folder");
    let tar = folder.join(format!("{}-r{}.tar", made.name, made.release));
    archive::pack(&parts, std::fs::File::create(&tar).expect("the tar")).expect("the parts make a bundle");
    (parts, tar)
}
