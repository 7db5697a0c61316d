//! What a graph computes from positions and lengths alone: masks, and the tables of positions.
//!
//! Every exporter writes these in its own way, so they are not matched but run, on tract, and
//! what comes out is looked at.

use tract_nnef::internal::*;

use crate::slm::model::contract;
use crate::slm::model::names::Input;

/// Calls with which a mask is tried, besides those that end at the context: past tokens and new ones.
const TRIALS: [(usize, usize); 4] = [(0, 4), (3, 2), (5, 1), (0, 1)];
/// What a mask adds where nobody may look must be below this: `e` to that power is 0.
pub(super) const FAR: f32 = -1e4;

/// The parts of a graph that know no token.
pub(super) struct Side<'a> {
    pub model: &'a TypedModel,
    pub contract: &'a contract::Decoder,
    /// Most tokens of a conversation.
    pub context: usize,
}

impl Side<'_> {
    /// The value of `outlet` for `past` tokens in the cache and `new` ones after them.
    pub fn value(&self, outlet: OutletId, past: usize, new: usize) -> TractResult<Tensor> {
        self.run(&self.plan(outlet)?, past, new)
    }

    fn plan(&self, outlet: OutletId) -> TractResult<Arc<TypedRunnableModel>> {
        let mut model = self.model.clone();
        model.select_output_outlets(&[outlet])?;
        model.into_runnable()
    }

    fn run(&self, plan: &Arc<TypedRunnableModel>, past: usize, new: usize) -> TractResult<Tensor> {
        let row = |values: Vec<i64>| Tensor::from_shape(&[1, values.len()], &values);
        let mut inputs: TVec<TValue> = tvec![];
        for role in &self.contract.inputs {
            let tensor = match role {
                Input::Tokens | Input::Types => row(vec![0; new])?,
                Input::Positions => row((past as i64..(past + new) as i64).collect())?,
                Input::Mask => row(vec![1; past + new])?,
                Input::Past(_) => Tensor::zero::<f32>(&[1, self.contract.heads, past, self.contract.width])?,
            };
            inputs.push(tensor.into());
        }
        Ok(plan.run(inputs)?.remove(0).into_tensor())
    }

    /// Whether `outlet`, with the new tokens along dimension `new` and all along `all`, lets each
    /// token look at itself and those before, and no other. Without `new` it is about the last token.
    pub fn is_causal(&self, outlet: OutletId, new: Option<usize>, all: usize) -> TractResult<bool> {
        let plan = self.plan(outlet)?;
        // A window that slides shows itself only at the end.
        let last = [1, 3].map(|count| (self.context.saturating_sub(count), count));
        for (past, count) in TRIALS.into_iter().chain(last) {
            let value = self.run(&plan, past, count)?;
            let flags = value.datum_type() == bool::datum_type();
            let value = value.cast_to::<f32>()?;
            let view = value.to_plain_array_view::<f32>()?;
            let shape = view.shape();
            let others =
                shape.iter().enumerate().all(|(dim, len)| Some(dim) == new || dim == all || *len == 1);
            if !others || new.is_some_and(|new| shape[new] != count) || shape[all] != past + count {
                return Ok(false);
            }
            let first = if new.is_some() { 0 } else { count - 1 };
            for (row, key) in (first..count).flat_map(|row| (0..past + count).map(move |key| (row, key))) {
                let mut at = vec![0; view.ndim()];
                at[all] = key;
                if let Some(new) = new {
                    at[new] = row;
                }
                let found = view[&*at];
                let open = key <= past + row;
                let right = match (flags, open) {
                    (true, open) => (found != 0.0) == open,
                    (false, true) => found == 0.0,
                    (false, false) => found <= FAR,
                };
                if !right {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// The rows of `outlet` for positions 0 to `context`, where it depends on nothing else: the
    /// tokens along dimension `new`, all other dimensions but `width` of length 1.
    pub fn table(&self, outlet: OutletId, new: usize, width: usize) -> TractResult<Option<Vec<f32>>> {
        let context = self.context;
        if context < 5 {
            return Ok(None);
        }
        let whole = self.rows(outlet, new, width, 0, context)?;
        let part = self.rows(outlet, new, width, 2, 3)?;
        let (Some(whole), Some(part)) = (whole, part) else {
            return Ok(None);
        };
        let row = whole.len() / context;
        Ok((whole[2 * row..].starts_with(&part)).then_some(whole))
    }

    fn rows(
        &self,
        outlet: OutletId,
        new: usize,
        width: usize,
        past: usize,
        count: usize,
    ) -> TractResult<Option<Vec<f32>>> {
        let value = self.value(outlet, past, count)?;
        if value.datum_type() != f32::datum_type() || value.shape()[new] != count {
            return Ok(None);
        }
        let others =
            value.shape().iter().enumerate().any(|(dim, len)| dim != new && dim != width && *len != 1);
        if others || new > width {
            return Ok(None);
        }
        Ok(Some(value.try_as_plain_ram()?.as_slice::<f32>()?.to_vec()))
    }
}
