//! Einstein sums of rows with constant matrices.

use tract_nnef::internal::*;
use tract_nnef::tract_core::ops::einsum::EinSum;

use super::super::layout::{Layout, Part, row};
use super::super::program::Op;
use super::value::{Value, View};
use super::{Lowering, Understood};
use crate::slm::model::packed::Packed;

impl Lowering<'_> {
    pub(super) fn einsum(&mut self, op: &EinSum, node: &TypedNode, inputs: &[Value]) -> Understood<Value> {
        if op.q_params.is_some() || op.operating_dt != f32::datum_type() {
            return Err("is not in f32".into());
        }
        match inputs {
            [Value::Rows(view), Value::Side] => self.product(op, node, view, 0),
            [Value::Side, Value::Rows(view)] => self.product(op, node, view, 1),
            [Value::Rows(view), Value::Cached { cache, layout, factor }] if !cache.values => {
                self.scores(op, view, 0, (cache.layer, layout, *factor))
            }
            [Value::Cached { cache, layout, factor }, Value::Rows(view)] if !cache.values => {
                self.scores(op, view, 1, (cache.layer, layout, *factor))
            }
            [Value::Shares(shares), Value::Cached { cache, layout, factor }] if cache.values => {
                self.mixed(op, shares, 0, (cache.layer, layout, *factor))
            }
            [Value::Cached { cache, layout, factor }, Value::Shares(shares)] if cache.values => {
                self.mixed(op, shares, 1, (cache.layer, layout, *factor))
            }
            _ => Err("multiplies what is not known".into()),
        }
    }

    /// Rows times a matrix that was packed beforehand, or its rows by token.
    pub(super) fn ready(&mut self, op: &Packed, value: &Value) -> Understood<Value> {
        let weights = op.weights.clone().ok_or("has no matrix")?;
        match value {
            Value::Tokens if op.lookup => {
                let width = weights.cols();
                let id = self.program.push(Op::Embed(weights), vec![], width);
                Ok(Value::Rows(View { id, layout: Layout::rows(width), factor: 1.0 }))
            }
            Value::Rows(view) if !op.lookup => {
                let (width, last) = (self.program.steps[view.id].width, view.layout.rank() - 1);
                if width != weights.cols() || view.layout.0[last] != row(1, width) {
                    return Err("sums over what are no rows".into());
                }
                let rows = weights.rows();
                let mut layout = view.layout.clone();
                layout.0[last] = row(1, rows);
                let id = self.program.push(Op::Product(weights, None), vec![view.id], rows);
                Ok(Value::Rows(View { id, layout, factor: view.factor }))
            }
            _ => Err("multiplies what is not known".into()),
        }
    }

    /// Rows, which are input `slot`, times a constant.
    fn product(&mut self, op: &EinSum, node: &TypedNode, view: &View, slot: usize) -> Understood<Value> {
        let outlet = node.inputs[1 - slot];
        let shape: TVec<usize> = self.constant(outlet)?.shape().into();
        let mut summed = vec![];
        let mut made = vec![];
        let mut dims = vec![vec![]; self.fact(node.id.into()).rank()];
        for axis in op.axes.iter_all_axes() {
            let parts = only(&axis.inputs[slot])?.map(|dim| view.layout.0[dim].clone());
            let dim = only(&axis.inputs[1 - slot])?;
            let out = only(&axis.outputs[0])?;
            let constant = dim.filter(|&dim| shape[dim] != 1);
            match (parts.unwrap_or_default(), constant, out) {
                (parts, Some(dim), None) => {
                    if parts.is_empty() || super::super::layout::count(&parts) != shape[dim] {
                        return Err("sums over what the rows have not".into());
                    }
                    summed.push((dim, parts));
                }
                (parts, Some(dim), Some(out)) if parts.is_empty() => made.push((out, dim)),
                (parts, None, Some(out)) if parts.iter().all(|part| *part == Part::New) => dims[out] = parts,
                (parts, None, None) if parts.is_empty() => {}
                _ => return Err("is a product that is not known".into()),
            }
        }
        let width = self.program.steps[view.id].width;
        made.sort_unstable();
        summed.sort_by_key(|(dim, _)| *dim);
        let outputs: Vec<usize> = made.iter().map(|(_, dim)| *dim).collect();
        let all: usize = summed.iter().map(|(dim, _)| shape[*dim]).product();
        if all != width {
            return Err("sums over a part of a row".into());
        }
        let source = self.turned(outlet, &summed, &outputs)?;
        let rows = source.rows;
        let mut stride = rows;
        for (out, dim) in made {
            stride /= shape[dim];
            dims[out] = row(stride, shape[dim]);
        }
        let weights = self.packed(outlet, source)?;
        let id = self.program.push(Op::Product(weights, None), vec![view.id], rows);
        Ok(Value::Rows(View { id, layout: Layout(dims), factor: view.factor }))
    }
}

/// The one place where an axis stands in a tensor, or none.
pub(super) fn only(places: &[usize]) -> Understood<Option<usize>> {
    match places {
        [] => Ok(None),
        [place] => Ok(Some(*place)),
        _ => Err("takes a diagonal".into()),
    }
}
