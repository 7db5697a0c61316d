//! Language models to test with: made in Python, brought in by the agent, run by both.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::agent;

/// The Python that has what `slm/requirements.txt` names.
#[must_use]
pub fn python() -> Option<PathBuf> {
    std::env::var_os("LINESIDE_SLM_PYTHON").map(PathBuf::from)
}

/// Exported models, random but the same each time.
#[derive(Clone, Debug)]
pub struct Material {
    python: PathBuf,
    folder: PathBuf,
}

impl Material {
    /// Makes them, or finds those that an earlier run made.
    ///
    /// # Panics
    /// When Python fails.
    #[must_use]
    pub fn made_by(python: &Path) -> Self {
        let said = ran(Command::new(python).args(["-m", "material"]).current_dir(scripts()));
        let folder = said.lines().last().expect("`material` prints its folder").into();
        Material { python: python.to_owned(), folder }
    }

    /// The folder of one model, as optimum wrote it.
    #[must_use]
    pub fn exported(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Its bundle, made in `out`.
    ///
    /// # Panics
    /// When the agent refuses.
    #[must_use]
    pub fn bundle(&self, name: &str, out: &Path, options: &[&str]) -> PathBuf {
        let bundle = out.join(format!("{name}{}", options.concat()));
        let mut from_hf = Command::new(agent::path());
        from_hf.args(["bundle", "from-hf"]).arg(self.exported(name)).arg("--out").arg(&bundle);
        ran(from_hf.args(["--licence", "Apache-2.0"]).args(options));
        bundle
    }

    /// The logits that onnxruntime gives for a model file: one row for the prompt, one for each token
    /// after it.
    ///
    /// # Panics
    /// When Python fails.
    #[must_use]
    pub fn onnxruntime(&self, model: &Path, text: &Text, scratch: &Path) -> Vec<Vec<f32>> {
        let out = scratch.join("onnxruntime.f32");
        let mut reference = Command::new(&self.python);
        reference.args(["-m", "reference"]).arg(model).args(text.arguments()).arg(&out);
        ran(reference.current_dir(scripts()));
        rows(&out, 1 + text.steps)
    }
}

/// The logits that the agent's runtime gives for a bundle, in the same rows.
///
/// # Panics
/// When it fails.
#[must_use]
pub fn logits(bundle: &Path, text: &Text, scratch: &Path, options: &[&str]) -> Vec<Vec<f32>> {
    let out = scratch.join("lineside.f32");
    ran(Command::new(agent::slm()).arg("logits").arg(bundle).args(text.arguments()).arg(&out).args(options));
    rows(&out, 1 + text.steps)
}

/// The vectors that the agent's runtime makes of texts.
///
/// # Panics
/// When it fails.
#[must_use]
pub fn embeddings(bundle: &Path, texts: &[&str], scratch: &Path) -> Vec<Vec<f32>> {
    let (listed, out) = (scratch.join("texts.json"), scratch.join("lineside.f32"));
    std::fs::write(&listed, serde_json::to_vec(texts).expect("texts are JSON")).expect("a scratch folder");
    ran(Command::new(agent::slm()).arg("embed").arg(bundle).arg(&listed).arg(&out));
    rows(&out, texts.len())
}

/// Tokens that mean nothing: some read at once, the others one by one.
#[derive(Clone, Debug)]
pub struct Text {
    tokens: Vec<u32>,
    steps: usize,
}

impl Text {
    /// Tokens below `vocabulary`, the same each time.
    #[must_use]
    pub fn random(vocabulary: u32, prompt: usize, steps: usize) -> Self {
        let mut state = 1_u64;
        let mut next = || {
            // Knuth's constants for 64 bits.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u32 % vocabulary
        };
        Text { tokens: (0..prompt + steps).map(|_| next()).collect(), steps }
    }

    fn arguments(&self) -> [String; 2] {
        let tokens: Vec<String> = self.tokens.iter().map(ToString::to_string).collect();
        [(self.tokens.len() - self.steps).to_string(), tokens.join(",")]
    }
}

fn scripts() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/slm")
}

fn rows(file: &Path, count: usize) -> Vec<Vec<f32>> {
    let bytes = std::fs::read(file).expect("a file of f32");
    let values: Vec<f32> = bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    assert_eq!(values.len() % count, 0, "{}: {} values in {count} rows", file.display(), values.len());
    values.chunks(values.len() / count).map(<[f32]>::to_vec).collect()
}

/// What a command printed.
fn ran(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}: {said}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}
