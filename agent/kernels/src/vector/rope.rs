//! Rotary positions.

use crate::Isa;
use crate::attention::Axes;
use crate::simd::{LANES, Op, Simd};

/// Which numbers of a head turn together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rotation {
    /// Number i with number i + n, n being the angles of a step: Llama as Hugging Face holds it.
    Halves,
    /// Number 2 i with number 2 i + 1: Llama as its authors hold it, and GPT-J.
    Pairs,
}

/// Turns queries or keys in place: `x` is heads by steps by `dim` as `axes` says, `cos` and `sin` are
/// `[steps][n]` for n angles, with 2 n at most `dim`. Numbers from 2 n on stay as they are.
///
/// # Panics
/// If a slice has another length.
pub fn rope(
    isa: Isa,
    x: &mut [f32],
    shape: (usize, usize, usize),
    axes: Axes,
    angles: (&[f32], &[f32]),
    rotation: Rotation,
) {
    let (heads, steps, dim) = shape;
    let (cos, sin) = angles;
    assert_eq!(x.len(), heads * steps * dim, "numbers of all heads and steps");
    assert_eq!(cos.len(), sin.len(), "a sine for each cosine");
    if steps == 0 {
        return;
    }
    let n = cos.len() / steps;
    assert!(cos.len() == n * steps && 2 * n <= dim, "angles are [steps][at most dim / 2]");
    isa.run(Rope { x, shape, axes, cos, sin, n, rotation });
}

struct Rope<'a> {
    x: &'a mut [f32],
    shape: (usize, usize, usize),
    axes: Axes,
    cos: &'a [f32],
    sin: &'a [f32],
    n: usize,
    rotation: Rotation,
}

impl Op for Rope<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (heads, steps, dim) = self.shape;
        for head in 0..heads {
            for step in 0..steps {
                let x = &mut self.x[self.axes.start(head, step, heads, steps, dim)..][..2 * self.n];
                let cos = &self.cos[step * self.n..][..self.n];
                let sin = &self.sin[step * self.n..][..self.n];
                match self.rotation {
                    Rotation::Halves => halves(s, x, cos, sin),
                    Rotation::Pairs => pairs(x, cos, sin),
                }
            }
        }
    }
}

#[inline(always)]
fn halves<S: Simd>(s: S, x: &mut [f32], cos: &[f32], sin: &[f32]) {
    let (low, high) = x.split_at_mut(cos.len());
    let (lows, low_rest) = low.as_chunks_mut::<LANES>();
    let (highs, high_rest) = high.as_chunks_mut::<LANES>();
    let (cosines, cos_rest) = cos.as_chunks::<LANES>();
    let (sines, sin_rest) = sin.as_chunks::<LANES>();
    for (((low, high), cos), sin) in lows.iter_mut().zip(highs).zip(cosines).zip(sines) {
        let (a, b, cos, sin) = (s.load(low), s.load(high), s.load(cos), s.load(sin));
        s.store(s.sub(s.mul(a, cos), s.mul(b, sin)), low);
        s.store(s.mul_add(b, cos, s.mul(a, sin)), high);
    }
    for (((low, high), cos), sin) in low_rest.iter_mut().zip(high_rest).zip(cos_rest).zip(sin_rest) {
        (*low, *high) = (*low * cos - *high * sin, *high * cos + *low * sin);
    }
}

#[inline(always)]
fn pairs(x: &mut [f32], cos: &[f32], sin: &[f32]) {
    for (([a, b], cos), sin) in x.as_chunks_mut::<2>().0.iter_mut().zip(cos).zip(sin) {
        (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
    }
}
