//! Runs the scorer on tract: rows in, one logit a row out.

use std::fmt;
use std::sync::Arc;

use tract_onnx::prelude::*;

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
        let load = || -> TractResult<Self> {
            let mut file = onnx;
            let plan = tract_onnx::onnx()
                .model_for_read(&mut file)?
                .with_input_fact(0, f32::fact([rows, FEATURES]).into())?
                .into_optimized()?
                .into_runnable()?;
            Ok(Scorer { plan, rows })
        };
        let scorer = load().map_err(|error| DiagnosisError::Scorer(format!("{error:#}")))?;
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
