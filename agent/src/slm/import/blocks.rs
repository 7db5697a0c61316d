//! Four bits a weight: blocks of 32 along a row, one scale each, by the rule of ggml's Q4_0.

use tract_onnx::prelude::f16;

/// Weights that share a scale.
pub(super) const BLOCK: usize = 32;
/// The code of a weight of 0; codes are 0 to 15.
const ZERO: f32 = 8.0;

/// Packs a block: two neighbours a byte, the first one low. The scale is exact in half precision,
/// which is how the runtime holds it. It is the value farthest from 0 that comes out exact.
pub(super) fn pack(weights: &[f32; BLOCK]) -> ([u8; BLOCK / 2], f32) {
    let largest =
        weights.iter().fold(0.0_f32, |most, &weight| if weight.abs() > most.abs() { weight } else { most });
    let scale = largest / -ZERO;
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    let code = |weight: f32| (weight * inverse + (ZERO + 0.5)).clamp(0.0, 15.0) as u8;
    let mut packed = [0; BLOCK / 2];
    for (byte, pair) in packed.iter_mut().zip(weights.chunks_exact(2)) {
        *byte = code(pair[0]) | code(pair[1]) << 4;
    }
    (packed, f16::from_f32(scale).to_f32())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unpack(packed: &[u8; BLOCK / 2], scale: f32) -> Vec<f32> {
        let codes = packed.iter().flat_map(|byte| [byte & 15, byte >> 4]);
        codes.map(|code| (f32::from(code) - ZERO) * scale).collect()
    }

    #[test]
    fn a_block_of_zeros_stays_one() {
        let (packed, scale) = pack(&[0.0; BLOCK]);
        assert!(unpack(&packed, scale).iter().all(|&weight| weight == 0.0));
    }

    proptest! {
        /// Half a step everywhere, a whole one at the end of the range that has one code less.
        #[test]
        fn no_weight_moves_by_more_than_a_step(weights in proptest::array::uniform32(-10.0_f32..10.0)) {
            let (packed, scale) = pack(&weights);
            let step = scale.abs() * 1.01 + 1e-6;
            for (weight, back) in weights.iter().zip(unpack(&packed, scale)) {
                let end = (weight + scale * ZERO).abs() > step && (weight - scale * ZERO).abs() < step;
                let most = if end { step } else { step / 2.0 };
                prop_assert!((weight - back).abs() <= most, "{weight} became {back}, step {step}");
            }
        }
    }
}
