//! AVX-512 with the byte dot products of VNNI: a vector is one register.

use super::{LANES, Op, Simd};
use crate::blocks::{GROUPS, InputBlock, Q4Block, Q8Block};
use std::arch::x86_64::*;

/// Proof that the processor has these instructions.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// # Safety
    /// The processor has AVX-512 F, BW, VL and VNNI, AVX2 and FMA.
    pub(crate) unsafe fn new() -> Self {
        Self(())
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
fn compiled<O: Op>(simd: Avx512, op: O) -> O::Output {
    op.run(simd)
}

/// Calls intrinsics.
macro_rules! avx512 {
    ($($body:tt)*) => {
        // SAFETY: the receiver proves that the processor has the instructions; what is read or written
        // through a pointer is an array of exactly the register's size, behind a reference.
        unsafe { $($body)* }
    };
}

/// Adds to `dots` the products of eight lines of unsigned weights with eight groups of inputs.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
fn products(mut dots: __m512i, values: &[__m512i; 8], x: &InputBlock) -> __m512i {
    for i in 0..8 {
        dots = _mm512_dpbusd_epi32(dots, values[i], _mm512_set1_epi32(x.groups[i]));
    }
    dots
}

/// Adds sixteen sums of integer products, times both scales.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
fn accumulate(sums: &mut __m512, dots: __m512i, scales: __m512, scale: f32) {
    let dots = _mm512_mul_ps(_mm512_cvtepi32_ps(dots), scales);
    *sums = _mm512_fmadd_ps(dots, _mm512_set1_ps(scale), *sums);
}

impl Simd for Avx512 {
    type F = __m512;

    const WIDE: bool = true;

    #[inline(always)]
    fn vectorize<O: Op>(self, op: O) -> O::Output {
        avx512! { compiled(self, op) }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F {
        avx512! { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Self::F {
        avx512! { _mm512_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, value: Self::F, to: &mut [f32; LANES]) {
        avx512! { _mm512_storeu_ps(to.as_mut_ptr(), value) }
    }

    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        avx512! { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        avx512! { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        avx512! { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        avx512! { _mm512_div_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        avx512! { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        avx512! { _mm512_min_ps(a, b) }
    }

    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        avx512! { _mm512_max_ps(a, b) }
    }

    #[inline(always)]
    fn round(self, a: Self::F) -> Self::F {
        avx512! { _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a) }
    }

    #[inline(always)]
    fn scale(self, a: Self::F, n: Self::F) -> Self::F {
        avx512! { _mm512_scalef_ps(a, n) }
    }

    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        avx512! { _mm512_reduce_add_ps(a) }
    }

    #[inline(always)]
    fn largest(self, a: Self::F) -> f32 {
        avx512! { _mm512_reduce_max_ps(a) }
    }

    #[inline(always)]
    fn magnitude(self, low: Self::F, high: Self::F) -> f32 {
        // Without their sign, numbers sort as their bits do, and those that are not finite come last.
        avx512! {
            let low = _mm512_castps_si512(_mm512_abs_ps(low));
            let high = _mm512_castps_si512(_mm512_abs_ps(high));
            let sixteen = _mm512_max_epi32(low, high);
            let eight = _mm256_max_epi32(
                _mm512_castsi512_si256(sixteen),
                _mm512_extracti64x4_epi64::<1>(sixteen),
            );
            let four = _mm_max_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256::<1>(eight));
            let two = _mm_max_epi32(four, _mm_unpackhi_epi64(four, four));
            let one = _mm_max_epi32(two, _mm_shuffle_epi32::<1>(two));
            f32::from_bits(_mm_cvtsi128_si32(one) as u32)
        }
    }

    #[inline(always)]
    fn quantize(self, low: Self::F, high: Self::F, inverse: f32) -> ([i32; GROUPS], i32) {
        let mut groups = [0; GROUPS];
        let (first, second) = groups.split_at_mut(GROUPS / 2);
        avx512! {
            let inverse = _mm512_set1_ps(inverse);
            let low = _mm512_cvtps_epi32(_mm512_mul_ps(low, inverse));
            let high = _mm512_cvtps_epi32(_mm512_mul_ps(high, inverse));
            _mm_storeu_si128(first.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(low));
            _mm_storeu_si128(second.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(high));
            (groups, _mm512_reduce_add_epi32(_mm512_add_epi32(low, high)))
        }
    }

    #[inline(always)]
    fn dot_q4<const M: usize>(self, w: &Q4Block, x: [&InputBlock; M], sums: &mut [Self::F; M]) {
        avx512! {
            let mask = _mm512_set1_epi8(15);
            let mut values = [_mm512_setzero_si512(); 8];
            for l in 0..4 {
                let packed = _mm512_loadu_si512(w.nibbles[l].as_ptr().cast());
                values[l] = _mm512_and_si512(packed, mask);
                values[l + 4] = _mm512_and_si512(_mm512_srli_epi16::<4>(packed), mask);
            }
            let scales = self.load(&w.scales);
            for m in 0..M {
                let dots = products(_mm512_set1_epi32(x[m].offset), &values, x[m]);
                accumulate(&mut sums[m], dots, scales, x[m].scale);
            }
        }
    }

    #[inline(always)]
    fn dot_q8<const M: usize>(self, w: &Q8Block, x: [&InputBlock; M], sums: &mut [Self::F; M]) {
        avx512! {
            // The first operand of the dot product is unsigned: weights go in with 128 added, and 128
            // times the sum of the inputs comes off at the start.
            let bias = _mm512_set1_epi8(-128);
            let mut values = [_mm512_setzero_si512(); 8];
            for l in 0..8 {
                values[l] = _mm512_xor_si512(_mm512_loadu_si512(w.values[l].as_ptr().cast()), bias);
            }
            let scales = self.load(&w.scales);
            for m in 0..M {
                let start = _mm512_slli_epi32::<4>(_mm512_set1_epi32(x[m].offset));
                accumulate(&mut sums[m], products(start, &values, x[m]), scales, x[m].scale);
            }
        }
    }
}
