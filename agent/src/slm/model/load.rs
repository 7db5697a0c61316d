//! From a bundle to a model that runs.

use lineside_bundle::Bundle;
use lineside_bundle::manifest::{Kind, Language, Output as Pooling};
use lineside_kernels::Isa;
use tract_nnef::internal::*;
use tract_onnx::prelude::InferenceFact;
use tract_onnx::tract_core::ops::array::Gather;

use super::contract::Checker;
use super::import::{NEW, PAST, Parsed};
use super::names::{Input, Output};
use super::plain::{PlainDecoder, PlainEncoder};
use super::{Loaded, ModelError, contract, fused};

/// How a model is loaded.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Threads that one call may use; a model that runs on tract alone uses one.
    pub threads: usize,
    /// Whether tract's own operators are all that run, for comparison.
    pub plain: bool,
    /// The vector instructions of our own operators; tract chooses for itself.
    pub instructions: Isa,
}

impl Default for LoadOptions {
    fn default() -> Self {
        LoadOptions { threads: 1, plain: false, instructions: Isa::detect() }
    }
}

/// Loads the language model of `bundle`.
///
/// # Errors
/// [`ModelError::Contract`] when the file is not as `docs/reference/model-contract.md` says, with
/// the tensor, what it is and what it must be.
pub fn load(bundle: Bundle, options: &LoadOptions) -> Result<Loaded, ModelError> {
    let (bundle, bytes) = bundle.into_model();
    let file = &bundle.manifest().model.file;
    let checker = Checker { file };
    let Some(language) = &bundle.manifest().language else {
        return checker.refuse("is no language model: its manifest has no `[language]`".into());
    };
    let parsed = Parsed::read(bundle.manifest().model.format, language.ignore_shapes, options.plain, bytes)
        .or_else(|error| checker.refuse(format!("cannot be read: {error:#}")))?;
    let (inputs, outputs) = (parsed.inputs(), parsed.outputs());
    match language.kind {
        Kind::Decoder => {
            let contract = checker.decoder(&inputs, &outputs)?;
            decoder(&checker, parsed, contract, language, options)
        }
        Kind::Encoder => {
            let pooling = language.output.unwrap_or(Pooling::Mean);
            let answer = if pooling == Pooling::Labels { "logits" } else { "last_hidden_state" };
            let contract = checker.encoder(&inputs, &outputs, answer)?;
            encoder(&checker, parsed, contract, language, pooling)
        }
    }
}

fn decoder(
    checker: &Checker<'_>,
    parsed: Parsed,
    contract: contract::Decoder,
    language: &Language,
    options: &LoadOptions,
) -> Result<Loaded, ModelError> {
    let model = parsed
        .into_typed(|scope, input| Some(fact(&contract, scope, input)))
        .or_else(|error| checker.refuse(format!("is no graph that fits its inputs: {error:#}")))?;
    let vocabulary = logits_width(checker, &model, &contract)?;
    let context = language.context as usize;
    if !options.plain {
        let fused = |model: &TypedModel| fused::fused(model, &contract, vocabulary, context, options);
        // What was written without being decluttered is tried once more.
        let again =
            |why| model.clone().into_decluttered().ok().and_then(|model| fused(&model).ok()).ok_or(why);
        match fused(&model).or_else(again) {
            Ok(decoder) => return Ok(Loaded::Decoder(std::sync::Arc::new(decoder))),
            Err(why) => {
                tracing::info!(file = checker.file, why, "the model runs on tract alone, which is slower")
            }
        }
    }
    Ok(Loaded::Decoder(std::sync::Arc::new(PlainDecoder::new(model, contract, vocabulary, context)?)))
}

/// What an input of a decoder is: batch 1, `S` new tokens, `P` in the cache.
pub(super) fn fact(contract: &contract::Decoder, scope: &SymbolScope, input: usize) -> InferenceFact {
    let (new, past) = (scope.sym(NEW), scope.sym(PAST));
    let (heads, width) = (contract.heads, contract.width);
    match contract.inputs[input] {
        Input::Past(_) => f32::fact(dims![1, heads, past, width]).into(),
        Input::Mask => i64::fact(dims![1, past.to_dim() + new]).into(),
        _ => i64::fact(dims![1, new]).into(),
    }
}

fn encoder(
    checker: &Checker<'_>,
    parsed: Parsed,
    contract: contract::Encoder,
    language: &Language,
    pooling: Pooling,
) -> Result<Loaded, ModelError> {
    let model = parsed
        .into_typed(|scope, _| Some(i64::fact(dims![1, scope.sym(NEW)]).into()))
        .or_else(|error| checker.refuse(format!("is no graph that fits its inputs: {error:#}")))?;
    let vocabulary = embedded(&model).map_or_else(
        || checker.refuse("looks up no token in a constant table, so its vocabulary is unknown".into()),
        Ok,
    )?;
    let context = language.context as usize;
    Ok(Loaded::Encoder(std::sync::Arc::new(PlainEncoder::new(
        model, contract, pooling, vocabulary, context,
    )?)))
}

/// Tokens that a decoder knows: the innermost dimension of its logits.
fn logits_width(
    checker: &Checker<'_>,
    model: &TypedModel,
    contract: &contract::Decoder,
) -> Result<usize, ModelError> {
    let at = contract.outputs.iter().position(|role| *role == Output::Logits).unwrap_or(0);
    let outlet = model.outputs[at];
    let shape = &model.nodes[outlet.node].outputs[outlet.slot].fact.shape;
    match shape.last().and_then(|dim| dim.to_usize().ok()) {
        Some(vocabulary) if vocabulary > 0 => Ok(vocabulary),
        _ => checker.refuse(format!(
            "output `logits` is {shape:?}: its last dimension must be the number of tokens that the model knows"
        )),
    }
}

/// Rows of the table in which tokens are looked up.
fn embedded(model: &TypedModel) -> Option<usize> {
    let tokens = model.inputs.iter().find(|input| {
        Input::of(model.outlet_label(**input).unwrap_or(&model.nodes[input.node].name)) == Some(Input::Tokens)
    })?;
    let mut outlets = vec![*tokens];
    while let Some(outlet) = outlets.pop() {
        for next in &model.nodes[outlet.node].outputs[outlet.slot].successors {
            let node = &model.nodes[next.node];
            if node.op_is::<Gather>() && next.slot == 1 {
                let table = node.inputs[0];
                return model.nodes[table.node].outputs[table.slot].fact.shape.first()?.to_usize().ok();
            }
            outlets.extend((0..node.outputs.len()).map(|slot| OutletId::new(next.node, slot)));
        }
    }
    None
}
