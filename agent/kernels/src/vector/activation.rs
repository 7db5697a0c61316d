//! What stands between the two products of a feed-forward layer.

use super::exp::exp;
use super::lines::{Binary, Unary, map, zip};
use crate::Isa;
use crate::simd::{Op, Simd};

/// Replaces each number x by x / (1 + e^-x). NaN from NaN and from negative infinity.
pub fn silu(isa: Isa, x: &mut [f32]) {
    isa.run(Map(x, Silu));
}

/// Replaces `gate` by silu(gate) * up.
///
/// # Panics
/// If the two have different lengths.
pub fn silu_mul(isa: Isa, gate: &mut [f32], up: &[f32]) {
    assert_eq!(gate.len(), up.len(), "a gate for each number");
    isa.run(Gate(gate, up));
}

/// Replaces each number x by x (1 + erf(x / sqrt 2)) / 2. NaN from NaN.
pub fn gelu(isa: Isa, x: &mut [f32]) {
    isa.run(Map(x, Gelu));
}

/// The same with tanh(sqrt(2 / pi) (x + 0.044715 x³)) in place of erf: GPT-2's form. NaN from
/// NaN and from negative infinity.
pub fn gelu_tanh(isa: Isa, x: &mut [f32]) {
    isa.run(Map(x, GeluTanh));
}

struct Map<'a, F>(&'a mut [f32], F);

impl<F: Unary> Op for Map<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        map(s, self.0, self.1);
    }
}

struct Gate<'a>(&'a mut [f32], &'a [f32]);

impl Op for Gate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        zip(s, self.0, self.1, SiluMul);
    }
}

/// x / (1 + e^-y).
#[inline(always)]
fn sigmoid_mul<S: Simd>(s: S, x: S::F, y: S::F) -> S::F {
    s.div(x, s.add(s.splat(1.0), exp(s, s.sub(s.splat(0.0), y))))
}

struct Silu;

impl Unary for Silu {
    #[inline(always)]
    fn apply<S: Simd>(&self, s: S, x: S::F) -> S::F {
        sigmoid_mul(s, x, x)
    }
}

struct SiluMul;

impl Binary for SiluMul {
    #[inline(always)]
    fn apply<S: Simd>(&self, s: S, gate: S::F, up: S::F) -> S::F {
        s.mul(sigmoid_mul(s, gate, gate), up)
    }
}

struct GeluTanh;

impl Unary for GeluTanh {
    #[inline(always)]
    fn apply<S: Simd>(&self, s: S, x: S::F) -> S::F {
        // (1 + tanh(u)) / 2 is 1 / (1 + e^-2u).
        const TWICE_SQRT_2_OVER_PI: f32 = std::f32::consts::FRAC_2_SQRT_PI * std::f32::consts::SQRT_2;
        let cubed = s.mul(s.mul(x, x), x);
        let u = s.mul_add(cubed, s.splat(0.044_715), x);
        sigmoid_mul(s, x, s.mul(u, s.splat(TWICE_SQRT_2_OVER_PI)))
    }
}

struct Gelu;

impl Unary for Gelu {
    #[inline(always)]
    fn apply<S: Simd>(&self, s: S, x: S::F) -> S::F {
        // x (1 + erf(z)) / 2 is the positive part of x, less |x| erfc(|z|) / 2. Beyond 20 that is nothing.
        let size = s.min(s.splat(20.0), s.max(x, s.sub(s.splat(0.0), x)));
        let rest = erfc(s, s.mul(size, s.splat(std::f32::consts::FRAC_1_SQRT_2)));
        s.sub(s.max(s.splat(0.0), x), s.mul(s.mul(size, s.splat(0.5)), rest))
    }
}

/// One less the error function of numbers that are not negative, within 3e-7 of itself: the approximation of
/// Numerical Recipes, t e^(p(t) - x²) with t = 1 / (1 + x / 2).
#[inline(always)]
fn erfc<S: Simd>(s: S, x: S::F) -> S::F {
    const POLYNOMIAL: [f32; 10] = [
        0.170_872_77,
        -0.822_152_23,
        1.488_515_9,
        -1.135_204,
        0.278_868_07,
        -0.186_288_06,
        0.096_784_18,
        0.374_091_96,
        1.000_023_7,
        -1.265_512_2,
    ];
    let t = s.div(s.splat(1.0), s.mul_add(x, s.splat(0.5), s.splat(1.0)));
    let mut sum = s.splat(POLYNOMIAL[0]);
    for coefficient in &POLYNOMIAL[1..] {
        sum = s.mul_add(sum, t, s.splat(*coefficient));
    }
    s.mul(t, exp(s, s.sub(sum, s.mul(x, x))))
}
