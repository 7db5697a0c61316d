//! Half precision, as block scales are stored in files.

/// The value of half-precision bits.
pub(crate) fn from_bits(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let exponent = u32::from(bits >> 10) & 0x1f;
    let fraction = u32::from(bits) & 0x3ff;
    match exponent {
        // Zero and subnormals: a multiple of 2^-24, exact in single precision.
        0 => f32::from_bits(sign | (fraction as f32 * 2f32.powi(-24)).to_bits()),
        0x1f => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 127 - 15) << 23 | fraction << 13),
    }
}

/// The nearest half-precision bits, ties to even; beyond the largest, infinity.
pub(crate) fn to_bits(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 16 & 0x8000) as u16;
    let magnitude = bits & 0x7fff_ffff;
    if magnitude > 0x7f80_0000 {
        return sign | 0x7e00;
    }
    // 65520 lies halfway between the largest finite value and the next power of two.
    if magnitude >= 0x477f_f000 {
        return sign | 0x7c00;
    }
    if magnitude < 0x3880_0000 {
        // Below the smallest normal (2^-14): the step is 2^-24. Adding 0.5 leaves the multiple in
        // the low bits of the fraction, rounded by the addition itself.
        let shifted = f32::from_bits(magnitude) + 0.5;
        return sign | (shifted.to_bits() - 0x3f00_0000) as u16;
    }
    let rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
    sign | ((rounded - ((127 - 15) << 23)) >> 13) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_half_survives_the_way_there_and_back() {
        for bits in 0..=u16::MAX {
            if bits & 0x7c00 != 0x7c00 {
                assert_eq!(to_bits(from_bits(bits)), bits);
            }
        }
    }

    #[test]
    fn a_value_between_two_halves_goes_to_the_nearer_one() {
        for bits in 0..0x7bff_u16 {
            let (low, high) = (from_bits(bits), from_bits(bits + 1));
            let middle = (low + high) / 2.0;
            assert_eq!(to_bits(middle.next_down()), bits);
            assert_eq!(to_bits(middle.next_up()), bits + 1);
            assert_eq!(to_bits(middle), bits + (bits & 1));
        }
        assert_eq!(to_bits(65519.0), 0x7bff);
        assert_eq!(to_bits(65520.0), 0x7c00);
        assert!(from_bits(to_bits(f32::NAN)).is_nan());
    }
}
