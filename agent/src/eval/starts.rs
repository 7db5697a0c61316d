//! The rows at which trials start.
//!
//! A detector, or a rule, that has learnt at which row events begin would look clever if every
//! trial began at the first row. So each recording has its own random starts, one in each of
//! equally long stretches, and the same seed draws the same ones again.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Draws the rows, counted from 0, at which the trials of a recording start: one random row in
/// each of `count` stretches that together cover the first `rows` rows.
#[must_use]
pub fn start_rows(seed: u64, recording: usize, count: u32, rows: u32) -> Vec<u64> {
    let stream = seed ^ (recording as u64).rotate_left(u32::BITS);
    let mut random = Pcg64Mcg::seed_from_u64(stream);
    let edge = |at: u32| u64::from(rows) * u64::from(at) / u64::from(count);
    (0..count)
        .map(|at| match (edge(at), edge(at + 1)) {
            (low, high) if low < high => random.random_range(low..high),
            (low, _) => low,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn starts_repeat_with_the_seed_and_differ_by_recording() {
        assert_eq!(start_rows(1, 0, 6, 120), start_rows(1, 0, 6, 120));
        assert_ne!(start_rows(1, 0, 6, 120), start_rows(1, 1, 6, 120));
        assert_ne!(start_rows(1, 0, 6, 120), start_rows(2, 0, 6, 120));
    }

    #[test]
    fn no_rows_to_skip_start_at_the_first() {
        assert_eq!(start_rows(1, 0, 2, 0), [0, 0]);
    }

    proptest! {
        #[test]
        fn each_stretch_holds_one_start(seed: u64, count in 1..20u32, rows in 0..1_000u32) {
            let drawn = start_rows(seed, 3, count, rows);
            for (at, row) in (0u64..).zip(&drawn) {
                let (rows, count) = (u64::from(rows), u64::from(count));
                prop_assert!(rows * at / count <= *row);
                prop_assert!(*row <= rows * (at + 1) / count);
            }
            prop_assert_eq!(drawn.len(), count as usize);
        }
    }
}
