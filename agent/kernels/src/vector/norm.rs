//! Norms over each row.

use super::lines::tail;
use crate::Isa;
use crate::simd::{LANES, Op, Simd};

/// `y = x / sqrt(mean(x²) + eps) * weight` for each row of `x`, which is `[rows][weight.len()]`.
///
/// # Panics
/// If `x` is no whole number of rows or `y` has another length.
pub fn rms_norm(isa: Isa, x: &[f32], weight: &[f32], eps: f32, y: &mut [f32]) {
    check(x, weight, y);
    isa.run(RmsNorm { x, weight, eps, y });
}

/// `y = (x - mean(x)) / sqrt(variance(x) + eps) * weight + bias` for each row of `x`, which is
/// `[rows][weight.len()]`.
///
/// # Panics
/// If `x` is no whole number of rows, or `y` or `bias` has another length.
pub fn layer_norm(isa: Isa, x: &[f32], weight: &[f32], bias: &[f32], eps: f32, y: &mut [f32]) {
    check(x, weight, y);
    assert_eq!(weight.len(), bias.len(), "a bias for each weight");
    isa.run(LayerNorm { x, weight, bias, eps, y });
}

fn check(x: &[f32], weight: &[f32], y: &[f32]) {
    assert!(!weight.is_empty() && x.len().is_multiple_of(weight.len()), "rows as long as the weight");
    assert_eq!(x.len(), y.len(), "an output for each input");
}

struct RmsNorm<'a> {
    x: &'a [f32],
    weight: &'a [f32],
    eps: f32,
    y: &'a mut [f32],
}

impl Op for RmsNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let width = self.weight.len();
        for (x, y) in self.x.chunks_exact(width).zip(self.y.chunks_exact_mut(width)) {
            let mean = square_distance(s, x, 0.0) / width as f32;
            let factor = s.splat(1.0 / (mean + self.eps).sqrt());
            let (lines, rest) = x.as_chunks::<LANES>();
            let (weights, weight_rest) = self.weight.as_chunks::<LANES>();
            let (outputs, output_rest) = y.as_chunks_mut::<LANES>();
            for ((x, w), y) in lines.iter().zip(weights).zip(outputs) {
                s.store(s.mul(s.mul(s.load(x), factor), s.load(w)), y);
            }
            if !rest.is_empty() {
                let mut last = tail(rest);
                let scaled = s.mul(s.load(&last), factor);
                s.store(s.mul(scaled, s.load(&tail(weight_rest))), &mut last);
                output_rest.copy_from_slice(&last[..rest.len()]);
            }
        }
    }
}

struct LayerNorm<'a> {
    x: &'a [f32],
    weight: &'a [f32],
    bias: &'a [f32],
    eps: f32,
    y: &'a mut [f32],
}

impl Op for LayerNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let width = self.weight.len();
        for (x, y) in self.x.chunks_exact(width).zip(self.y.chunks_exact_mut(width)) {
            let mean = sum(s, x) / width as f32;
            // Around the mean, not the mean of the squares less its square, which cancels.
            let variance = square_distance(s, x, mean) / width as f32;
            let factor = s.splat(1.0 / (variance + self.eps).sqrt());
            let mean = s.splat(mean);
            let (lines, rest) = x.as_chunks::<LANES>();
            let (weights, weight_rest) = self.weight.as_chunks::<LANES>();
            let (biases, bias_rest) = self.bias.as_chunks::<LANES>();
            let (outputs, output_rest) = y.as_chunks_mut::<LANES>();
            for (((x, w), b), y) in lines.iter().zip(weights).zip(biases).zip(outputs) {
                let normal = s.mul(s.sub(s.load(x), mean), factor);
                s.store(s.mul_add(normal, s.load(w), s.load(b)), y);
            }
            if !rest.is_empty() {
                let mut last = tail(rest);
                let normal = s.mul(s.sub(s.load(&last), mean), factor);
                let (w, b) = (s.load(&tail(weight_rest)), s.load(&tail(bias_rest)));
                s.store(s.mul_add(normal, w, b), &mut last);
                output_rest.copy_from_slice(&last[..rest.len()]);
            }
        }
    }
}

#[inline(always)]
fn sum<S: Simd>(s: S, x: &[f32]) -> f32 {
    let (lines, rest) = x.as_chunks::<LANES>();
    let mut sums = s.load(&tail(rest));
    for line in lines {
        sums = s.add(sums, s.load(line));
    }
    s.sum(sums)
}

/// The sum of the squared distances from `centre`.
#[inline(always)]
fn square_distance<S: Simd>(s: S, x: &[f32], centre: f32) -> f32 {
    let (lines, rest) = x.as_chunks::<LANES>();
    // What fills up the last vector lies at the centre.
    let mut last = [centre; LANES];
    last[..rest.len()].copy_from_slice(rest);
    let centre = s.splat(centre);
    let off = s.sub(s.load(&last), centre);
    let mut sums = [s.mul(off, off), s.splat(0.0)];
    let (pairs, single) = lines.as_chunks::<2>();
    for pair in pairs {
        for i in 0..2 {
            let off = s.sub(s.load(&pair[i]), centre);
            sums[i] = s.mul_add(off, off, sums[i]);
        }
    }
    for line in single {
        let off = s.sub(s.load(line), centre);
        sums[1] = s.mul_add(off, off, sums[1]);
    }
    s.sum(s.add(sums[0], sums[1]))
}
