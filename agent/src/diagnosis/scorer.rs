//! Runs the scorer on tract: rows in, one logit a row out.

use std::fmt;
use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::{Factoid, InferenceModel};

use super::DiagnosisError;
use super::features::FEATURES;

/// A scorer whose plan is made for one number of rows.
#[derive(Clone)]
pub struct Scorer {
    plan: Arc<TypedSimplePlan>,
    rows: usize,
}

impl fmt::Debug for Scorer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scorer").field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl Scorer {
    /// Loads an ONNX file with input `[rows, FEATURES]` and output `[rows, 1]`, both f32.
    ///
    /// # Errors
    /// When it cannot be parsed, or has another shape.
    pub fn new(onnx: &[u8], rows: usize) -> Result<Self, DiagnosisError> {
        let failed = |error: TractError| DiagnosisError::Scorer(format!("{error:#}"));
        let model = tract_onnx::onnx().model_for_read(&mut &*onnx).map_err(failed)?;
        if let Some(width) = width(&model).map_err(failed)?.filter(|&width| width != FEATURES) {
            let problem = format!("it takes rows of {width} figures, not {FEATURES}");
            return Err(DiagnosisError::Scorer(format!("{problem}: it needs a bundle made for this agent")));
        }
        let plan = move || -> TractResult<_> {
            model.with_input_fact(0, f32::fact([rows, FEATURES]).into())?.into_optimized()?.into_runnable()
        };
        let scorer = Scorer { plan: plan().map_err(failed)?, rows };
        scorer.logits(&vec![0.0; rows * FEATURES])?;
        Ok(scorer)
    }

    /// One logit a row.
    ///
    /// # Errors
    /// When tract cannot run it, or an answer is no number.
    pub fn logits(&self, features: &[f32]) -> Result<Vec<f32>, DiagnosisError> {
        let run = || -> TractResult<Vec<f32>> {
            let input = Tensor::from_shape(&[self.rows, FEATURES], features)?;
            let output = self.plan.spawn()?.run(tvec!(input.into()))?;
            Ok(output[0].to_plain_array_view::<f32>()?.iter().copied().collect())
        };
        let logits = run().map_err(|error| DiagnosisError::Scorer(format!("{error:#}")))?;
        if logits.len() != self.rows {
            let problem = format!("its output has {} values for {} rows", logits.len(), self.rows);
            return Err(DiagnosisError::Scorer(problem));
        }
        if logits.iter().all(|logit| logit.is_finite()) {
            Ok(logits)
        } else {
            Err(DiagnosisError::Scorer("its answer is no number".into()))
        }
    }
}

/// How many figures a row has, where the file says it.
fn width(model: &InferenceModel) -> TractResult<Option<usize>> {
    let shape = &model.input_fact(0)?.shape;
    let width = shape.dims().nth(1).and_then(Factoid::concretize);
    Ok(width.and_then(|width| width.to_i64().ok()).and_then(|width| usize::try_from(width).ok()))
}
