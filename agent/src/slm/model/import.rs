//! A model file as a graph of tract's, with batch 1 and the symbols `S` (new tokens) and `P` (past).

use lineside_bundle::manifest::Format;
use tract_nnef::framework::Nnef;
use tract_nnef::internal::*;
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::{Factoid as _, GenericFactoid};
use tract_transformers::WithTractTransformers as _;

use super::contract::{self, Dim};
use super::packed::{self, Cut, cut};

/// A file that was parsed: nothing is known of its values yet but what it states.
pub(super) enum Parsed {
    /// From ONNX, and the matrices that were packed beforehand.
    Onnx(InferenceModel, Vec<packed::Use>),
    /// From NNEF.
    Nnef(TypedModel),
}

/// Names of what differs between calls.
pub(super) const NEW: &str = "S";
/// The tokens of the cache.
pub(super) const PAST: &str = "P";

impl Parsed {
    /// Reads `bytes`, and lets go of them. With `plain`, tract's operators are all there is.
    pub fn read(format: Format, ignore_shapes: bool, plain: bool, bytes: Vec<u8>) -> TractResult<Self> {
        match format {
            Format::Onnx => {
                // The names that a file has for open dimensions of its outputs are not those of its inputs.
                let Cut { rest, packed } =
                    if plain { Cut { rest: bytes, packed: vec![] } } else { cut(bytes) };
                // The names that a file has for open dimensions of its outputs are not those of its inputs.
                let mut framework =
                    tract_onnx::onnx().with_ignore_output_shapes(true).with_ignore_value_info(ignore_shapes);
                packed::register(&mut framework);
                let mut proto = framework.proto_model_for_read(&mut &*rest)?;
                drop(rest);
                packed::rename(&mut proto, &packed);
                packed::unsigned(&mut proto);
                Ok(Parsed::Onnx(framework.model_for_proto_model(&proto)?, packed))
            }
            Format::Nnef => Ok(Parsed::Nnef(nnef().model_for_read(&mut &*bytes)?)),
        }
    }

    /// What goes in.
    pub fn inputs(&self) -> Vec<contract::Tensor> {
        match self {
            Parsed::Onnx(model, _) => model.inputs.iter().map(|&outlet| stated(model, outlet)).collect(),
            Parsed::Nnef(model) => model.inputs.iter().map(|&outlet| known(model, outlet)).collect(),
        }
    }

    /// What comes out.
    pub fn outputs(&self) -> Vec<contract::Tensor> {
        match self {
            Parsed::Onnx(model, _) => model.outputs.iter().map(|&outlet| stated(model, outlet)).collect(),
            Parsed::Nnef(model) => model.outputs.iter().map(|&outlet| known(model, outlet)).collect(),
        }
    }

    /// The graph with all types known. `shapes` are those of its inputs, where the file leaves them
    /// open; a file of NNEF has its own.
    pub fn into_typed(
        self,
        shapes: impl Fn(&SymbolScope, usize) -> Option<InferenceFact>,
    ) -> TractResult<TypedModel> {
        match self {
            Parsed::Onnx(mut model, packed) => {
                let scope = model.symbols.clone();
                for input in 0..model.inputs.len() {
                    if let Some(fact) = shapes(&scope, input) {
                        model.set_input_fact(input, fact)?;
                    }
                }
                let mut model = model.into_typed()?.into_decluttered()?;
                packed::with_weights(&mut model, &packed);
                Ok(model)
            }
            // It was decluttered before it was written; doing that again takes longer than all else.
            Parsed::Nnef(model) => Ok(model),
        }
    }
}

fn nnef() -> Nnef {
    tract_nnef::nnef().with_tract_transformers()
}

fn stated(model: &InferenceModel, outlet: OutletId) -> contract::Tensor {
    let fact = &model.nodes[outlet.node].outputs[outlet.slot].fact;
    let dims = (!fact.shape.is_open()).then(|| {
        fact.shape
            .dims()
            .map(|dim| match dim {
                GenericFactoid::Only(dim) => dim.to_usize().map_or(Dim::Open, Dim::Is),
                GenericFactoid::Any => Dim::Open,
            })
            .collect()
    });
    contract::Tensor { name: name(model, outlet), kind: fact.datum_type.concretize(), dims }
}

fn known(model: &TypedModel, outlet: OutletId) -> contract::Tensor {
    let fact = &model.nodes[outlet.node].outputs[outlet.slot].fact;
    let dims = fact.shape.dims().iter().map(|dim| dim.to_usize().map_or(Dim::Open, Dim::Is)).collect();
    contract::Tensor { name: name(model, outlet), kind: Some(fact.datum_type), dims: Some(dims) }
}

fn name<F, O>(model: &Graph<F, O>, outlet: OutletId) -> String
where
    F: Fact + Clone + 'static,
    O: std::fmt::Debug
        + std::fmt::Display
        + AsRef<dyn tract_onnx::tract_core::ops::Op>
        + AsMut<dyn tract_onnx::tract_core::ops::Op>
        + Clone
        + 'static,
{
    model.outlet_label(outlet).unwrap_or(&model.nodes[outlet.node].name).to_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use tract_nnef::tract_core::transform::get_transform;

    use super::*;
    use crate::slm::model::load::fact;

    /// A decoder's ONNX file as tract writes it, with `Q4_0` weights.
    pub fn nnef_of(onnx: Vec<u8>) -> Vec<u8> {
        let parsed = Parsed::read(Format::Onnx, false, true, onnx).unwrap();
        let checker = contract::Checker { file: "model.onnx" };
        let contract = checker.decoder(&parsed.inputs(), &parsed.outputs()).unwrap();
        let mut model = parsed.into_typed(|scope, input| Some(fact(&contract, scope, input))).unwrap();
        get_transform("block_quant").unwrap().unwrap().transform(&mut model).unwrap();
        nnef().write_to_tar(&model, vec![]).unwrap()
    }
}
