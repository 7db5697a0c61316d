//! A decoder on tract alone.

use std::sync::Arc;

use tract_onnx::prelude::*;

use super::conversation::PlainConversation;
use super::{Plan, constant_bytes, runtime};
use crate::slm::model::{Conversation, Decoder, ModelError, contract};

/// A decoder on tract alone.
pub(crate) struct PlainDecoder(Arc<Parts>);

/// What its conversations share.
pub(super) struct Parts {
    pub plan: Plan,
    pub contract: contract::Decoder,
    pub vocabulary: usize,
    pub context: usize,
    pub bytes: u64,
}

impl PlainDecoder {
    /// Makes a plan of `model`, whose tensors are those of `contract`.
    ///
    /// # Errors
    /// When tract cannot run it.
    pub fn new(
        model: TypedModel,
        contract: contract::Decoder,
        vocabulary: usize,
        context: usize,
    ) -> Result<Self, ModelError> {
        let bytes = constant_bytes(&model);
        let plan = model.into_optimized().and_then(TypedModel::into_runnable).map_err(runtime)?;
        Ok(PlainDecoder(Arc::new(Parts { plan, contract, vocabulary, context, bytes })))
    }
}

impl Decoder for PlainDecoder {
    fn vocabulary(&self) -> usize {
        self.0.vocabulary
    }

    fn context(&self) -> usize {
        self.0.context
    }

    fn memory_bytes(&self) -> u64 {
        self.0.bytes
    }

    fn converse(&self) -> Result<Box<dyn Conversation>, ModelError> {
        Ok(Box::new(PlainConversation::new(self.0.clone())?))
    }
}
