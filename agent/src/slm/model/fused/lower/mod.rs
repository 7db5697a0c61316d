//! From tract's graph to a program.
//!
//! The graph is walked once, from its inputs to its outputs; each operator either changes how a value
//! is seen, or becomes a step. What is not understood ends the walk with a reason, and the model then
//! runs on tract alone. Nothing is guessed: weights, layouts and scales are followed element by element,
//! and masks and tables of positions are run and looked at.

mod attention;
mod constant;
mod each;
mod product;
mod value;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lineside_kernels::Weights;
use tract_nnef::internal::*;
use tract_nnef::tract_core::ops::array::{Gather, MultiBroadcastTo, Slice, TypedConcat};
use tract_nnef::tract_core::ops::binary::TypedBinOp;
use tract_nnef::tract_core::ops::cast::Cast;
use tract_nnef::tract_core::ops::einsum::EinSum;
use tract_nnef::tract_core::ops::element_wise::ElementWiseOp;
use tract_nnef::tract_core::ops::identity::Identity;
use tract_nnef::tract_core::ops::konst::Const;
use tract_nnef::tract_core::ops::logic::Iff;
use tract_nnef::tract_core::ops::nn::{Reduce, RmsNorm, Softmax};
use tract_nnef::tract_core::ops::source::TypedSource;

use self::value::{Value, View};
use super::layout::{Layout, Lengths, Part};
use super::program::{Cache, Id, Op, Program, Turn};
use super::side::Side;
use crate::slm::model::contract;
use crate::slm::model::names::{Input, Output};
use crate::slm::model::packed::Packed;

/// A value, or why it is not understood.
type Understood<T> = Result<T, String>;

/// Turns `model` into a program, or says what in it is not understood.
pub(super) fn lower(model: &TypedModel, contract: &contract::Decoder, context: usize) -> Understood<Program> {
    let (new, past) = lengths(model, contract).ok_or("an input has no length of its own")?;
    let mut lowering = Lowering {
        side: Side { model, contract, context },
        lengths: Lengths { all: past + new.clone(), new },
        values: HashMap::new(),
        program: Program {
            layers: contract.layers,
            shared: contract.heads,
            head: contract.width,
            ..Program::default()
        },
        matrices: HashMap::new(),
        turns: HashMap::new(),
        waiting: HashMap::new(),
        masks: HashSet::new(),
    };
    lowering.inputs()?;
    for node in model.eval_order().map_err(|error| error.to_string())? {
        let node = &model.nodes[node];
        let value =
            lowering.node(node).map_err(|why| format!("{} `{}`: {why}", node.op.name(), node.name))?;
        lowering.values.insert(node.id.into(), value);
    }
    lowering.outputs()?;
    Ok(lowering.program)
}

/// What the file calls the number of new tokens, and that of the cache.
fn lengths(model: &TypedModel, contract: &contract::Decoder) -> Option<(TDim, TDim)> {
    let length = |wanted: fn(&Input) -> bool, dim: usize| {
        let input = contract.inputs.iter().position(wanted)?;
        let outlet = model.inputs[input];
        let length = model.nodes[outlet.node].outputs[outlet.slot].fact.shape.get(dim)?.clone();
        matches!(length, TDim::Sym(_)).then_some(length)
    };
    Some((length(|role| *role == Input::Tokens, 1)?, length(|role| matches!(role, Input::Past(_)), 2)?))
}

struct Lowering<'a> {
    side: Side<'a>,
    lengths: Lengths,
    values: HashMap<OutletId, Value>,
    program: Program,
    /// Matrices by the constant they come from: an embedding may be the head's.
    matrices: HashMap<OutletId, Arc<Weights>>,
    /// Rotations by the values that hold their cosines and sines.
    turns: HashMap<(OutletId, OutletId), Arc<Turn>>,
    /// New keys and values, which go into their cache together.
    waiting: HashMap<Cache, Id>,
    /// Masks that were tried, with the dimensions of new and of all tokens.
    masks: HashSet<(OutletId, Option<usize>, usize)>,
}

impl Lowering<'_> {
    fn inputs(&mut self) -> Understood<()> {
        for (outlet, role) in self.side.model.inputs.iter().zip(&self.side.contract.inputs) {
            let value = match role {
                Input::Tokens => Value::Tokens,
                Input::Past(cached) => Value::Past(Cache { layer: cached.layer, values: cached.values }),
                Input::Positions | Input::Mask | Input::Types => Value::Side,
            };
            self.values.insert(*outlet, value);
        }
        Ok(())
    }

    fn outputs(&mut self) -> Understood<()> {
        let model = self.side.model;
        for (outlet, role) in model.outputs.iter().zip(&self.side.contract.outputs) {
            let value = self.values.get(outlet).cloned().ok_or("an output that nothing makes")?;
            match (role, value) {
                (Output::Logits, Value::Rows(view)) => {
                    let width = self.program.steps[view.id].width;
                    if !view.layout.whole(width) {
                        return Err("the logits are not in their order".into());
                    }
                    self.program.logits = self.plain(&view);
                }
                (Output::Present(cached), Value::Cached { cache, layout, factor }) => {
                    let same = cache == Cache { layer: cached.layer, values: cached.values };
                    if !same || factor != 1.0 || layout != self.cache_layout() {
                        return Err(format!("a cache of layer {} comes out changed", cached.layer));
                    }
                }
                (role, _) => return Err(format!("{role:?} is nothing that is known")),
            }
        }
        if self.program.heads == 0 {
            return Err("there is no attention".into());
        }
        Ok(())
    }

    fn value(&self, outlet: OutletId) -> Understood<&Value> {
        self.values.get(&outlet).ok_or_else(|| "an input that nothing makes".into())
    }

    fn fact(&self, outlet: OutletId) -> &TypedFact {
        &self.side.model.nodes[outlet.node].outputs[outlet.slot].fact
    }

    fn node(&mut self, node: &TypedNode) -> Understood<Value> {
        if node.op_is::<TypedSource>() {
            return self.value(node.id.into()).cloned();
        }
        if node.op_is::<Const>() {
            return Ok(Value::Side);
        }
        if node.outputs.len() != 1 {
            return Err("has several outputs".into());
        }
        let inputs: Vec<Value> =
            node.inputs.iter().map(|&outlet| self.value(outlet).cloned()).collect::<Understood<_>>()?;
        if inputs.iter().all(|value| matches!(value, Value::Side)) {
            return Ok(Value::Side);
        }
        if let Some(op) = node.op_as::<AxisOp>() {
            let lengths = self.lengths.clone();
            return self.seen(&inputs[0], |layout| layout.changed(op, &lengths));
        }
        if let Some(op) = node.op_as::<MultiBroadcastTo>() {
            return self.seen(&inputs[0], |layout| layout.broadcast(&op.shape));
        }
        if node.op_is::<Identity>() {
            return Ok(inputs[0].clone());
        }
        if let Some(op) = node.op_as::<Cast>() {
            return if op.to == f32::datum_type() && self.fact(node.inputs[0]).datum_type == op.to {
                Ok(inputs[0].clone())
            } else {
                Err("changes the type".into())
            };
        }
        if let Some(op) = node.op_as::<Gather>() {
            return self.gather(op, node, &inputs);
        }
        if let Some(op) = node.op_as::<Packed>() {
            return self.ready(op, &inputs[0]);
        }
        if let Some(op) = node.op_as::<EinSum>() {
            return self.einsum(op, node, &inputs);
        }
        if let Some(op) = node.op_as::<TypedBinOp>() {
            return self.pair(op.0.name(), node, &inputs);
        }
        if let Some(op) = node.op_as::<ElementWiseOp>() {
            return self.each(op, &inputs[0]);
        }
        if let Some(op) = node.op_as::<RmsNorm>() {
            return self.norm(op, &inputs[0]);
        }
        if let Some(op) = node.op_as::<Reduce>() {
            return self.reduce(op, &inputs[0]);
        }
        if let Some(op) = node.op_as::<Softmax>() {
            return self.softmax(op, &inputs[0]);
        }
        if let Some(op) = node.op_as::<Slice>() {
            return self.slice(op, &inputs[0]);
        }
        if let Some(op) = node.op_as::<TypedConcat>() {
            return self.concat(op, &inputs);
        }
        if node.op_is::<Iff>() {
            return self.choose(node, &inputs);
        }
        Err("is not known".into())
    }

    /// `value` through another layout.
    fn seen(&self, value: &Value, change: impl Fn(&Layout) -> Option<Layout>) -> Understood<Value> {
        let change = |layout: &Layout| change(layout).ok_or_else(|| format!("a view of {layout:?}"));
        Ok(match value {
            Value::Rows(view) => Value::Rows(View { layout: change(&view.layout)?, ..view.clone() }),
            Value::Cached { cache, layout, factor } => {
                Value::Cached { cache: *cache, layout: change(layout)?, factor: *factor }
            }
            Value::Scores(scores) => {
                Value::Scores(value::Scores { layout: change(&scores.layout)?, ..scores.clone() })
            }
            Value::Shares(shares) => {
                Value::Shares(value::Scores { layout: change(&shares.layout)?, ..shares.clone() })
            }
            other => return Err(format!("a view of {other:?}")),
        })
    }

    /// Rows of a table by token, or the last token's row.
    fn gather(&mut self, op: &Gather, node: &TypedNode, inputs: &[Value]) -> Understood<Value> {
        match inputs {
            [Value::Side, Value::Tokens] if op.axis == 0 => {
                let table = self.matrix(node.inputs[0])?;
                let width = table.cols();
                let id = self.program.push(Op::Embed(table), vec![], width);
                Ok(Value::Rows(View { id, layout: Layout::rows(width), factor: 1.0 }))
            }
            [Value::Rows(view), Value::Side] if view.layout.find(&Part::New) == Some(op.axis) => {
                let index = self.side.value(node.inputs[1], 2, 3).map_err(|error| error.to_string())?;
                let index = index.cast_to::<i64>().map_err(|error| error.to_string())?;
                let index: Vec<i64> =
                    index.to_plain_array_view::<i64>().map_err(|e| e.to_string())?.iter().copied().collect();
                if index != [2] && index != [-1] {
                    return Err("takes other rows than the last".into());
                }
                let mut dims = view.layout.0.clone();
                let rank = self.fact(node.inputs[1]).rank();
                dims.splice(op.axis..=op.axis, vec![vec![]; rank]);
                Ok(self.last(view, Layout(dims)))
            }
            _ => Err("takes rows of what is not known".into()),
        }
    }

    fn last(&mut self, view: &View, layout: Layout) -> Value {
        let width = self.program.steps[view.id].width;
        let id = self.program.push(Op::Last, vec![view.id], width);
        Value::Rows(View { id, layout, factor: view.factor })
    }

    /// Half of each head, or the last token's row.
    fn slice(&mut self, op: &Slice, value: &Value) -> Understood<Value> {
        if let Value::Scores(scores) | Value::Shares(scores) = value
            && scores.layout.find(&Part::New) == Some(op.axis)
        {
            self.check_last(op)?;
            let mut scores = scores.clone();
            scores.layout.0[op.axis].clear();
            return Ok(if matches!(value, Value::Scores(_)) {
                Value::Scores(scores)
            } else {
                Value::Shares(scores)
            });
        }
        let Value::Rows(view) = value else {
            return Err("cuts what is not known".into());
        };
        if view.layout.find(&Part::New) == Some(op.axis) {
            self.check_last(op)?;
            let mut layout = view.layout.clone();
            layout.0[op.axis].clear();
            return Ok(self.last(view, layout));
        }
        let (start, end) = (op.start.to_usize(), op.end.to_usize());
        match (Layout::row_of(&view.layout.0[op.axis]).as_slice(), start, end) {
            (&[(1, count)], Ok(start), Ok(end))
                if view.layout.0[op.axis].len() == 1 && count.is_multiple_of(2) =>
            {
                let second = start == count / 2 && end == count;
                if !second && (start, end) != (0, count / 2) {
                    return Err("cuts heads elsewhere than in the middle".into());
                }
                Ok(Value::Half { of: view.clone(), second, negated: false })
            }
            _ => Err("cuts what is no head".into()),
        }
    }

    /// Whether `op` takes the last of the new tokens.
    fn check_last(&self, op: &Slice) -> Understood<()> {
        let last = self.lengths.new.clone() - 1;
        if op.start == last && op.end == self.lengths.new {
            Ok(())
        } else {
            Err("takes other rows than the last".into())
        }
    }

    /// New tokens behind a cache, or halves of heads exchanged.
    fn concat(&mut self, op: &TypedConcat, inputs: &[Value]) -> Understood<Value> {
        match inputs {
            [Value::Past(cache), Value::Rows(view)] => {
                let mut expected = self.cache_layout();
                expected.0[2] = vec![Part::New];
                if op.axis != 2 || view.layout != expected {
                    return Err(format!("puts {:?} into the cache", view.layout));
                }
                let id = self.plain(view);
                let width = self.program.shared * self.program.head;
                if self.program.steps[id].width != width {
                    return Err("puts a part of a row into the cache".into());
                }
                self.waiting.insert(*cache, id);
                let other = Cache { values: !cache.values, ..*cache };
                if let Some(&other) = self.waiting.get(&other) {
                    let both = if cache.values { vec![other, id] } else { vec![id, other] };
                    self.program.push(Op::Append(cache.layer), both, width);
                }
                Ok(Value::Cached { cache: *cache, layout: self.cache_layout(), factor: 1.0 })
            }
            [
                Value::Half { of: a, second: true, negated: true },
                Value::Half { of: b, second: false, negated: false },
            ] if a.id == b.id && a.layout == b.layout && op.axis + 1 == a.layout.rank() => {
                Ok(Value::Turned(a.clone()))
            }
            _ => Err("joins what is not known".into()),
        }
    }

    /// A cache: `[1, heads, P + S, width]`.
    fn cache_layout(&self) -> Layout {
        use super::layout::row;
        let (shared, head) = (self.program.shared, self.program.head);
        Layout(vec![vec![], row(head, shared), vec![Part::All], row(1, head)])
    }

    /// The value of `view` with its factor applied.
    fn plain(&mut self, view: &View) -> Id {
        if view.factor == 1.0 {
            return view.id;
        }
        let width = self.program.steps[view.id].width;
        self.program.push(Op::Times(view.factor), vec![view.id], width)
    }
}
