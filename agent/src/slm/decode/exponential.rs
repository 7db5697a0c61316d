//! The exponential function in plain arithmetic.
//!
//! The platforms' own ones differ in the last bit, and one bit is enough to draw another token from
//! the same seed.

use std::f64::consts::LN_2;

/// Terms of the series; the next one is below a bit of the result for |x| ≤ ln 2 / 2.
const TERMS: u32 = 14;

/// e to the power of `x`, for `x` up to 0; 0 where it is too small for a number.
pub(crate) fn exp(x: f64) -> f64 {
    const SMALLEST: f64 = -708.0;
    if x < SMALLEST {
        return 0.0;
    }
    let halvings = (x / LN_2).round();
    let rest = x - halvings * LN_2;
    let series = (1..=TERMS).rev().fold(1.0, |sum, term| 1.0 + sum * rest / f64::from(term));
    // From -1022 to 0, so the bits are those of a whole power of two.
    let exponent = (1023 + halvings as i64) as u64;
    series * f64::from_bits(exponent << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_exponential_function() {
        for step in 0..7_000 {
            let x = -f64::from(step) / 10.0;
            let (ours, theirs) = (exp(x), x.exp());
            assert!((ours / theirs - 1.0).abs() < 1e-12, "{x}: {ours} {theirs}");
        }
        assert_eq!((exp(0.0), exp(-1e9), exp(f64::NEG_INFINITY)), (1.0, 0.0, 0.0));
    }
}
