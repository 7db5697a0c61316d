//! Models on tract alone: what every file can run on that tract understands.

mod conversation;
mod decoder;
mod encoder;

pub(super) use decoder::PlainDecoder;
pub(super) use encoder::PlainEncoder;

use std::sync::Arc;

use tract_nnef::internal::*;

use super::ModelError;

type Plan = Arc<TypedRunnableModel>;

fn runtime(error: impl Into<anyhow::Error>) -> ModelError {
    ModelError::Run(format!("{:#}", error.into()))
}

/// Bytes of all constants of a graph, before tract packs them into its operators at about that size.
fn constant_bytes(model: &TypedModel) -> u64 {
    let constants = model.nodes.iter().filter_map(|node| {
        let fact = node.outputs.first()?;
        let value = fact.fact.konst.as_ref()?;
        let exotic = fact.fact.exotic_fact.as_ref().map(|exotic| exotic.mem_size().to_usize().unwrap_or(0));
        Some(exotic.unwrap_or(value.len() * value.datum_type().size_of()) as u64)
    });
    constants.sum()
}
