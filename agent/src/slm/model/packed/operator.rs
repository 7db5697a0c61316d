//! The operator that holds a packed matrix.

use std::sync::Arc;

use lineside_kernels::{Isa, Scratch, Store, Weights};
use tract_nnef::internal::*;
use tract_onnx::Onnx;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::infer::rules::{InferenceResult, Solver, TensorProxy};
use tract_onnx::tract_hir::internal::{
    Expansion, InferenceOp, check_input_arity, check_output_arity, expand,
};

use super::{INDEX, OPERATOR, Use};

/// A packed matrix times the input, or its rows by token.
#[derive(Clone, Debug)]
pub(in crate::slm::model) struct Packed {
    index: usize,
    rows: usize,
    cols: usize,
    /// Whether the input is tokens whose rows are looked up.
    pub lookup: bool,
    /// The matrix, once the graph has been built.
    pub weights: Option<Arc<Weights>>,
}

impl PartialEq for Packed {
    fn eq(&self, other: &Self) -> bool {
        (self.index, self.lookup) == (other.index, other.lookup)
    }
}

impl Eq for Packed {}

/// Makes `framework` know the operator.
pub(in crate::slm::model) fn register(framework: &mut Onnx) {
    framework.op_register.insert(OPERATOR, build);
}

fn build(_: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let number = |name: &str| node.get_attr::<usize>(name);
    let lookup = number("lookup")? != 0;
    let op =
        Packed { index: number(INDEX)?, rows: number("rows")?, cols: number("cols")?, lookup, weights: None };
    Ok((expand(op), vec![]))
}

/// Gives the operators of `model` their matrices.
pub(in crate::slm::model) fn with_weights(model: &mut TypedModel, packed: &[Use]) {
    for node in &mut model.nodes {
        if let Some(op) = node.op_as_mut::<Packed>() {
            op.weights = packed.get(op.index).map(|used| used.weights.clone());
        }
    }
}

impl Expansion for Packed {
    fn name(&self) -> StaticName {
        OPERATOR.into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        s: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, 1)?;
        check_output_arity(outputs, 1)?;
        s.equals(&outputs[0].datum_type, f32::datum_type())?;
        s.given(&inputs[0].rank, move |s, rank| {
            let rank = rank as usize;
            let kept = if self.lookup { rank } else { rank.saturating_sub(1) };
            s.equals(&outputs[0].rank, kept as i64 + 1)?;
            for axis in 0..kept {
                s.equals(&outputs[0].shape[axis], &inputs[0].shape[axis])?;
            }
            s.equals(&outputs[0].shape[kept], if self.lookup { self.cols } else { self.rows }.to_dim())
        })
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        model.wire_node(prefix, self.clone(), inputs)
    }
}

impl Op for Packed {
    fn name(&self) -> StaticName {
        OPERATOR.into()
    }

    op_as_typed_op!();
}

impl EvalOp for Packed {
    not_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let weights = self.weights.as_ref().context("its matrix is missing")?;
        let input = &inputs[0];
        let mut shape: TVec<usize> = input.shape().into();
        if self.lookup {
            shape.push(self.cols);
            let mut output = Tensor::zero::<f32>(&shape)?;
            let mut rows = output.try_as_plain_ram_mut()?;
            let tokens = input.cast_to::<i64>()?;
            let tokens = tokens.try_as_plain_ram()?;
            for (row, &token) in
                rows.as_slice_mut::<f32>()?.chunks_exact_mut(self.cols).zip(tokens.as_slice::<i64>()?)
            {
                ensure!((0..self.rows as i64).contains(&token), "token {token} is not in the vocabulary");
                weights.row(token as usize, row);
            }
            return Ok(tvec!(output.into()));
        }
        let last = shape.len() - 1;
        shape[last] = self.rows;
        let mut output = Tensor::zero::<f32>(&shape)?;
        let plain = input.try_as_plain_ram()?;
        let x = plain.as_slice::<f32>()?;
        let mut y = output.try_as_plain_ram_mut()?;
        let mut scratch = Scratch::new(Isa::detect());
        weights.multiply(x, x.len() / self.cols, y.as_slice_mut::<f32>()?, Store::Set, &mut scratch);
        Ok(tvec!(output.into()))
    }
}

impl TypedOp for Packed {
    as_op!();

    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let mut shape = inputs[0].shape.to_tvec();
        if self.lookup {
            shape.push(self.cols.to_dim());
        } else {
            ensure!(shape.last() == Some(&self.cols.to_dim()), "a row of {} numbers is needed", self.cols);
            let last = shape.len() - 1;
            shape[last] = self.rows.to_dim();
        }
        Ok(tvec!(f32::fact(shape)))
    }
}
