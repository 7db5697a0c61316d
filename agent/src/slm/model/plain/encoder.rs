//! An encoder on tract.

use lineside_bundle::manifest::Output;
use tract_onnx::prelude::*;

use super::{Plan, constant_bytes, runtime};
use crate::slm::model::names::Input;
use crate::slm::model::{Encoder, ModelError, Token, contract, feeding};

/// An encoder on tract.
pub(crate) struct PlainEncoder {
    plan: Plan,
    contract: contract::Encoder,
    output: Output,
    vocabulary: usize,
    context: usize,
    bytes: u64,
}

impl PlainEncoder {
    /// Makes a plan of `model`, whose tensors are those of `contract`.
    ///
    /// # Errors
    /// When tract cannot run it.
    pub fn new(
        model: TypedModel,
        contract: contract::Encoder,
        output: Output,
        vocabulary: usize,
        context: usize,
    ) -> Result<Self, ModelError> {
        let bytes = constant_bytes(&model);
        let plan = model.into_optimized().and_then(TypedModel::into_runnable).map_err(runtime)?;
        Ok(PlainEncoder { plan, contract, output, vocabulary, context, bytes })
    }

    fn run(&self, tokens: &[Token]) -> TractResult<Vec<f32>> {
        let row = |values: Vec<i64>| {
            Ok::<_, anyhow::Error>(Tensor::from_shape(&[1, values.len()], &values)?.into())
        };
        let mut inputs: TVec<TValue> = tvec![];
        for role in &self.contract.inputs {
            inputs.push(match role {
                Input::Tokens => row(tokens.iter().map(|&token| i64::from(token)).collect())?,
                Input::Positions => row((0..tokens.len() as i64).collect())?,
                Input::Mask => row(vec![1; tokens.len()])?,
                Input::Types | Input::Past(_) => row(vec![0; tokens.len()])?,
            });
        }
        let outputs = self.plan.run(inputs)?;
        let states = outputs[self.contract.output].try_as_plain_ram()?;
        Ok(pooled(states.as_slice::<f32>()?, tokens.len(), self.output))
    }
}

/// The answer that `output` asks for, of the hidden states of so many tokens or of logits.
fn pooled(states: &[f32], tokens: usize, output: Output) -> Vec<f32> {
    let width = states.len() / tokens;
    match output {
        Output::Labels => states.to_vec(),
        Output::First => unit(states[..width].to_vec()),
        Output::Mean => {
            let mut mean = vec![0.0; width];
            for state in states.chunks_exact(width) {
                mean.iter_mut().zip(state).for_each(|(sum, value)| *sum += value / tokens as f32);
            }
            unit(mean)
        }
    }
}

/// `vector` with length 1; all zeros stay what they are.
fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
    vector
}

impl Encoder for PlainEncoder {
    fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    fn context(&self) -> usize {
        self.context
    }

    fn memory_bytes(&self) -> u64 {
        self.bytes
    }

    fn encode(&self, tokens: &[Token]) -> Result<Vec<f32>, ModelError> {
        feeding::check(tokens, 0, self.vocabulary, self.context)?;
        if tokens.is_empty() {
            return Err(ModelError::Run("a text without tokens has no answer".into()));
        }
        self.run(tokens).map_err(runtime)
    }
}
