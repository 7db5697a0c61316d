//! Vectors of sixteen numbers in the instructions of each processor. Everything outside this folder is
//! written once over [`Simd`], in safe code.
//!
//! A value of a type that implements [`Simd`] is a proof: it is made only by [`crate::Isa::run`], for an
//! instruction set that the processor was found to have. Its methods are inlined into
//! [`Simd::vectorize`], the one function of each set that is compiled with that set's instructions.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
#[cfg(target_arch = "aarch64")]
pub(crate) mod neon;
pub(crate) mod portable;

use crate::blocks::{GROUPS, InputBlock, Q4Block, Q8Block};

/// Numbers in a vector, whatever the width of the registers: rows of a panel of weights.
pub(crate) const LANES: usize = 16;

/// Work that is compiled once for each instruction set. Implementations of `run`, and what they call in
/// their inner loops, are `#[inline(always)]` and have no closure over vectors: a closure is compiled
/// without the instructions, and `array::map` does not always go away.
pub(crate) trait Op {
    type Output;
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// One instruction set: arithmetic on sixteen f32, and integer products of packed blocks.
pub(crate) trait Simd: Copy {
    /// Sixteen f32.
    type F: Copy;

    /// Whether the registers hold two panels times twelve inputs at once (thirty-two registers of
    /// sixteen lanes); otherwise one panel times six.
    const WIDE: bool;

    /// Runs `op` compiled with these instructions.
    fn vectorize<O: Op>(self, op: O) -> O::Output;

    fn splat(self, value: f32) -> Self::F;
    fn load(self, from: &[f32; LANES]) -> Self::F;
    fn store(self, value: Self::F, to: &mut [f32; LANES]);
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a * b + c`, rounded once where the processor can.
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// The smaller one; NaN where `b` is NaN, and `b` or NaN where `a` is.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// The larger one, with NaN as in [`min`](Self::min).
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// The nearest whole number, ties to even.
    fn round(self, a: Self::F) -> Self::F;
    /// `a * 2^n` for whole `n` in -152..=128, rounded once; anything where `n` is NaN.
    fn scale(self, a: Self::F, n: Self::F) -> Self::F;
    fn sum(self, a: Self::F) -> f32;
    /// The largest lane; any lane may be dropped where one is NaN.
    fn largest(self, a: Self::F) -> f32;

    /// The largest magnitude of thirty-two numbers; not finite where one of them is not.
    fn magnitude(self, low: Self::F, high: Self::F) -> f32;

    /// Thirty-two numbers times `inverse`, to the nearest whole number, ties to even, which lies in
    /// -127..=127: as the groups of an [`InputBlock`], and their sum.
    fn quantize(self, low: Self::F, high: Self::F, inverse: f32) -> ([i32; GROUPS], i32);

    /// For each input `m`: `sums[m][row] += scale[row] * x[m].scale * Σ_col w[row][col] * x[m][col]`.
    fn dot_q4<const M: usize>(self, w: &Q4Block, x: [&InputBlock; M], sums: &mut [Self::F; M]);
    /// The same for eight bits.
    fn dot_q8<const M: usize>(self, w: &Q8Block, x: [&InputBlock; M], sums: &mut [Self::F; M]);
}
