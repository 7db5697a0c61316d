//! ggml's rules for blocks of thirty-two numbers.

use crate::blocks::BLOCK;
use crate::f16;

/// `Q4_0`: the number farthest from zero becomes -8 times the scale. Returns the scale, as half precision
/// holds it, and the sixteen bytes of nibbles.
pub(super) fn q4_0(values: &[f32; BLOCK]) -> (f32, [u8; 16]) {
    let farthest = values.iter().fold(0.0_f32, |best, v| if v.abs() > best.abs() { *v } else { best });
    let scale = farthest / -8.0;
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    // Truncated after adding a half, as ggml does; 8.5 + 8 would be one too many.
    let nibble = |v: f32| ((v * inverse + 8.5) as u8).min(15);
    let (low, high) = values.split_at(BLOCK / 2);
    let mut bytes = [0; 16];
    for ((byte, low), high) in bytes.iter_mut().zip(low).zip(high) {
        *byte = nibble(*low) | nibble(*high) << 4;
    }
    (f16::from_bits(f16::to_bits(scale)), bytes)
}

/// `Q8_0`: the number farthest from zero becomes 127 times the scale.
pub(super) fn q8_0(values: &[f32; BLOCK]) -> (f32, [i8; BLOCK]) {
    let largest = values.iter().fold(0.0_f32, |best, v| best.max(v.abs()));
    let scale = largest / 127.0;
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    let bytes = values.map(|v| ((v * inverse).round() as i8).max(-127));
    (f16::from_bits(f16::to_bits(scale)), bytes)
}
