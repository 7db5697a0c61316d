//! Slices as vectors, with what is left over at the end.

use crate::simd::{LANES, Simd};

/// The numbers at the end that fill no vector, with zeros behind them.
#[inline(always)]
pub(super) fn tail(rest: &[f32]) -> [f32; LANES] {
    let mut out = [0.0; LANES];
    out[..rest.len()].copy_from_slice(rest);
    out
}

/// A function of each lane of one vector.
pub(super) trait Unary {
    fn apply<S: Simd>(&self, s: S, x: S::F) -> S::F;
}

/// A function of each lane of two vectors.
pub(super) trait Binary {
    fn apply<S: Simd>(&self, s: S, a: S::F, b: S::F) -> S::F;
}

/// Replaces each number of `x`.
#[inline(always)]
pub(super) fn map<S: Simd>(s: S, x: &mut [f32], f: impl Unary) {
    let (lines, rest) = x.as_chunks_mut::<LANES>();
    for line in lines {
        s.store(f.apply(s, s.load(line)), line);
    }
    if !rest.is_empty() {
        let mut last = tail(rest);
        s.store(f.apply(s, s.load(&last)), &mut last);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

/// Replaces each number of `a` by a function of it and its partner in `b`.
#[inline(always)]
pub(super) fn zip<S: Simd>(s: S, a: &mut [f32], b: &[f32], f: impl Binary) {
    let (lines, rest) = a.as_chunks_mut::<LANES>();
    let (others, other_rest) = b.as_chunks::<LANES>();
    for (line, other) in lines.iter_mut().zip(others) {
        s.store(f.apply(s, s.load(line), s.load(other)), line);
    }
    if !rest.is_empty() {
        let mut last = tail(rest);
        s.store(f.apply(s, s.load(&last), s.load(&tail(other_rest))), &mut last);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}
