//! Constant matrices, packed once and multiplied often.

mod error;
mod multiply;
mod pack;
mod product;
mod quantize;
mod spread;
mod tile;

pub use error::WeightsError;
pub use multiply::Store;
pub(crate) use tile::tile;

use crate::blocks::{BLOCK, Line, Q4Block, Q8Block};
use crate::simd::LANES;
use std::fmt;

/// How the numbers of a matrix are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Single precision: 4 bytes each.
    F32,
    /// Blocks of 32 along the columns, `scale * value` with values in -127..=127: 1.125 bytes each.
    Q8,
    /// Blocks of 32 along the columns, `scale * (nibble - 8)`, as ggml's `Q4_0` and ONNX `MatMulNBits`
    /// with zero point 8: 0.625 bytes each.
    Q4,
}

/// In which order a plain matrix comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// `[rows][cols]`: the inputs of one output side by side, as in PyTorch's `Linear`.
    RowMajor,
    /// `[cols][rows]`: the outputs of one input side by side, as the `[K, N]` of ONNX `MatMul`.
    ColMajor,
}

/// A constant matrix of `rows` outputs by `cols` inputs.
///
/// It lies in memory as panels of sixteen rows, in the same layout for every instruction set, so one value can be
/// shared by all threads and conversations; the last panel is filled up with rows of zeros.
pub struct Weights {
    rows: usize,
    cols: usize,
    panels: Panels,
}

/// Panel after panel, within each the columns (or blocks of columns) in order.
enum Panels {
    F32(Vec<Line>),
    Q8(Vec<Q8Block>),
    Q4(Vec<Q4Block>),
}

impl Weights {
    /// Outputs.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Inputs.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// How the numbers are held.
    pub fn format(&self) -> Format {
        match self.panels {
            Panels::F32(_) => Format::F32,
            Panels::Q8(_) => Format::Q8,
            Panels::Q4(_) => Format::Q4,
        }
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        match &self.panels {
            Panels::F32(lines) => size_of_val(lines.as_slice()),
            Panels::Q8(blocks) => size_of_val(blocks.as_slice()),
            Panels::Q4(blocks) => size_of_val(blocks.as_slice()),
        }
    }

    /// Writes row `index` to `out`, which has [`cols`](Self::cols) numbers: an embedding that shares its
    /// matrix with the head.
    ///
    /// # Panics
    /// If there is no such row or `out` has another length.
    pub fn row(&self, index: usize, out: &mut [f32]) {
        assert!(index < self.rows, "row {index} of a matrix of {}", self.rows);
        assert_eq!(out.len(), self.cols, "a row has as many numbers as the matrix has columns");
        let (panel, row) = (index / LANES, index % LANES);
        let blocks = panel * (self.cols / BLOCK)..;
        match &self.panels {
            Panels::F32(lines) => {
                for (out, line) in out.iter_mut().zip(&lines[panel * self.cols..]) {
                    *out = line.0[row];
                }
            }
            Panels::Q8(all) => {
                for (out, block) in out.chunks_exact_mut(BLOCK).zip(&all[blocks]) {
                    out.copy_from_slice(&block.row(row));
                }
            }
            Panels::Q4(all) => {
                for (out, block) in out.chunks_exact_mut(BLOCK).zip(&all[blocks]) {
                    out.copy_from_slice(&block.row(row));
                }
            }
        }
    }
}

impl fmt::Debug for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Weights({} x {}, {:?})", self.rows, self.cols, self.format())
    }
}
