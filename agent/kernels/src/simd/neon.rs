//! NEON, which every 64-bit ARM processor has: a vector is four registers. With `DOT`, byte dot products in one
//! instruction (from ARMv8.2 on; a Raspberry Pi 5 has them, a Pi 4 does not).

use super::{LANES, Op, Simd};
use crate::blocks::{GROUPS, InputBlock, Q4Block, Q8Block};
use std::arch::aarch64::*;

/// With `DOT`, proof that the processor has dot products.
#[derive(Clone, Copy)]
pub(crate) struct Neon<const DOT: bool>(());

/// Registers of one vector, and groups of four rows in a line of a block.
const PARTS: usize = 4;

type Quad = [float32x4_t; PARTS];

/// Loads or stores through a pointer.
macro_rules! neon {
    ($($body:tt)*) => {
        // SAFETY: NEON belongs to every target that this file is compiled for; what is read or written
        // through a pointer lies within an array behind a reference.
        unsafe { $($body)* }
    };
}

/// `f` of each register.
macro_rules! each {
    ($f:ident, $($a:expr),+) => {
        [$f($($a[0]),+), $f($($a[1]),+), $f($($a[2]),+), $f($($a[3]),+)]
    };
}

impl<const DOT: bool> Neon<DOT> {
    /// # Safety
    /// With `DOT`, the processor has the dot product instructions.
    pub(crate) unsafe fn new() -> Self {
        Self(())
    }

    /// Adds to each lane the product of its four bytes of `w` with the four bytes `LANE` of `x`. Only with
    /// `DOT`; the intrinsic for it is not stable.
    #[inline(always)]
    fn sdot<const LANE: i32>(self, mut sum: int32x4_t, w: int8x16_t, x: int8x16_t) -> int32x4_t {
        // SAFETY: the receiver proves that the processor has the instruction, which touches no memory.
        unsafe {
            std::arch::asm!(
                ".arch_extension dotprod",
                "sdot {sum:v}.4s, {w:v}.16b, {x:v}.4b[{lane}]",
                sum = inout(vreg) sum,
                w = in(vreg) w,
                x = in(vreg) x,
                lane = const LANE,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        sum
    }

    /// Four rows of line `L` of four-bit weights, with dot products.
    #[inline(always)]
    fn q4_line<const L: i32, const M: usize>(
        self,
        line: &[u8; 64],
        part: usize,
        x: &[[int8x16_t; 2]; M],
        dots: &mut [int32x4_t; M],
    ) {
        let (low, high) = nibbles(line, part);
        for m in 0..M {
            dots[m] = self.sdot::<L>(dots[m], low, x[m][0]);
            dots[m] = self.sdot::<L>(dots[m], high, x[m][1]);
        }
    }

    /// Four rows of lines `L` and `L + 4` of eight-bit weights, with dot products.
    #[inline(always)]
    fn q8_lines<const L: i32, const M: usize>(
        self,
        w: &Q8Block,
        part: usize,
        x: &[[int8x16_t; 2]; M],
        dots: &mut [int32x4_t; M],
    ) {
        let first = bytes(&w.values[L as usize], part);
        let second = bytes(&w.values[L as usize + 4], part);
        for m in 0..M {
            dots[m] = self.sdot::<L>(dots[m], first, x[m][0]);
            dots[m] = self.sdot::<L>(dots[m], second, x[m][1]);
        }
    }
}

/// Sixteen bytes of a line: four rows by four columns.
#[inline(always)]
fn bytes(line: &[i8; 64], part: usize) -> int8x16_t {
    let (parts, _) = line.as_chunks::<16>();
    neon! { vld1q_s8(parts[part].as_ptr()) }
}

/// Sixteen bytes of a line as low and high nibbles.
#[inline(always)]
fn nibbles(line: &[u8; 64], part: usize) -> (int8x16_t, int8x16_t) {
    let (parts, _) = line.as_chunks::<16>();
    neon! {
        let packed = vld1q_u8(parts[part].as_ptr());
        let low = vandq_u8(packed, vdupq_n_u8(15));
        (vreinterpretq_s8_u8(low), vreinterpretq_s8_u8(vshrq_n_u8::<4>(packed)))
    }
}

/// The values of each input: two registers of four groups.
#[inline(always)]
fn inputs<const M: usize>(x: &[&InputBlock; M]) -> [[int8x16_t; 2]; M] {
    neon! {
        let mut out = [[vdupq_n_s8(0); 2]; M];
        for m in 0..M {
            let (halves, _) = x[m].groups.as_chunks::<4>();
            out[m] = [
                vreinterpretq_s8_s32(vld1q_s32(halves[0].as_ptr())),
                vreinterpretq_s8_s32(vld1q_s32(halves[1].as_ptr())),
            ];
        }
        out
    }
}

/// Adds the products of sixteen weights with a group of inputs: pairs of rows, each four columns.
#[inline(always)]
fn multiply(sums: [int16x8_t; 2], w: int8x16_t, group: i32) -> [int16x8_t; 2] {
    neon! {
        let x = vreinterpretq_s8_s32(vdupq_n_s32(group));
        [vmlal_s8(sums[0], vget_low_s8(w), vget_low_s8(x)), vmlal_high_s8(sums[1], w, x)]
    }
}

/// Adds four sums of integer products, times both scales.
#[inline(always)]
fn accumulate(sums: &mut float32x4_t, dots: int32x4_t, scales: float32x4_t, scale: f32) {
    neon! {
        let dots = vmulq_f32(vcvtq_f32_s32(dots), scales);
        *sums = vfmaq_n_f32(*sums, dots, scale);
    }
}

/// Four numbers times `2^n`. In two steps: 2^n itself need not be a normal number.
#[inline(always)]
fn scale(a: float32x4_t, n: float32x4_t) -> float32x4_t {
    neon! {
        let n = vcvtnq_s32_f32(n);
        let half = vshrq_n_s32::<1>(n);
        vmulq_f32(vmulq_f32(a, power(half)), power(vsubq_s32(n, half)))
    }
}

/// `2^n` for n in -126..=127.
#[inline(always)]
fn power(n: int32x4_t) -> float32x4_t {
    neon! { vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(n, vdupq_n_s32(127)))) }
}

/// Sixteen numbers, times `inverse` and rounded to whole ones.
#[inline(always)]
fn whole(a: Quad, inverse: f32) -> int8x16_t {
    neon! {
        let words = [
            vcvtnq_s32_f32(vmulq_n_f32(a[0], inverse)),
            vcvtnq_s32_f32(vmulq_n_f32(a[1], inverse)),
            vcvtnq_s32_f32(vmulq_n_f32(a[2], inverse)),
            vcvtnq_s32_f32(vmulq_n_f32(a[3], inverse)),
        ];
        let low = vqmovn_high_s32(vqmovn_s32(words[0]), words[1]);
        let high = vqmovn_high_s32(vqmovn_s32(words[2]), words[3]);
        vqmovn_high_s16(vqmovn_s16(low), high)
    }
}

impl<const DOT: bool> Simd for Neon<DOT> {
    type F = Quad;

    const WIDE: bool = false;

    #[inline(always)]
    fn vectorize<O: Op>(self, op: O) -> O::Output {
        op.run(self)
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F {
        neon! { [vdupq_n_f32(value); PARTS] }
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Self::F {
        let (parts, _) = from.as_chunks::<PARTS>();
        neon! {
            [
                vld1q_f32(parts[0].as_ptr()),
                vld1q_f32(parts[1].as_ptr()),
                vld1q_f32(parts[2].as_ptr()),
                vld1q_f32(parts[3].as_ptr()),
            ]
        }
    }

    #[inline(always)]
    fn store(self, value: Self::F, to: &mut [f32; LANES]) {
        let (parts, _) = to.as_chunks_mut::<PARTS>();
        for part in 0..PARTS {
            neon! { vst1q_f32(parts[part].as_mut_ptr(), value[part]) }
        }
    }

    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        neon! { each!(vaddq_f32, a, b) }
    }

    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        neon! { each!(vsubq_f32, a, b) }
    }

    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        neon! { each!(vmulq_f32, a, b) }
    }

    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        neon! { each!(vdivq_f32, a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        neon! { each!(vfmaq_f32, c, a, b) }
    }

    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        neon! { each!(vminq_f32, a, b) }
    }

    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        neon! { each!(vmaxq_f32, a, b) }
    }

    #[inline(always)]
    fn round(self, a: Self::F) -> Self::F {
        neon! { each!(vrndnq_f32, a) }
    }

    #[inline(always)]
    fn scale(self, a: Self::F, n: Self::F) -> Self::F {
        each!(scale, a, n)
    }

    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        neon! { vaddvq_f32(vaddq_f32(vaddq_f32(a[0], a[2]), vaddq_f32(a[1], a[3]))) }
    }

    #[inline(always)]
    fn largest(self, a: Self::F) -> f32 {
        neon! { vmaxvq_f32(vmaxq_f32(vmaxq_f32(a[0], a[2]), vmaxq_f32(a[1], a[3]))) }
    }

    #[inline(always)]
    fn magnitude(self, low: Self::F, high: Self::F) -> f32 {
        // The maximum of a NaN is NaN.
        neon! {
            let [a, b, c, d] = each!(vmaxq_f32, each!(vabsq_f32, low), each!(vabsq_f32, high));
            vmaxvq_f32(vmaxq_f32(vmaxq_f32(a, b), vmaxq_f32(c, d)))
        }
    }

    #[inline(always)]
    fn quantize(self, low: Self::F, high: Self::F, inverse: f32) -> ([i32; GROUPS], i32) {
        let mut groups = [0; GROUPS];
        let (halves, _) = groups.as_chunks_mut::<{ GROUPS / 2 }>();
        neon! {
            let (low, high) = (whole(low, inverse), whole(high, inverse));
            vst1q_s32(halves[0].as_mut_ptr(), vreinterpretq_s32_s8(low));
            vst1q_s32(halves[1].as_mut_ptr(), vreinterpretq_s32_s8(high));
            (groups, i32::from(vaddlvq_s8(low)) + i32::from(vaddlvq_s8(high)))
        }
    }

    #[inline(always)]
    fn dot_q4<const M: usize>(self, w: &Q4Block, x: [&InputBlock; M], sums: &mut [Self::F; M]) {
        let scales = self.load(&w.scales);
        if DOT {
            let values = inputs(&x);
            for part in 0..PARTS {
                let mut dots = neon! { [vdupq_n_s32(0); M] };
                for m in 0..M {
                    dots[m] = neon! { vdupq_n_s32(x[m].offset) };
                }
                self.q4_line::<0, M>(&w.nibbles[0], part, &values, &mut dots);
                self.q4_line::<1, M>(&w.nibbles[1], part, &values, &mut dots);
                self.q4_line::<2, M>(&w.nibbles[2], part, &values, &mut dots);
                self.q4_line::<3, M>(&w.nibbles[3], part, &values, &mut dots);
                for m in 0..M {
                    accumulate(&mut sums[m][part], dots[m], scales[part], x[m].scale);
                }
            }
        } else {
            for part in 0..PARTS {
                // Sums of 16 bits, in the end of sixteen products: 16 * 15 * 127 is 30480.
                let mut products = neon! { [[vdupq_n_s16(0); 2]; M] };
                for l in 0..4 {
                    let (low, high) = nibbles(&w.nibbles[l], part);
                    for m in 0..M {
                        products[m] = multiply(products[m], low, x[m].groups[l]);
                        products[m] = multiply(products[m], high, x[m].groups[l + 4]);
                    }
                }
                for m in 0..M {
                    let dots = neon! {
                        let pairs = vpaddq_s16(products[m][0], products[m][1]);
                        vpadalq_s16(vdupq_n_s32(x[m].offset), pairs)
                    };
                    accumulate(&mut sums[m][part], dots, scales[part], x[m].scale);
                }
            }
        }
    }

    #[inline(always)]
    fn dot_q8<const M: usize>(self, w: &Q8Block, x: [&InputBlock; M], sums: &mut [Self::F; M]) {
        let scales = self.load(&w.scales);
        if DOT {
            let values = inputs(&x);
            for part in 0..PARTS {
                let mut dots = neon! { [vdupq_n_s32(0); M] };
                self.q8_lines::<0, M>(w, part, &values, &mut dots);
                self.q8_lines::<1, M>(w, part, &values, &mut dots);
                self.q8_lines::<2, M>(w, part, &values, &mut dots);
                self.q8_lines::<3, M>(w, part, &values, &mut dots);
                for m in 0..M {
                    accumulate(&mut sums[m][part], dots[m], scales[part], x[m].scale);
                }
            }
        } else {
            for part in 0..PARTS {
                let mut fours = neon! { [[vdupq_n_s32(0); 2]; M] };
                for l in 0..4 {
                    let (first, second) = (bytes(&w.values[2 * l], part), bytes(&w.values[2 * l + 1], part));
                    for m in 0..M {
                        // Two products of 127 * 127 fit 16 bits, four do not.
                        let products = neon! { [vdupq_n_s16(0); 2] };
                        let products = multiply(products, first, x[m].groups[2 * l]);
                        let products = multiply(products, second, x[m].groups[2 * l + 1]);
                        for half in 0..2 {
                            fours[m][half] = neon! { vpadalq_s16(fours[m][half], products[half]) };
                        }
                    }
                }
                for m in 0..M {
                    let dots = neon! { vpaddq_s32(fours[m][0], fours[m][1]) };
                    accumulate(&mut sums[m][part], dots, scales[part], x[m].scale);
                }
            }
        }
    }
}
