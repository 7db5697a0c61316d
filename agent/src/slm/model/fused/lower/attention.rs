//! Queries, keys, shares and values.
//!
//! Which head of keys a head of queries meets is not read from the shape of the graph: all pairs of
//! indices are followed to the elements that they stand for.

use tract_nnef::internal::*;
use tract_nnef::tract_core::ops::einsum::EinSum;
use tract_nnef::tract_core::ops::nn::{Softmax, SoftmaxKind};

use super::super::layout::{Layout, Part, count, offset, row};
use super::super::program::Op;
use super::product::only;
use super::value::{Scores, Value, View};
use super::{Lowering, Understood};

/// The layer, the layout and the factor of a cache.
type Cache<'a> = (usize, &'a Layout, f32);

/// The parts of an axis in both inputs, and its place in the output.
struct Axis {
    left: Vec<Part>,
    right: Vec<Part>,
    out: Option<usize>,
}

impl Axis {
    /// What an axis of the output holds that is neither the cache's tokens nor the head: the new
    /// tokens, or heads.
    fn kept(&self) -> Understood<Vec<Part>> {
        if self.left == [Part::New] && self.right.is_empty() {
            return Ok(vec![Part::New]);
        }
        if self.right.iter().chain(&self.left).any(|part| matches!(part, Part::All)) {
            return Err("pairs tokens with what are none".into());
        }
        if self.right.contains(&Part::New) {
            return Err("pairs new tokens with the cache".into());
        }
        if count(&self.left) != count(&self.right) && !self.right.is_empty() {
            return Err("pairs heads that are not as many".into());
        }
        Ok(self.left.clone())
    }
}

fn axes(op: &EinSum, slot: usize, left: &Layout, right: &Layout) -> Understood<Vec<Axis>> {
    let axes = op.axes.iter_all_axes().map(|axis| {
        let part = |slot: usize, layout: &Layout| {
            Ok::<_, String>(only(&axis.inputs[slot])?.map(|dim| layout.0[dim].clone()).unwrap_or_default())
        };
        Ok(Axis { left: part(slot, left)?, right: part(1 - slot, right)?, out: only(&axis.outputs[0])? })
    });
    axes.collect()
}

impl Lowering<'_> {
    /// Queries, which are input `slot`, times the keys of a layer.
    pub(super) fn scores(
        &mut self,
        op: &EinSum,
        view: &View,
        slot: usize,
        cache: Cache<'_>,
    ) -> Understood<Value> {
        let (layer, keys, factor) = cache;
        let head = self.program.head;
        let axes = axes(op, slot, &view.layout, keys)?;
        let mut dims = vec![vec![]; axes.iter().filter(|axis| axis.out.is_some()).count()];
        let mut summed = 0;
        for axis in &axes {
            match axis.out {
                None if axis.left == row(1, head) && axis.right == row(1, head) => summed += 1,
                None if axis.left.is_empty() && axis.right.is_empty() => {}
                None => return Err("sums over what is no head".into()),
                Some(out) if axis.right == [Part::All] && axis.left.is_empty() => dims[out] = vec![Part::All],
                Some(out) => dims[out] = axis.kept()?,
            }
        }
        if summed != 1 {
            return Err("does not sum over the head".into());
        }
        let width = self.program.steps[view.id].width;
        self.check_heads(&axes, width)?;
        let layout = Layout(dims);
        Ok(Value::Scores(Scores {
            queries: view.id,
            layer,
            layout,
            factor: view.factor * factor,
            masked: false,
        }))
    }

    /// Shares, which are input `slot`, times the values of a layer.
    pub(super) fn mixed(
        &mut self,
        op: &EinSum,
        shares: &Scores,
        slot: usize,
        cache: Cache<'_>,
    ) -> Understood<Value> {
        let (layer, values, factor) = cache;
        if layer != shares.layer {
            return Err("mixes values of another layer".into());
        }
        if !shares.masked {
            return Err("looks at tokens that are still to come".into());
        }
        let head = self.program.head;
        let axes = axes(op, slot, &shares.layout, values)?;
        let mut dims = vec![vec![]; axes.iter().filter(|axis| axis.out.is_some()).count()];
        let (mut summed, mut made) = (0, 0);
        for axis in &axes {
            match axis.out {
                None if axis.left == [Part::All] && axis.right == [Part::All] => summed += 1,
                None if axis.left.is_empty() && axis.right.is_empty() => {}
                None => return Err("sums over what are no tokens".into()),
                Some(out) if axis.left.is_empty() && axis.right == row(1, head) => {
                    dims[out] = row(1, head);
                    made += 1;
                }
                Some(out) => dims[out] = axis.kept()?,
            }
        }
        if (summed, made) != (1, 1) {
            return Err("does not mix the values by their shares".into());
        }
        let width = self.program.steps[shares.queries].width;
        self.check_heads(&axes, width)?;
        let op = Op::Attend { layer, scale: shares.factor };
        let mut id = self.program.push(op, vec![shares.queries], width);
        if !shares.layout.holds(&Part::New) {
            id = self.program.push(Op::Last, vec![id], width);
        }
        Ok(Value::Rows(View { id, layout: Layout(dims), factor }))
    }

    /// Whether each head of a row of queries meets the head of keys or values that is its group's,
    /// and all do.
    fn check_heads(&mut self, axes: &[Axis], width: usize) -> Understood<()> {
        let (head, shared) = (self.program.head, self.program.shared);
        let heads = width / head;
        if heads * head != width || !heads.is_multiple_of(shared) {
            return Err(format!("{width} numbers are no heads of {head} for {shared} of keys"));
        }
        if self.program.heads != 0 && self.program.heads != heads {
            return Err("another layer has other heads".into());
        }
        self.program.heads = heads;
        let paired: Vec<&Axis> =
            axes.iter().filter(|axis| axis.left != row(1, head) && axis.right != row(1, head)).collect();
        let pairs: usize = paired.iter().map(|axis| count(&axis.left).max(count(&axis.right))).product();
        let mut met = vec![false; heads];
        for pair in 0..pairs {
            let (mut rest, mut left, mut right) = (pair, 0, 0);
            for axis in &paired {
                let length = count(&axis.left).max(count(&axis.right));
                let index = rest % length;
                rest /= length;
                left += offset(&axis.left, index);
                right += offset(&axis.right, index);
            }
            let (query, key) = (left / head, right / head);
            let right = left.is_multiple_of(head)
                && right.is_multiple_of(head)
                && query < heads
                && key == query / (heads / shared);
            if !right || std::mem::replace(&mut met[query.min(heads - 1)], true) {
                return Err("pairs heads in another order than theirs".into());
            }
        }
        if met.contains(&false) { Err("leaves out a head".into()) } else { Ok(()) }
    }

    /// Scores and a mask behind `outlet`, added.
    pub(super) fn masked(&mut self, scores: &Scores, outlet: OutletId) -> Understood<Value> {
        self.check_mask(scores, outlet)?;
        if scores.factor == 0.0 {
            return Err("counts no score".into());
        }
        Ok(Value::Scores(Scores { masked: true, ..scores.clone() }))
    }

    fn check_mask(&mut self, scores: &Scores, outlet: OutletId) -> Understood<()> {
        let (new, all) = (scores.layout.find(&Part::New), scores.layout.find(&Part::All));
        let Some(all) = all else {
            return Err("masks what has no tokens".into());
        };
        if self.fact(outlet).rank() != scores.layout.rank() {
            return Err("has a mask of another rank".into());
        }
        if self.masks.contains(&(outlet, new, all)) {
            return Ok(());
        }
        match self.side.is_causal(outlet, new, all) {
            Ok(true) => {
                self.masks.insert((outlet, new, all));
                Ok(())
            }
            Ok(false) => Err("has a mask that is not the causal one".into()),
            Err(error) => Err(format!("has a mask that cannot be tried: {error:#}")),
        }
    }

    pub(super) fn softmax(&self, op: &Softmax, value: &Value) -> Understood<Value> {
        match value {
            Value::Scores(scores)
                if op.quant_output_dt.is_none()
                    && matches!(op.kind, SoftmaxKind::Softmax)
                    && Some(op.axes.as_slice())
                        == scores.layout.find(&Part::All).as_ref().map(std::slice::from_ref) =>
            {
                Ok(Value::Shares(scores.clone()))
            }
            _ => Err("compares what are no scores".into()),
        }
    }

    /// A choice by a condition: a mask over scores, or zeros for shares that are no number.
    pub(super) fn choose(&mut self, node: &TypedNode, inputs: &[Value]) -> Understood<Value> {
        match inputs {
            // A row in which nobody may look anywhere; a causal mask has none.
            [Value::Broken(broken), Value::Side, Value::Shares(shares)] if broken == shares => {
                Ok(Value::Shares(shares.clone()))
            }
            [Value::Side, Value::Scores(scores), Value::Side] => {
                let far = self.constant(node.inputs[2])?;
                let far = far.cast_to_scalar::<f32>().map_err(|error| error.to_string())?;
                if far > super::super::side::FAR {
                    return Err("masks with what is not far away".into());
                }
                self.masked(scores, node.inputs[0])
            }
            _ => Err("chooses between what is not known".into()),
        }
    }
}
