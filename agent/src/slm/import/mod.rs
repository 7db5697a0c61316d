//! Brings an off-the-shelf model in: a Hugging Face folder that optimum exported becomes a bundle.
//!
//! The graph stays the one that was exported, but for what a gateway needs: one text at a time, all
//! weights in one file, four-bit weights where they are asked for. What does not fit is refused with
//! the file, the key and what to do. The golden vectors are this runtime's own answers; that these
//! are onnxruntime's too is what the system tests show for each architecture.

use std::fs;
use std::path::Path;

use lineside_bundle::bundle::{MAX_TEXT_BYTES, MAX_TOKENIZER_BYTES};
use lineside_bundle::manifest::{
    Budget, CardFile, DataSet, Format, GoldenFile, Kind, Language, MANIFEST, ModelFile, Output, Provenance,
    Requires, SCHEMA, Task, TextFile, TokenizerFile, Trial,
};
use lineside_bundle::{Bundle, Golden, Manifest, Sha256Hex};

use crate::slm::model::{self, LoadOptions, Loaded};
use crate::slm::tokenizer::Tokenizer;

mod blocks;
mod card;
mod error;
mod external;
mod folder;
mod golden;
mod graph;
mod licence;
mod quantise;
mod settings;
#[cfg(test)]
mod tests;
mod variant;

pub use error::ImportError;
pub use quantise::Quantised;
pub use variant::Variant;

use folder::Folder;
use graph::{Answer, Graph};
use settings::{Pooling, Settings};

const MODEL: &str = "model.onnx";
const GOLDEN: &str = "golden.json";
const CARD: &str = "card.md";
const TOKENIZER: &str = "tokenizer.json";
const TEMPLATE: &str = "chat_template.jinja";
const README: &str = "README.md";
/// Most tokens of one call where nobody asks for more: the cache of a conversation is made for all of
/// them, and contexts of a hundred thousand tokens would not fit a gateway.
const USUAL_CONTEXT: u64 = 4_096;

/// What the person who imports a model decides.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The bundle's name; from the folder's where it is not given.
    pub name: Option<String>,
    /// SPDX identifier of the licence; from the README where it is not given.
    pub licence: Option<String>,
    /// What the model is for, the main task first; by its kind where none is given.
    pub tasks: Vec<Task>,
    /// Which of several model files to take.
    pub file: Option<String>,
    /// Most tokens of one call.
    pub context: Option<u32>,
    /// Whether its products become four-bit.
    pub four_bits: bool,
}

/// What became of a folder.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The bundle's manifest.
    pub manifest: Manifest,
    /// Which model file was taken, and which were left.
    pub variant: Variant,
    /// What was made four-bit, where that was asked for.
    pub quantised: Option<Quantised>,
    /// Most tokens that the model was made for.
    pub made_for: u64,
}

/// Makes the bundle of `source` in the folder `out`, which must not hold anything yet.
///
/// # Errors
/// Names the file, key or option that stands in the way, and what to do. A bundle that was begun is
/// left behind in `out`; without its manifest, which is written last, nothing takes it for one.
pub fn import(source: &Path, out: &Path, options: &Options) -> Result<Imported, ImportError> {
    let folder = Folder::open(source)?;
    let settings = Settings::read(&folder)?;
    let tokens = tokens_of(&folder)?;
    let tokenizer = Tokenizer::from_bytes(&tokens)?;
    let variant = variant::choose(&folder, options.file.as_deref())?;
    let mut graph = Graph::read(&folder, &variant.file)?;
    let answer = graph.answer(writes(settings.architecture()))?;
    graph.keep_answer(answer);
    graph.pin_batch()?;
    let ignore_shapes = graph.states_wrong_shapes();
    let quantised = match (options.four_bits, answer) {
        (false, _) => None,
        (true, Answer::NextToken) => Some(quantise::four_bits(&mut graph)?),
        (true, _) => {
            let problem = "is for models that write: an encoder reads a whole text at once, where four-bit weights \
                           are slower than f32";
            return Err(ImportError::option("--int4", problem));
        }
    };

    let made_for = settings.context()?;
    let mut language = language(&settings, &tokenizer, answer, context(made_for, options.context)?)?;
    language.ignore_shapes = ignore_shapes;
    let mut parts = Parts { files: vec![] };
    let bytes = graph.write();
    let source = DataSet { name: variant.file.clone(), sha256: graph.digest };
    drop(graph.model);
    let mut manifest = Manifest {
        schema: SCHEMA,
        name: name(&folder, options)?,
        version: "1.0.0".into(),
        release: 1,
        task: Task::Generate,
        also: vec![],
        licence: licence_of(&folder, options)?,
        description: format!("{}, imported", settings.architecture()),
        model: ModelFile {
            file: MODEL.into(),
            format: Format::Onnx,
            sha256: Sha256Hex::of(&bytes),
            bytes: bytes.len() as u64,
            input: None,
            output: None,
            labels: if answer == Answer::Labels { settings.labels()? } else { vec![] },
        },
        golden: GoldenFile { file: GOLDEN.into(), sha256: Sha256Hex::of(b"") },
        card: CardFile { file: CARD.into(), sha256: None },
        tokenizer: Some(TokenizerFile { file: TOKENIZER.into(), sha256: parts.add(TOKENIZER, tokens) }),
        language: None,
        diagnosis: None,
        requires: requires(bytes.len()),
        trial: Trial::default(),
        budget: Budget::default(),
        detector: None,
        preprocessing: None,
        evaluation: toml::Table::new(),
        drift: None,
        provenance: Provenance {
            code: format!("lineside bundle from-hf {}", env!("CARGO_PKG_VERSION")),
            seed: 0,
            data: vec![source],
        },
    };
    let mut tasks = tasks(answer, &options.tasks)?.into_iter();
    manifest.task = tasks.next().unwrap_or(Task::Generate);
    manifest.also = tasks.collect();
    if let Some(template) = settings.template() {
        let sha256 = parts.add(TEMPLATE, template.as_bytes().to_vec());
        language.chat_template = Some(TextFile { file: TEMPLATE.into(), sha256 });
    }
    manifest.language = Some(language);

    let golden = answers(&manifest, &bytes, &tokenizer)?;
    let text = json(&golden);
    manifest.golden.sha256 = parts.add(GOLDEN, text);
    let facts = card::Facts {
        architecture: settings.architecture(),
        source: &variant.file,
        quantised,
        tolerance: golden.tolerance,
    };
    let card = card::card(&manifest, &facts);
    manifest.card.sha256 = Some(parts.add(CARD, card.into_bytes()));
    parts.files.push((MODEL, bytes));
    parts.write(out, &manifest)?;
    Ok(Imported { manifest, variant, quantised, made_for })
}

/// The files of a bundle.
struct Parts {
    files: Vec<(&'static str, Vec<u8>)>,
}

impl Parts {
    fn add(&mut self, name: &'static str, bytes: Vec<u8>) -> Sha256Hex {
        let digest = Sha256Hex::of(&bytes);
        self.files.push((name, bytes));
        digest
    }

    fn write(&self, out: &Path, manifest: &Manifest) -> Result<(), ImportError> {
        let disk = |file: &Path| {
            let file = file.to_owned();
            move |cause| ImportError::Disk { file, cause }
        };
        fs::create_dir_all(out).map_err(disk(out))?;
        if fs::read_dir(out).map_err(disk(out))?.next().is_some() {
            let problem = "is not empty: name a folder that is not there yet";
            return Err(ImportError::file(out.display().to_string(), problem));
        }
        let manifest = toml::to_string(manifest)
            .map_err(|error| ImportError::file(MANIFEST, format!("cannot be written: {error}")))?;
        let files = self.files.iter().map(|(name, bytes)| (*name, bytes.as_slice()));
        for (name, bytes) in files.chain([(MANIFEST, manifest.as_bytes())]) {
            let file = out.join(name);
            fs::write(&file, bytes).map_err(disk(&file))?;
        }
        // What was written is what an agent will read.
        Bundle::load(out).map_err(Box::new)?;
        Ok(())
    }
}

fn tokens_of(folder: &Folder) -> Result<Vec<u8>, ImportError> {
    if folder.has(TOKENIZER) {
        return folder.read(TOKENIZER, MAX_TOKENIZER_BYTES);
    }
    let problem = "is not in the folder: load the tokenizer with `AutoTokenizer` and `use_fast=True`, and save it \
                   there with `save_pretrained`";
    Err(ImportError::file(TOKENIZER, problem))
}

/// Whether an architecture continues a text.
fn writes(architecture: &str) -> bool {
    architecture.ends_with("ForCausalLM") || architecture.ends_with("LMHeadModel")
}

fn language(
    settings: &Settings,
    tokenizer: &Tokenizer,
    answer: Answer,
    context: u32,
) -> Result<Language, ImportError> {
    let decoder = answer == Answer::NextToken;
    let output = match answer {
        Answer::NextToken => None,
        Answer::Labels => Some(Output::Labels),
        Answer::Hidden => Some(match settings.pooling()? {
            // What most encoders of sentences were trained for.
            None | Some(Pooling::Mean) => Output::Mean,
            Some(Pooling::First) => Output::First,
        }),
    };
    Ok(Language {
        kind: if decoder { Kind::Decoder } else { Kind::Encoder },
        context,
        begin: if decoder { settings.begin(tokenizer)? } else { None },
        end: if decoder { settings.end(tokenizer)? } else { vec![] },
        output,
        ignore_shapes: false,
        chat_template: None,
        lexicon: None,
        normaliser: None,
    })
}

fn context(made_for: u64, asked: Option<u32>) -> Result<u32, ImportError> {
    let context = match asked {
        None => made_for.min(USUAL_CONTEXT),
        Some(asked) if u64::from(asked) <= made_for && asked > 0 => asked.into(),
        Some(asked) => {
            let problem = format!("{asked} must be 1 to {made_for}, which the model was made for");
            return Err(ImportError::option("--context", problem));
        }
    };
    // Both are at most what a u32 holds.
    Ok(u32::try_from(context).unwrap_or(u32::MAX))
}

/// What the model may be asked for, the main task first.
fn tasks(answer: Answer, asked: &[Task]) -> Result<Vec<Task>, ImportError> {
    let fits: &[Task] = match answer {
        Answer::NextToken => {
            let first = [Task::Generate, Task::SummarizeIncident, Task::ShiftReport];
            &[first[0], first[1], first[2], Task::ClassifyIncident, Task::ClassifyText]
        }
        Answer::Hidden => &[Task::Embed],
        Answer::Labels => &[Task::ClassifyText, Task::ClassifyIncident],
    };
    if let Some(wrong) = asked.iter().find(|task| !fits.contains(task)) {
        let names: Vec<&str> = fits.iter().map(|task| task.name()).collect();
        let problem = format!("this model cannot do `{}`, but {}", wrong.name(), names.join(", "));
        return Err(ImportError::option("--task", problem));
    }
    Ok(if asked.is_empty() { vec![fits[0]] } else { asked.to_vec() })
}

fn name(folder: &Folder, options: &Options) -> Result<String, ImportError> {
    if let Some(name) = &options.name {
        return Ok(name.clone());
    }
    let of_folder = folder.root().canonicalize().ok();
    let of_folder = of_folder.as_deref().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let mut name = String::new();
    for c in of_folder.to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' => name.push(c),
            _ if !name.is_empty() && !name.ends_with('-') => name.push('-'),
            _ => {}
        }
    }
    let name = name.trim_end_matches('-').to_owned();
    if name.is_empty() {
        return Err(ImportError::option("--name", "is needed: the folder's name has no letter or digit"));
    }
    Ok(name)
}

fn licence_of(folder: &Folder, options: &Options) -> Result<String, ImportError> {
    if let Some(licence) = &options.licence {
        return Ok(licence.clone());
    }
    let readme = folder.text(README, MAX_TEXT_BYTES)?;
    let stated = readme.as_deref().and_then(licence::stated).map(str::to_owned);
    stated.ok_or_else(|| {
        let problem = "is needed: no README.md in the folder states one that has an SPDX identifier";
        ImportError::option("--licence", problem)
    })
}

/// A device must hold the weights at least once.
fn requires(bytes: usize) -> Requires {
    let agent = env!("CARGO_PKG_VERSION").parse().unwrap_or_else(|_| Requires::default().agent);
    Requires { agent, arch: vec![], memory_kib: (bytes as u64).div_ceil(1024) }
}

/// Loads the model as an agent will, and runs it.
fn answers(manifest: &Manifest, bytes: &[u8], tokenizer: &Tokenizer) -> Result<Golden, ImportError> {
    let text = toml::to_string(manifest)
        .map_err(|error| ImportError::file(MANIFEST, format!("cannot be written: {error}")))?;
    let bundle = Bundle::from_parts(&text, bytes, None).map_err(Box::new)?;
    let model = model::load(bundle, &LoadOptions::default())?;
    let knows = match &model {
        Loaded::Decoder(decoder) => decoder.vocabulary(),
        Loaded::Encoder(encoder) => encoder.vocabulary(),
    };
    if tokenizer.vocabulary() > knows {
        let problem = format!(
            "has {} tokens, but the model knows {knows}: it is another model's",
            tokenizer.vocabulary()
        );
        return Err(ImportError::file(TOKENIZER, problem));
    }
    golden::vectors(&model, tokenizer)
}

fn json(golden: &Golden) -> Vec<u8> {
    // Numbers and lists of them, which JSON can always hold: none is infinite.
    serde_json::to_vec(golden).unwrap_or_default()
}
