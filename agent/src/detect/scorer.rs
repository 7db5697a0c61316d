//! Runs the model on tract: features in, one score per channel out.

use tract_onnx::prelude::*;

use super::bank::INPUTS;
use super::model::DetectError;

/// A model whose plan is made for one number of channels.
pub struct Scorer {
    state: TypedSimpleState,
    channels: usize,
}

impl Scorer {
    /// Loads an ONNX file with input `[channels, 36]` and output `[channels, 1]`, both f32.
    ///
    /// # Errors
    /// When it cannot be parsed, or has another shape.
    pub fn new(onnx: &[u8], channels: usize) -> Result<Self, DetectError> {
        Self::load(onnx, channels).map_err(|error| DetectError::Model(format!("{error:#}")))
    }

    fn load(onnx: &[u8], channels: usize) -> TractResult<Self> {
        let mut file = onnx;
        let shape = f32::fact([channels, INPUTS]);
        let plan = tract_onnx::onnx()
            .model_for_read(&mut file)?
            .with_input_fact(0, shape.into())?
            .into_optimized()?
            .into_runnable()?;
        let state = plan.spawn()?;
        let mut scorer = Scorer { state, channels };
        let mut scores = Vec::new();
        scorer.run(&vec![0.0; channels * INPUTS], &mut scores)?;
        if scores.len() != channels {
            anyhow::bail!(
                "its output has {} values for {channels} channels; it must have one for each",
                scores.len()
            );
        }
        Ok(scorer)
    }

    /// Scores the features `[channels, 36]`; one score per channel, 0 where the model's answer is
    /// not finite. Returns for how many channels it was not.
    ///
    /// # Errors
    /// When tract cannot run the model; it ran once when it was loaded.
    pub fn score(&mut self, features: &[f32], scores: &mut Vec<f32>) -> Result<usize, DetectError> {
        self.outputs(features, scores)?;
        let mut failed = 0;
        for score in scores.iter_mut().filter(|score| !score.is_finite()) {
            *score = 0.0;
            failed += 1;
        }
        Ok(failed)
    }

    /// The model's outputs as they are, finite or not: what a probe compares.
    ///
    /// # Errors
    /// As for [`Scorer::score`].
    pub fn outputs(&mut self, features: &[f32], outputs: &mut Vec<f32>) -> Result<(), DetectError> {
        self.run(features, outputs).map_err(|error| DetectError::Model(format!("{error:#}")))
    }

    fn run(&mut self, features: &[f32], scores: &mut Vec<f32>) -> TractResult<()> {
        let input = Tensor::from_shape(&[self.channels, INPUTS], features)?;
        let output = self.state.run(tvec!(input.into()))?;
        scores.clear();
        scores.extend(output[0].to_plain_array_view::<f32>()?.iter());
        Ok(())
    }

    /// How many channels the plan is made for.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }
}
