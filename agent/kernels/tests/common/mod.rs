//! Shared by the tests: reproducible numbers, and the comparison with a straightforward reference.

/// Numbers in -1..1, the same for the same seed.
pub fn noise(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed ^ 0x9e37_79b9_7f4a_7c15;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

/// Asserts that `found` lies within `tolerance` of `expected`, in units of `size` of each number.
#[track_caller]
pub fn assert_close(what: &str, found: &[f32], expected: &[(f64, f64)], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (found, (expected, size))) in found.iter().zip(expected).enumerate() {
        let off = (f64::from(*found) - expected).abs();
        assert!(off <= tolerance * size.max(1e-30), "{what}: number {i} is {found}, not {expected}");
    }
}
