use crate::simd::Simd;

/// e to the power of each lane, within two units of the last place; zero and infinity beyond f32, NaN from
/// NaN.
///
/// e^x = 2^n e^r with |r| <= ln(2) / 2, and e^r by the polynomial of Cephes' `expf`.
#[inline(always)]
pub(crate) fn exp<S: Simd>(s: S, x: S::F) -> S::F {
    const POLYNOMIAL: [f32; 6] =
        [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5];
    // Beyond these the result is zero or infinity whatever they are; NaN stays.
    let x = s.max(s.splat(-104.0), x);
    let x = s.min(s.splat(89.0), x);
    let n = s.round(s.mul(x, s.splat(std::f32::consts::LOG2_E)));
    // ln(2) in two parts, the first with few enough bits that its product with n is exact.
    let r = s.mul_add(n, s.splat(-0.693_359_4), x);
    let r = s.mul_add(n, s.splat(2.121_944_4e-4), r);
    let mut sum = s.splat(POLYNOMIAL[0]);
    for coefficient in &POLYNOMIAL[1..] {
        sum = s.mul_add(sum, r, s.splat(*coefficient));
    }
    let tail = s.mul_add(s.mul(r, r), sum, r);
    s.scale(s.add(tail, s.splat(1.0)), n)
}
