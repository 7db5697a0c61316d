//! Plain Rust, for processors without any of the other sets; the compiler vectorises it where it can.

use super::{LANES, Op, Simd};
use crate::blocks::{GROUP, GROUPS, InputBlock, Q4Block, Q8Block};

#[derive(Clone, Copy)]
pub(crate) struct Portable;

#[inline(always)]
fn each(a: [f32; LANES], b: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    let mut out = a;
    for (out, b) in out.iter_mut().zip(b) {
        *out = f(*out, b);
    }
    out
}

/// `2^n` for whole `n` in -126..=127.
#[inline(always)]
fn power(n: i32) -> f32 {
    f32::from_bits(((n + 127) as u32) << 23)
}

#[inline(always)]
fn accumulate(sums: &mut [f32; LANES], scales: &[f32; LANES], scale: f32, dots: [i32; LANES]) {
    for ((sum, row), dot) in sums.iter_mut().zip(scales).zip(dots) {
        *sum += dot as f32 * row * scale;
    }
}

impl Simd for Portable {
    type F = [f32; LANES];

    const WIDE: bool = false;

    fn vectorize<O: Op>(self, op: O) -> O::Output {
        op.run(self)
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F {
        [value; LANES]
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Self::F {
        *from
    }

    #[inline(always)]
    fn store(self, value: Self::F, to: &mut [f32; LANES]) {
        *to = value;
    }

    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        each(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        each(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        each(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        each(a, b, |a, b| a / b)
    }

    // Not `f32::mul_add`: without the instruction that is a call for each lane.
    #[inline(always)]
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        self.add(self.mul(a, b), c)
    }

    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        each(a, b, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        each(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn round(self, a: Self::F) -> Self::F {
        a.map(f32::round_ties_even)
    }

    #[inline(always)]
    fn scale(self, a: Self::F, n: Self::F) -> Self::F {
        // In two steps: 2^n itself need not be a normal number.
        each(a, n, |a, n| {
            let n = n as i32;
            a * power(n / 2) * power(n - n / 2)
        })
    }

    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        let mut parts = [0.0; 4];
        for four in a.chunks_exact(4) {
            for (part, value) in parts.iter_mut().zip(four) {
                *part += value;
            }
        }
        (parts[0] + parts[2]) + (parts[1] + parts[3])
    }

    #[inline(always)]
    fn largest(self, a: Self::F) -> f32 {
        a.into_iter().fold(f32::NEG_INFINITY, f32::max)
    }

    #[inline(always)]
    fn magnitude(self, low: Self::F, high: Self::F) -> f32 {
        // Without their sign, numbers sort as their bits do, and those that are not finite come last.
        let bits = low.iter().chain(&high).map(|x| x.to_bits() & 0x7fff_ffff);
        f32::from_bits(bits.fold(0, u32::max))
    }

    #[inline(always)]
    fn quantize(self, low: Self::F, high: Self::F, inverse: f32) -> ([i32; GROUPS], i32) {
        let (mut groups, mut sum) = ([0; GROUPS], 0);
        for (half, values) in groups.chunks_exact_mut(LANES / GROUP).zip([low, high]) {
            for (group, values) in half.iter_mut().zip(values.as_chunks::<GROUP>().0) {
                let values = values.map(|value| (value * inverse).round_ties_even() as i8);
                *group = i32::from_ne_bytes(values.map(|value| value as u8));
                sum += values.into_iter().map(i32::from).sum::<i32>();
            }
        }
        (groups, sum)
    }

    #[inline(always)]
    fn dot_q4<const M: usize>(self, w: &Q4Block, x: [&InputBlock; M], sums: &mut [Self::F; M]) {
        for (x, sums) in x.into_iter().zip(sums) {
            let mut dots = [x.offset; LANES];
            for (l, line) in w.nibbles.iter().enumerate() {
                let low = x.groups[l].to_ne_bytes().map(|b| i16::from(b as i8));
                let high = x.groups[l + 4].to_ne_bytes().map(|b| i16::from(b as i8));
                for (dot, bytes) in dots.iter_mut().zip(line.chunks_exact(GROUP)) {
                    for ((byte, low), high) in bytes.iter().zip(low).zip(high) {
                        *dot += i32::from(i16::from(byte & 15) * low + i16::from(byte >> 4) * high);
                    }
                }
            }
            accumulate(sums, &w.scales, x.scale, dots);
        }
    }

    #[inline(always)]
    fn dot_q8<const M: usize>(self, w: &Q8Block, x: [&InputBlock; M], sums: &mut [Self::F; M]) {
        for (x, sums) in x.into_iter().zip(sums) {
            let mut dots = [0; LANES];
            for (line, group) in w.values.iter().zip(x.groups) {
                let inputs = group.to_ne_bytes().map(|b| i16::from(b as i8));
                for (dot, values) in dots.iter_mut().zip(line.chunks_exact(GROUP)) {
                    for (value, input) in values.iter().zip(inputs) {
                        *dot += i32::from(i16::from(*value) * input);
                    }
                }
            }
            accumulate(sums, &w.scales, x.scale, dots);
        }
    }
}
