//! Inputs of a product with quantised weights, quantised themselves as ggml's `Q8_0` does.

use crate::blocks::{BLOCK, InputBlock};
use crate::simd::{Op, Simd};

/// Quantises `x`, a whole number of blocks, into `blocks`.
pub(crate) struct Quantize<'a> {
    pub x: &'a [f32],
    pub blocks: &'a mut Vec<InputBlock>,
}

impl Op for Quantize<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (blocks, _) = self.x.as_chunks::<BLOCK>();
        self.blocks.resize(blocks.len(), InputBlock::default());
        for (to, block) in self.blocks.iter_mut().zip(blocks) {
            *to = quantize(s, block);
        }
    }
}

#[inline(always)]
fn quantize<S: Simd>(s: S, values: &[f32; BLOCK]) -> InputBlock {
    let (halves, _) = values.as_chunks();
    let (low, high) = (s.load(&halves[0]), s.load(&halves[1]));
    let largest = s.magnitude(low, high);
    if !largest.is_finite() {
        return InputBlock { scale: f32::NAN, ..InputBlock::default() };
    }
    let scale = largest / 127.0;
    // What is too small for a normal scale counts as zero.
    let inverse = if scale >= f32::MIN_POSITIVE { 127.0 / largest } else { 0.0 };
    let (groups, sum) = s.quantize(low, high, inverse);
    InputBlock { groups, scale, offset: -8 * sum }
}
