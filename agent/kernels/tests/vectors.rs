//! Norms, softmax, activations and rotations on every instruction set, against double precision.

mod common;

use common::{assert_close, noise};
use lineside_kernels::{
    Axes, Isa, Rotation, gelu, gelu_tanh, layer_norm, rms_norm, rope, silu, silu_mul, softmax_in_place,
};
use proptest::prelude::*;

/// Numbers over the whole range in which activations bend, and far beyond.
fn range() -> Vec<f32> {
    let mut all: Vec<f32> = (-4000..=4000).map(|i| i as f32 * 0.005).collect();
    all.extend([-1e30, -200.0, -104.5, -88.0, -1e-30, -0.0, 1e-30, 88.0, 104.5, 200.0, 1e30]);
    all
}

fn to_f64(x: &[f32]) -> impl Iterator<Item = f64> + '_ {
    x.iter().map(|x| f64::from(*x))
}

/// erf by its series, which converges everywhere, summed in double precision; 1 where it would cancel.
fn erf(x: f64) -> f64 {
    if x.abs() > 5.0 {
        return x.signum();
    }
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * std::f64::consts::FRAC_2_SQRT_PI
}

fn map(f: impl Fn(Isa, &mut [f32]), exact: impl Fn(f64) -> f64) {
    let range = range();
    // An absolute error of 1e-6 up to 1, a relative one beyond.
    let expected: Vec<_> = to_f64(&range).map(|x| (exact(x), exact(x).abs().max(1.0))).collect();
    for isa in Isa::available() {
        let mut y = range.clone();
        f(isa, &mut y);
        assert_close(&isa.to_string(), &y, &expected, 1e-6);
        let mut special = [f32::NAN, f32::INFINITY];
        f(isa, &mut special);
        assert!(special[0].is_nan() && special[1] == f32::INFINITY, "{isa}: {special:?}");
    }
}

#[test]
fn silu_is_within_a_millionth() {
    map(silu, |x| x / (1.0 + (-x).exp()));
}

#[test]
fn gelu_is_within_a_millionth() {
    map(gelu, |x| 0.5 * x * (1.0 + erf(x / 2.0_f64.sqrt())));
}

#[test]
fn gelu_with_tanh_is_within_a_millionth() {
    let inner = |x: f64| (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x * x * x);
    map(gelu_tanh, |x| 0.5 * x * (1.0 + inner(x).tanh()));
}

#[test]
fn softmax_is_as_exact_as_its_exponential() {
    // Two numbers: the second weight over the first is e^x, in the whole range of f32.
    for isa in Isa::available() {
        for i in -20_900..=0_i16 {
            let x = f32::from(i) * 0.005;
            let mut pair = [0.0, x];
            softmax_in_place(isa, &mut pair);
            let exact = f64::from(x).exp();
            let (found, expected) = (f64::from(pair[1]), exact / (1.0 + exact));
            let off = (found - expected).abs();
            assert!(off <= 4e-7 * expected + 1.5e-45, "{isa}: e^{x} gives {found}, not {expected}");
        }
    }
}

#[test]
fn softmax_of_what_has_no_numbers_is_stated() {
    for isa in Isa::available() {
        let mut hidden = [f32::NEG_INFINITY; 19];
        softmax_in_place(isa, &mut hidden);
        assert_eq!(hidden, [0.0; 19], "{isa}");
        for bad in [f32::NAN, f32::INFINITY] {
            for at in [0, 3, 17, 18] {
                let mut x = [1.0; 19];
                x[at] = bad;
                softmax_in_place(isa, &mut x);
                assert!(x.iter().any(|x| x.is_nan()), "{isa}: {bad} at {at} gives {x:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn softmax_matches_double_precision(len in 1..200_usize, spread in 0.1..60.0_f32, seed: u64) {
        let x: Vec<f32> = noise(seed, len).iter().map(|x| x * spread).collect();
        let largest = to_f64(&x).fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = to_f64(&x).map(|x| (x - largest).exp()).sum();
        let expected: Vec<_> = to_f64(&x).map(|x| (x - largest).exp() / total).map(|y| (y, y)).collect();
        for isa in Isa::available() {
            let mut y = x.clone();
            softmax_in_place(isa, &mut y);
            // The difference from the largest number is itself rounded.
            assert_close(&isa.to_string(), &y, &expected, 1e-6 + 1.2e-7 * f64::from(spread));
        }
    }

    #[test]
    fn norms_match_double_precision(rows in 1..4_usize, width in 1..100_usize, shift in -3.0..3.0_f32, seed: u64) {
        let x: Vec<f32> = noise(seed, rows * width).iter().map(|x| x + shift).collect();
        let (weight, bias) = (noise(seed ^ 1, width), noise(seed ^ 2, width));
        let eps = 1e-3;
        let mut rms = Vec::new();
        let mut layer = Vec::new();
        for row in x.chunks(width) {
            let mean = to_f64(row).sum::<f64>() / width as f64;
            let square = to_f64(row).map(|x| x * x).sum::<f64>() / width as f64;
            let variance = to_f64(row).map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
            for ((x, w), b) in to_f64(row).zip(to_f64(&weight)).zip(to_f64(&bias)) {
                let y = x / (square + f64::from(eps)).sqrt() * w;
                rms.push((y, y.abs()));
                let y = (x - mean) / (variance + f64::from(eps)).sqrt() * w + b;
                layer.push((y, 1.0 + f64::from(shift).abs() / variance.max(1e-3).sqrt()));
            }
        }
        for isa in Isa::available() {
            let mut y = vec![0.0; x.len()];
            rms_norm(isa, &x, &weight, eps, &mut y);
            assert_close(&isa.to_string(), &y, &rms, 2e-6);
            layer_norm(isa, &x, &weight, &bias, eps, &mut y);
            assert_close(&isa.to_string(), &y, &layer, 4e-6);
        }
    }

    #[test]
    fn a_gate_multiplies_what_goes_up(len in 0..70_usize, seed: u64) {
        let gate: Vec<f32> = noise(seed, len).iter().map(|x| x * 8.0).collect();
        let up = noise(seed ^ 1, len);
        let exact = |(g, u): (f64, f64)| g / (1.0 + (-g).exp()) * u;
        let expected: Vec<_> = to_f64(&gate).zip(to_f64(&up)).map(exact).map(|y| (y, y.abs().max(0.01))).collect();
        for isa in Isa::available() {
            let mut y = gate.clone();
            silu_mul(isa, &mut y, &up);
            assert_close(&isa.to_string(), &y, &expected, 2e-6);
        }
    }

    #[test]
    fn a_rotation_turns_each_pair_by_its_angle(
        heads in 1..4_usize, steps in 1..5_usize, n in 1..40_usize, rest in 0..5_usize,
        steps_first: bool, pairs: bool, seed: u64,
    ) {
        let dim = 2 * n + rest;
        let x = noise(seed, heads * steps * dim);
        let angles: Vec<f32> = noise(seed ^ 1, steps * n).iter().map(|x| x * 3.0).collect();
        let (cos, sin): (Vec<f32>, Vec<f32>) = angles.iter().map(|a| (a.cos(), a.sin())).unzip();
        let axes = if steps_first { Axes::StepsFirst } else { Axes::HeadsFirst };
        let rotation = if pairs { Rotation::Pairs } else { Rotation::Halves };
        let mut expected: Vec<_> = to_f64(&x).map(|x| (x, 1.0)).collect();
        for head in 0..heads {
            for step in 0..steps {
                let row = if steps_first { step * heads + head } else { head * steps + step } * dim;
                for i in 0..n {
                    let (a, b) = if pairs { (row + 2 * i, row + 2 * i + 1) } else { (row + i, row + n + i) };
                    let (cos, sin) = (f64::from(cos[step * n + i]), f64::from(sin[step * n + i]));
                    let (first, second) = (f64::from(x[a]), f64::from(x[b]));
                    expected[a].0 = first * cos - second * sin;
                    expected[b].0 = second * cos + first * sin;
                }
            }
        }
        for isa in Isa::available() {
            let mut y = x.clone();
            rope(isa, &mut y, (heads, steps, dim), axes, (&cos, &sin), rotation);
            assert_close(&isa.to_string(), &y, &expected, 3e-7);
        }
    }
}
