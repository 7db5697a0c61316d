//! AVX2 with FMA: a vector is two registers. With `VNNI`, byte dot products in one instruction.

use super::{LANES, Op, Simd};
use crate::blocks::{BLOCK, GROUPS, InputBlock, Q4Block, Q8Block};
use std::arch::x86_64::*;

/// Proof that the processor has these instructions.
#[derive(Clone, Copy)]
pub(crate) struct Avx2<const VNNI: bool>(());

impl<const VNNI: bool> Avx2<VNNI> {
    /// # Safety
    /// The processor has AVX2 and FMA, and with `VNNI` also AVX-VNNI.
    pub(crate) unsafe fn new() -> Self {
        Self(())
    }
}

#[target_feature(enable = "avx2,fma")]
fn compiled<O: Op>(simd: Avx2<false>, op: O) -> O::Output {
    op.run(simd)
}

#[target_feature(enable = "avx2,fma,avxvnni")]
fn compiled_with_vnni<O: Op>(simd: Avx2<true>, op: O) -> O::Output {
    op.run(simd)
}

/// Calls intrinsics.
macro_rules! avx2 {
    ($($body:tt)*) => {
        // SAFETY: the receiver proves that the processor has the instructions; what is read or written
        // through a pointer is an array of exactly the registers' size, behind a reference.
        unsafe { $($body)* }
    };
}

type Pair = [__m256; 2];

impl<const VNNI: bool> Simd for Avx2<VNNI> {
    type F = Pair;

    const WIDE: bool = false;

    #[inline(always)]
    fn vectorize<O: Op>(self, op: O) -> O::Output {
        avx2! {
            if VNNI { compiled_with_vnni(Avx2(()), op) } else { compiled(Avx2(()), op) }
        }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F {
        avx2! { [_mm256_set1_ps(value); 2] }
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Self::F {
        avx2! { [_mm256_loadu_ps(from.as_ptr()), _mm256_loadu_ps(from.as_ptr().add(8))] }
    }

    #[inline(always)]
    fn store(self, value: Self::F, to: &mut [f32; LANES]) {
        avx2! {
            _mm256_storeu_ps(to.as_mut_ptr(), value[0]);
            _mm256_storeu_ps(to.as_mut_ptr().add(8), value[1]);
        }
    }

    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        avx2! { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] }
    }

    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        avx2! { [_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])] }
    }

    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        avx2! { [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])] }
    }

    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        avx2! { [_mm256_div_ps(a[0], b[0]), _mm256_div_ps(a[1], b[1])] }
    }

    #[inline(always)]
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        avx2! { [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])] }
    }

    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        avx2! { [_mm256_min_ps(a[0], b[0]), _mm256_min_ps(a[1], b[1])] }
    }

    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        avx2! { [_mm256_max_ps(a[0], b[0]), _mm256_max_ps(a[1], b[1])] }
    }

    #[inline(always)]
    fn round(self, a: Self::F) -> Self::F {
        const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
        avx2! { [_mm256_round_ps::<NEAREST>(a[0]), _mm256_round_ps::<NEAREST>(a[1])] }
    }

    #[inline(always)]
    fn scale(self, a: Self::F, n: Self::F) -> Self::F {
        avx2! { [scale(a[0], n[0]), scale(a[1], n[1])] }
    }

    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        avx2! {
            let eight = _mm256_add_ps(a[0], a[1]);
            let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
        }
    }

    #[inline(always)]
    fn largest(self, a: Self::F) -> f32 {
        avx2! {
            let eight = _mm256_max_ps(a[0], a[1]);
            let four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
            let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)))
        }
    }

    #[inline(always)]
    fn magnitude(self, low: Self::F, high: Self::F) -> f32 {
        // Without their sign, numbers sort as their bits do, and those that are not finite come last.
        avx2! {
            let low = _mm256_max_epi32(magnitudes(low[0]), magnitudes(low[1]));
            let high = _mm256_max_epi32(magnitudes(high[0]), magnitudes(high[1]));
            let eight = _mm256_max_epi32(low, high);
            let four = _mm_max_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256::<1>(eight));
            let two = _mm_max_epi32(four, _mm_unpackhi_epi64(four, four));
            let one = _mm_max_epi32(two, _mm_shuffle_epi32::<1>(two));
            f32::from_bits(_mm_cvtsi128_si32(one) as u32)
        }
    }

    #[inline(always)]
    fn quantize(self, low: Self::F, high: Self::F, inverse: f32) -> ([i32; GROUPS], i32) {
        let mut groups = [0; GROUPS];
        avx2! {
            let inverse = _mm256_set1_ps(inverse);
            // Packing works within each half of a register, so the words come out in a mixed order.
            let packed = _mm256_packs_epi16(whole(low, inverse), whole(high, inverse));
            let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
            _mm256_storeu_si256(groups.as_mut_ptr().cast(), _mm256_permutevar8x32_epi32(packed, order));
            // Sums of eight bytes with 128 added, which makes them unsigned.
            let unsigned = _mm256_xor_si256(packed, _mm256_set1_epi8(-128));
            let sums = _mm256_sad_epu8(unsigned, _mm256_setzero_si256());
            let two = _mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
            let one = _mm_add_epi64(two, _mm_unpackhi_epi64(two, two));
            (groups, _mm_cvtsi128_si32(one) - 128 * BLOCK as i32)
        }
    }

    #[inline(always)]
    fn dot_q4<const M: usize>(self, w: &Q4Block, x: [&InputBlock; M], sums: &mut [Self::F; M]) {
        avx2! {
            let mask = _mm256_set1_epi8(15);
            // With VNNI sums of 32 bits. Without, sums of 16 bits, of two columns each: eight times
            // 2 * 15 * 127 is 30480, so a whole block fits.
            let mut dots = [[_mm256_setzero_si256(); 2]; M];
            for l in 0..4 {
                for half in 0..2 {
                    let packed = _mm256_loadu_si256(w.nibbles[l].as_ptr().add(32 * half).cast());
                    let low = _mm256_and_si256(packed, mask);
                    let high = _mm256_and_si256(_mm256_srli_epi16::<4>(packed), mask);
                    for m in 0..M {
                        let first = _mm256_set1_epi32(x[m].groups[l]);
                        let second = _mm256_set1_epi32(x[m].groups[l + 4]);
                        let mut sum = dots[m][half];
                        if VNNI {
                            sum = _mm256_dpbusd_avx_epi32(sum, low, first);
                            sum = _mm256_dpbusd_avx_epi32(sum, high, second);
                        } else {
                            sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(low, first));
                            sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(high, second));
                        }
                        dots[m][half] = sum;
                    }
                }
            }
            let scales = self.load(&w.scales);
            for m in 0..M {
                let offset = _mm256_set1_epi32(x[m].offset);
                for half in 0..2 {
                    let mut sum = dots[m][half];
                    if !VNNI {
                        sum = _mm256_madd_epi16(sum, _mm256_set1_epi16(1));
                    }
                    sum = _mm256_add_epi32(sum, offset);
                    accumulate(&mut sums[m][half], sum, scales[half], x[m].scale);
                }
            }
        }
    }

    #[inline(always)]
    fn dot_q8<const M: usize>(self, w: &Q8Block, x: [&InputBlock; M], sums: &mut [Self::F; M]) {
        avx2! {
            let mut dots = [[_mm256_setzero_si256(); 2]; M];
            for l in 0..8 {
                for half in 0..2 {
                    // The first operand is unsigned: the weights' signs go over to the inputs. Two
                    // columns of 127 * 127 fit 16 bits, four do not.
                    let values = _mm256_loadu_si256(w.values[l].as_ptr().add(32 * half).cast());
                    let sizes = _mm256_abs_epi8(values);
                    for m in 0..M {
                        let inputs = _mm256_sign_epi8(_mm256_set1_epi32(x[m].groups[l]), values);
                        if VNNI {
                            dots[m][half] = _mm256_dpbusd_avx_epi32(dots[m][half], sizes, inputs);
                        } else {
                            let pairs = _mm256_maddubs_epi16(sizes, inputs);
                            let fours = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
                            dots[m][half] = _mm256_add_epi32(dots[m][half], fours);
                        }
                    }
                }
            }
            let scales = self.load(&w.scales);
            for m in 0..M {
                for half in 0..2 {
                    accumulate(&mut sums[m][half], dots[m][half], scales[half], x[m].scale);
                }
            }
        }
    }
}

/// Adds eight sums of integer products, times both scales.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn accumulate(sums: &mut __m256, dots: __m256i, scales: __m256, scale: f32) {
    let dots = _mm256_mul_ps(_mm256_cvtepi32_ps(dots), scales);
    *sums = _mm256_fmadd_ps(dots, _mm256_set1_ps(scale), *sums);
}

/// Eight numbers times `2^n`. In two steps: 2^n itself need not be a normal number.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn scale(a: __m256, n: __m256) -> __m256 {
    let n = _mm256_cvtps_epi32(n);
    let half = _mm256_srai_epi32::<1>(n);
    let a = _mm256_mul_ps(a, power(half));
    _mm256_mul_ps(a, power(_mm256_sub_epi32(n, half)))
}

/// `2^n` for n in -126..=127.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn power(n: __m256i) -> __m256 {
    _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_add_epi32(n, _mm256_set1_epi32(127))))
}

/// The bits of eight numbers without their sign.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn magnitudes(a: __m256) -> __m256i {
    _mm256_and_si256(_mm256_castps_si256(a), _mm256_set1_epi32(i32::MAX))
}

/// Sixteen numbers, times `inverse` and rounded to whole ones.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn whole(a: Pair, inverse: __m256) -> __m256i {
    let first = _mm256_cvtps_epi32(_mm256_mul_ps(a[0], inverse));
    _mm256_packs_epi32(first, _mm256_cvtps_epi32(_mm256_mul_ps(a[1], inverse)))
}
