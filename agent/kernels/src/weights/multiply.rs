//! Products of inputs with packed weights.

use super::product::{Output, Product};
use super::spread::spread;
use super::{Panels, Weights};
use crate::blocks::BLOCK;
use crate::input::Quantize;
use crate::scratch::Scratch;

/// What happens with the outputs.
#[derive(Clone, Copy, Debug)]
pub enum Store<'a> {
    /// They replace what is there.
    Set,
    /// They are added to what is there: a residual stream.
    Add,
    /// They replace what is there, plus this bias, one number for each row.
    Bias(&'a [f32]),
}

impl Weights {
    /// `y[i] = W x[i]` for `m` inputs: `x` is `[m][cols]`, `y` is `[m][rows]`.
    ///
    /// Quantised weights meet inputs quantised to eight bits in blocks of 32, as ggml's `Q8_0`; sums over
    /// blocks are in f32. A NaN or an infinity in an input makes all of its outputs NaN then; with f32
    /// weights it goes the way of ordinary arithmetic.
    ///
    /// # Panics
    /// If a slice has another length.
    pub fn multiply(&self, x: &[f32], m: usize, y: &mut [f32], store: Store<'_>, scratch: &mut Scratch) {
        assert_eq!(x.len(), m * self.cols, "inputs are [m][cols]");
        assert_eq!(y.len(), m * self.rows, "outputs are [m][rows]");
        if let Store::Bias(bias) = store {
            assert_eq!(bias.len(), self.rows, "one bias for each row");
        }
        if m == 0 || self.rows == 0 {
            return;
        }
        if self.cols == 0 {
            match store {
                Store::Set => y.fill(0.0),
                Store::Add => {}
                Store::Bias(bias) => y.chunks_exact_mut(self.rows).for_each(|y| y.copy_from_slice(bias)),
            }
            return;
        }
        let (isa, pool) = (scratch.isa, scratch.pool.as_deref());
        let out = Output { y, rows: self.rows, store };
        match &self.panels {
            Panels::F32(panels) => spread(isa, pool, Product { x, across: self.cols, panels, out }),
            Panels::Q8(panels) => {
                isa.run(Quantize { x, blocks: &mut scratch.inputs });
                let across = self.cols / BLOCK;
                spread(isa, pool, Product { x: &scratch.inputs, across, panels, out });
            }
            Panels::Q4(panels) => {
                isa.run(Quantize { x, blocks: &mut scratch.inputs });
                let across = self.cols / BLOCK;
                spread(isa, pool, Product { x: &scratch.inputs, across, panels, out });
            }
        }
    }
}
