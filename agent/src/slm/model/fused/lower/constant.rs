//! Constants of the graph as vectors and matrices.

use std::sync::Arc;

use lineside_kernels::{Order, Weights};
use tract_nnef::internal::*;
use tract_nnef::tract_core::tract_linalg::block_quant::{BlockQuantStorage, Q4_0};

use super::super::layout::{Part, count, offset};
use super::{Lowering, Understood, View};
use crate::slm::model::packed::same;

/// A constant matrix as the graph holds it.
pub(super) struct Source {
    pub rows: usize,
    pub cols: usize,
    pub numbers: Numbers,
}

/// The numbers of a matrix.
pub(super) enum Numbers {
    /// `[rows][cols]`.
    Plain(Vec<f32>),
    /// ggml's `Q4_0`, row after row.
    Blocks(Arc<Blob>),
}

impl Source {
    /// Packs it.
    pub fn pack(&self) -> Understood<Weights> {
        let packed = match &self.numbers {
            Numbers::Plain(values) => Weights::f32(self.rows, self.cols, Order::RowMajor, values),
            Numbers::Blocks(blob) => Weights::q4_from_ggml(self.rows, self.cols, blob.as_bytes()),
        };
        packed.map_err(|error| error.to_string())
    }
}

/// What a constant is to rows that it meets element by element.
pub(super) enum Along {
    /// One number for all.
    Number(f32),
    /// One for each element of a row, in the row's own order.
    Row(Vec<f32>),
}

impl Lowering<'_> {
    /// The constant behind `outlet`.
    pub(super) fn constant(&self, outlet: OutletId) -> Understood<&Arc<Tensor>> {
        self.fact(outlet).konst.as_ref().ok_or_else(|| "meets what is no constant".into())
    }

    /// Whether `outlet` is a constant.
    pub(super) fn is_constant(&self, outlet: OutletId) -> bool {
        self.fact(outlet).konst.is_some()
    }

    /// A table of rows, packed once for all that read it.
    pub(super) fn matrix(&mut self, outlet: OutletId) -> Understood<Arc<Weights>> {
        if let Some(packed) = self.matrices.get(&outlet) {
            return Ok(packed.clone());
        }
        let tensor = self.constant(outlet)?.clone();
        let dims: Vec<usize> = tensor.shape().iter().copied().skip_while(|&dim| dim == 1).collect();
        let &[rows, cols] = dims.as_slice() else {
            return Err(format!("a table of shape {:?}", tensor.shape()));
        };
        let numbers = match blocks(&tensor)? {
            Some(blob) => Numbers::Blocks(blob),
            None => Numbers::Plain(floats(&tensor)?),
        };
        self.packed(outlet, Source { rows, cols, numbers })
    }

    /// `source`, packed; if an equal one is there already, that one.
    pub(super) fn packed(&mut self, outlet: OutletId, source: Source) -> Understood<Arc<Weights>> {
        let packed = Arc::new(source.pack()?);
        let mut others = self.matrices.values();
        let shared = others.find(|other| same(other, &packed)).cloned().unwrap_or(packed);
        self.matrices.insert(outlet, shared.clone());
        Ok(shared)
    }

    /// How the constant behind `outlet`, of the view's rank, meets the rows of `view`.
    pub(super) fn along(&self, outlet: OutletId, view: &View) -> Understood<Along> {
        let tensor = self.constant(outlet)?;
        let values = floats(tensor)?;
        if let [value] = values.as_slice() {
            return Ok(Along::Number(*value));
        }
        let (shape, dims) = (tensor.shape(), &view.layout.0);
        if shape.len() != dims.len() {
            return Err("meets a constant of another rank".into());
        }
        let width = self.program.steps[view.id].width;
        if view.layout.shown() != width {
            return Err("a constant meets a part of a row".into());
        }
        for (length, dim) in shape.iter().zip(dims) {
            let tokens = dim.iter().any(|part| matches!(part, Part::New | Part::All));
            if *length != 1 && (tokens || *length != count(dim)) {
                return Err("meets a constant that differs between tokens".into());
            }
        }
        let mut row = vec![f32::NAN; width];
        for element in 0..width {
            let (mut rest, mut at, mut place) = (element, 0, 1);
            let mut to = 0;
            for (length, dim) in shape.iter().zip(dims).rev() {
                let index = rest % count(dim);
                rest /= count(dim);
                to += offset(dim, index);
                at += if *length == 1 { 0 } else { index * place };
                place *= length;
            }
            row[to] = values[at];
        }
        if row.iter().any(|value| value.is_nan()) {
            return Err("a constant meets an element of a row twice".into());
        }
        Ok(Along::Row(row))
    }

    /// The constant's numbers as a matrix from the row of a value to a new one: `inputs` are its
    /// dimensions that are summed over, each with the parts of the row that it meets, `outputs` the
    /// others; both slowest first.
    pub(super) fn turned(
        &self,
        outlet: OutletId,
        inputs: &[(usize, Vec<Part>)],
        outputs: &[usize],
    ) -> Understood<Source> {
        let tensor = self.constant(outlet)?;
        let shape = tensor.shape();
        let cols: usize = inputs.iter().map(|(dim, _)| shape[*dim]).product();
        let rows: usize = outputs.iter().map(|dim| shape[*dim]).product();
        let blocks = blocks(tensor)?;
        let strides: Vec<usize> = (0..shape.len()).map(|dim| shape[dim + 1..].iter().product()).collect();
        // For each element of the row, and of the new one, where its weights begin.
        let mut from = vec![usize::MAX; cols];
        for element in 0..cols {
            let (mut rest, mut at, mut to) = (element, 0, 0);
            for (dim, parts) in inputs.iter().rev() {
                let index = rest % shape[*dim];
                rest /= shape[*dim];
                at += index * strides[*dim];
                to += offset(parts, index);
            }
            *from.get_mut(to).ok_or("sums over a part of a row")? = at;
        }
        if from.contains(&usize::MAX) {
            return Err("sums over an element of a row twice".into());
        }
        if let Some(blob) = blocks {
            let sorted = outputs.iter().chain(inputs.iter().map(|(dim, _)| dim)).is_sorted();
            if !sorted || from.iter().enumerate().any(|(to, from)| to != *from) {
                return Err("sums over four-bit weights in another order than theirs".into());
            }
            return Ok(Source { rows, cols, numbers: Numbers::Blocks(blob) });
        }
        let values = floats(tensor)?;
        let mut plain = Vec::with_capacity(rows * cols);
        for element in 0..rows {
            let (mut rest, mut at) = (element, 0);
            for dim in outputs.iter().rev() {
                at += rest % shape[*dim] * strides[*dim];
                rest /= shape[*dim];
            }
            plain.extend(from.iter().map(|from| values[at + from]));
        }
        Ok(Source { rows, cols, numbers: Numbers::Plain(plain) })
    }
}

/// The numbers of a plain constant of f32.
fn floats(tensor: &Tensor) -> Understood<Vec<f32>> {
    if tensor.datum_type() != f32::datum_type() {
        return Err(format!("a constant of {:?}", tensor.datum_type()));
    }
    let plain = tensor.try_as_plain_ram().map_err(|error| error.to_string())?;
    Ok(plain.as_slice::<f32>().map_err(|error| error.to_string())?.to_vec())
}

/// The blocks of a constant with four-bit weights; nothing for a plain one.
fn blocks(tensor: &Tensor) -> Understood<Option<Arc<Blob>>> {
    if tensor.is_plain() {
        return Ok(None);
    }
    match tensor.try_storage_as::<BlockQuantStorage>() {
        Ok(storage) if storage.format().dyn_eq(&Q4_0) => Ok(Some(storage.value().clone())),
        _ => Err("a constant in a format that is not known".into()),
    }
}
