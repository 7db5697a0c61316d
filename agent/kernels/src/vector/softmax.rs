//! Softmax, for logits and for rows of attention scores.

use super::exp::exp;
use crate::Isa;
use crate::blocks::Line;
use crate::simd::{LANES, Op, Simd};

/// Replaces `x` by its softmax. Zeros where all are negative infinity; NaN where one is NaN or positive
/// infinity.
pub fn softmax_in_place(isa: Isa, x: &mut [f32]) {
    isa.run(Softmax(x));
}

struct Softmax<'a>(&'a mut [f32]);

impl Op for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (lines, rest) = self.0.as_chunks_mut::<LANES>();
        let mut last = [f32::NEG_INFINITY; LANES];
        last[..rest.len()].copy_from_slice(rest);
        let mut largest = s.load(&last);
        for line in &*lines {
            largest = s.max(largest, s.load(line));
        }
        let shift = s.splat(shift(s.largest(largest)));
        let mut totals = s.splat(0.0);
        for line in &mut *lines {
            let weights = exp(s, s.sub(s.load(line), shift));
            totals = s.add(totals, weights);
            s.store(weights, line);
        }
        let weights = exp(s, s.sub(s.load(&last), shift));
        let total = s.sum(s.add(totals, weights));
        let inverse = s.splat(if total == 0.0 { 0.0 } else { 1.0 / total });
        for line in lines {
            s.store(s.mul(s.load(line), inverse), line);
        }
        s.store(s.mul(weights, inverse), &mut last);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

/// What is taken off before the exponential: the largest number, or nothing where there is none.
#[inline(always)]
fn shift(largest: f32) -> f32 {
    if largest == f32::NEG_INFINITY { 0.0 } else { largest }
}

/// Turns the first `seen` of a row of scores, plus their mask, into weights that are not yet divided by their
/// total, which is returned; all behind them into zeros.
#[inline(always)]
pub(crate) fn softmax<S: Simd>(s: S, scores: &mut [Line], seen: usize, mask: Option<&[f32]>) -> f32 {
    let (scores, unseen) = scores.split_at_mut(seen.div_ceil(LANES));
    unseen.fill(Line::default());
    if let Some(mask) = mask {
        for (line, mask) in scores.iter_mut().zip(mask.chunks(LANES)) {
            for (score, mask) in line.0.iter_mut().zip(mask) {
                *score += mask;
            }
        }
    }
    if let Some(last) = scores.last_mut()
        && !seen.is_multiple_of(LANES)
    {
        last.0[seen % LANES..].fill(f32::NEG_INFINITY);
    }
    let mut largest = s.splat(f32::NEG_INFINITY);
    for line in &*scores {
        largest = s.max(largest, s.load(&line.0));
    }
    let shift = s.splat(shift(s.largest(largest)));
    let mut total = s.splat(0.0);
    for line in scores {
        let weights = exp(s, s.sub(s.load(&line.0), shift));
        total = s.add(total, weights);
        s.store(weights, &mut line.0);
    }
    s.sum(total)
}
