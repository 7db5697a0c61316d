//! `golden.json`: inputs with the outputs that every build of the runtime must reproduce.

use serde::{Deserialize, Serialize};

use crate::error::BundleError;
use crate::manifest::{Manifest, Tensor};

/// Inputs with the outputs that every build of the runtime must reproduce.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// Largest absolute difference of any output element that still counts as equal.
    pub tolerance: f32,
    /// One call of the model each; empty for a language model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<Case>,
    /// One text each, for a language model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<TextCase>,
}

/// One text read by a language model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextCase {
    /// What it reads.
    pub tokens: Vec<u32>,
    /// Some elements of its answer, by their index: of a decoder's logits for the token that
    /// comes next, the largest one first; of an encoder's output.
    pub output: Vec<(u32, f32)>,
}

/// One call of the model: one row per channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Shape `[rows, width of the input]`.
    pub input: Vec<Vec<f32>>,
    /// Shape `[rows, width of the output]`.
    pub output: Vec<Vec<f32>>,
}

impl Golden {
    /// Reads golden vectors and checks that they fit the manifest's tensors.
    ///
    /// # Errors
    /// Names the case that does not fit, and why.
    pub fn parse(bytes: &[u8], manifest: &Manifest) -> Result<Self, BundleError> {
        let file = &manifest.golden.file;
        let mut document = serde_json::Deserializer::from_slice(bytes);
        let malformed = |line: usize, key: String, problem: String| BundleError::Malformed {
            file: file.into(),
            line,
            key,
            problem,
        };
        let golden: Golden = serde_path_to_error::deserialize(&mut document)
            .map_err(|e| malformed(e.inner().line(), e.path().to_string(), e.inner().to_string()))?;
        document.end().map_err(|e| malformed(e.line(), ".".into(), e.to_string()))?;
        golden.check(file, manifest)?;
        Ok(golden)
    }

    fn check(&self, file: &str, manifest: &Manifest) -> Result<(), BundleError> {
        if !(self.tolerance.is_finite() && self.tolerance > 0.0) {
            let problem = format!("{} must be a number above 0", self.tolerance);
            return Err(BundleError::invalid(file, "tolerance", problem));
        }
        if manifest.language.is_some() {
            return self.check_texts(file);
        }
        if !self.texts.is_empty() {
            return Err(BundleError::invalid(file, "texts", "must be left out: this is no language model"));
        }
        if self.cases.is_empty() {
            return Err(BundleError::invalid(file, "cases", "must hold at least one case"));
        }
        let width = |tensor: &Option<Tensor>| tensor.as_ref().and_then(Tensor::width);
        let (wide, tall) = (width(&manifest.model.input), width(&manifest.model.output));
        for (at, case) in self.cases.iter().enumerate() {
            check_rows(file, &format!("cases[{at}].input"), &case.input, wide)?;
            check_rows(file, &format!("cases[{at}].output"), &case.output, tall)?;
            if case.input.len() != case.output.len() {
                let problem = format!("has {} rows for {} of input", case.output.len(), case.input.len());
                return Err(BundleError::invalid(file, format!("cases[{at}].output"), problem));
            }
        }
        Ok(())
    }

    fn check_texts(&self, file: &str) -> Result<(), BundleError> {
        if !self.cases.is_empty() {
            return Err(BundleError::invalid(
                file,
                "cases",
                "must be left out: a language model has `texts`",
            ));
        }
        if self.texts.is_empty() {
            return Err(BundleError::invalid(file, "texts", "must hold at least one text"));
        }
        for (at, text) in self.texts.iter().enumerate() {
            let invalid = |part: &str, problem: &str| {
                Err(BundleError::invalid(file, format!("texts[{at}].{part}"), problem))
            };
            if text.tokens.is_empty() {
                return invalid("tokens", "must hold at least one token");
            }
            if text.output.is_empty() {
                return invalid("output", "must hold at least one element");
            }
            if text.output.iter().any(|(_, value)| !value.is_finite()) {
                return invalid("output", "holds a number that no f32 can");
            }
        }
        Ok(())
    }

    /// Whether two outputs are equal within the tolerance. NaN never is.
    #[must_use]
    pub fn agrees(&self, expected: &[Vec<f32>], found: &[Vec<f32>]) -> bool {
        let close = |(a, b): (&f32, &f32)| (a - b).abs() <= self.tolerance;
        expected.len() == found.len()
            && expected.iter().zip(found).all(|(a, b)| a.len() == b.len() && a.iter().zip(b).all(close))
    }
}

fn check_rows(file: &str, key: &str, rows: &[Vec<f32>], width: Option<usize>) -> Result<(), BundleError> {
    let Some(first) = rows.first() else {
        return Err(BundleError::invalid(file, key, "must hold at least one row"));
    };
    let width = width.unwrap_or(first.len());
    for (at, row) in rows.iter().enumerate() {
        if row.len() != width {
            let problem = format!("has {} values where the model has {width}", row.len());
            return Err(BundleError::invalid(file, format!("{key}[{at}]"), problem));
        }
        if row.iter().any(|value| !value.is_finite()) {
            return Err(BundleError::invalid(file, format!("{key}[{at}]"), "holds a number that no f32 can"));
        }
    }
    Ok(())
}
