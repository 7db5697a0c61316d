//! A conversation with a decoder on tract alone: the caches go out of one call and into the next.

use std::sync::Arc;

use tract_onnx::prelude::*;

use super::decoder::Parts;
use super::runtime;
use crate::slm::model::names::{Input, Output};
use crate::slm::model::{Conversation, ModelError, PREFILL_CHUNK, Token, feeding};

pub(super) struct PlainConversation {
    parts: Arc<Parts>,
    state: TypedSimpleState,
    memory: Memory,
}

/// What the model knows of the tokens that it has read.
#[derive(Clone)]
struct Memory {
    /// In the order of the inputs that hold a cache.
    caches: Vec<TValue>,
    logits: Vec<f32>,
    length: usize,
}

impl PlainConversation {
    pub fn new(parts: Arc<Parts>) -> Result<Self, ModelError> {
        let shape = [1, parts.contract.heads, 0, parts.contract.width];
        let empty = Tensor::zero::<f32>(&shape).map_err(runtime)?.into_tvalue();
        let caches = vec![empty; 2 * parts.contract.layers];
        Self::going_on(parts, Memory { caches, logits: Vec::new(), length: 0 })
    }

    fn going_on(parts: Arc<Parts>, memory: Memory) -> Result<Self, ModelError> {
        let state = parts.plan.spawn().map_err(runtime)?;
        Ok(PlainConversation { parts, state, memory })
    }

    fn read(&mut self, tokens: &[Token]) -> TractResult<()> {
        let (before, after) = (self.memory.length, self.memory.length + tokens.len());
        let row = |values: Vec<i64>| {
            Ok::<_, anyhow::Error>(Tensor::from_shape(&[1, values.len()], &values)?.into())
        };
        let mut caches = self.memory.caches.iter();
        let mut inputs: TVec<TValue> = tvec![];
        for role in &self.parts.contract.inputs {
            inputs.push(match role {
                Input::Tokens => row(tokens.iter().map(|&token| i64::from(token)).collect())?,
                Input::Positions => row((before as i64..after as i64).collect())?,
                Input::Mask => row(vec![1; after])?,
                Input::Types => row(vec![0; tokens.len()])?,
                Input::Past(_) => caches.next().cloned().unwrap_or_else(|| inputs[0].clone()),
            });
        }
        let outputs = self.state.run(inputs)?;
        self.keep(outputs)?;
        self.memory.length = after;
        Ok(())
    }

    fn keep(&mut self, outputs: TVec<TValue>) -> TractResult<()> {
        let contract = &self.parts.contract;
        for (value, role) in outputs.into_iter().zip(&contract.outputs) {
            match role {
                Output::Logits => {
                    let all = value.try_as_plain_ram()?;
                    let all = all.as_slice::<f32>()?;
                    self.memory.logits.clear();
                    let last = all.len().saturating_sub(self.parts.vocabulary);
                    self.memory.logits.extend_from_slice(&all[last..]);
                }
                Output::Present(cached) => {
                    let pasts = contract.inputs.iter().filter_map(|role| match role {
                        Input::Past(cached) => Some(cached),
                        _ => None,
                    });
                    for (past, cache) in pasts.zip(&mut self.memory.caches) {
                        if past == cached {
                            *cache = value.clone();
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

impl Conversation for PlainConversation {
    fn feed(&mut self, tokens: &[Token], go_on: &dyn Fn() -> bool) -> Result<(), ModelError> {
        let parts = &self.parts;
        feeding::check(tokens, self.memory.length, parts.vocabulary, parts.context)?;
        let before = self.memory.clone();
        for (at, chunk) in tokens.chunks(PREFILL_CHUNK).enumerate() {
            if at > 0 && !go_on() {
                return Err(ModelError::Stopped);
            }
            if let Err(error) = self.read(chunk) {
                self.memory = before;
                return Err(runtime(error));
            }
        }
        Ok(())
    }

    fn logits(&self) -> &[f32] {
        &self.memory.logits
    }

    fn len(&self) -> usize {
        self.memory.length
    }

    fn memory_bytes(&self) -> u64 {
        let caches: usize = self.memory.caches.iter().map(|cache| cache.len() * size_of::<f32>()).sum();
        (caches + self.memory.logits.capacity() * size_of::<f32>()) as u64
    }

    fn fork(&self) -> Result<Box<dyn Conversation>, ModelError> {
        Ok(Box::new(Self::going_on(self.parts.clone(), self.memory.clone())?))
    }
}
