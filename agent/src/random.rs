//! Randomness for jitter, from the system.

use rand::TryRng;
use rand::rngs::SysRng;

/// From 0 to 1. Jitter needs no more than the system's randomness, and can do without.
#[must_use]
pub fn fraction() -> f64 {
    SysRng.try_next_u32().map_or(0.5, |word| f64::from(word) / f64::from(u32::MAX))
}
