//! Randomness for jitter and for choices that need not repeat, from the system.

use rand::TryRng;
use rand::rngs::SysRng;

/// From 0 to 1. Jitter needs no more than the system's randomness, and can do without.
#[must_use]
pub fn fraction() -> f64 {
    SysRng.try_next_u32().map_or(0.5, |word| f64::from(word) / f64::from(u32::MAX))
}

/// A number that is another one each time. Where the system has none to give it is 0: the choice is
/// then the same each time.
#[must_use]
pub fn seed() -> u64 {
    SysRng.try_next_u64().unwrap_or_default()
}
