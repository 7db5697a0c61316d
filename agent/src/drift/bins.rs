//! Where a quantity's values are counted: bins of about equal shares of its reference, one beyond
//! each end of it, and one for "missing".

use serde::{Deserialize, Serialize};

/// Bins within the reference's range. More see finer changes of shape, and need more samples a
/// span: eight leave a dozen in each of a day's.
const INNER: usize = 8;
/// A value counts as beyond the reference's range when it is so by more than this share of it,
/// which is more than rounding does.
const ROUNDING: f32 = 1e-6;

/// Bins of a quantity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bins {
    /// Rising; a value belongs to the first bin whose edge is not below it.
    edges: Vec<f32>,
}

impl Bins {
    /// Bins with these edges, which rise.
    #[must_use]
    pub fn with(edges: Vec<f32>) -> Self {
        Bins { edges }
    }

    /// Bins of about equal shares of the samples; NaN is a missing one. Where many samples are
    /// equal there are fewer bins, and two even where none ever differed: below and above.
    #[must_use]
    pub fn of(samples: &[f32]) -> Self {
        let mut sorted: Vec<f32> = samples.iter().copied().filter(|value| !value.is_nan()).collect();
        sorted.sort_by(f32::total_cmp);
        let (Some(&least), Some(&most)) = (sorted.first(), sorted.last()) else {
            return Bins { edges: Vec::new() };
        };
        let inner = (1..INNER).map(|bin| sorted[(bin * sorted.len() / INNER).max(1) - 1]);
        let rounding = |value: f32| (ROUNDING * value.abs()).max(f32::MIN_POSITIVE);
        let mut edges: Vec<f32> = [least - rounding(least)]
            .into_iter()
            .chain(inner)
            // The topmost value is the upper end of the last bin, not of the one before it.
            .filter(|&edge| edge < most)
            .chain([most + rounding(most)])
            .collect();
        edges.dedup();
        Bins { edges }
    }

    /// How many there are, with the one for "missing".
    #[must_use]
    pub fn number(&self) -> usize {
        self.edges.len() + 2
    }

    /// Which one a value belongs to.
    #[must_use]
    pub fn index(&self, value: f32) -> usize {
        match value.is_nan() {
            true => self.edges.len() + 1,
            false => self.edges.partition_point(|&edge| edge < value),
        }
    }

    /// How many of the samples belong to each.
    #[must_use]
    pub fn count(&self, samples: &[f32]) -> Vec<u32> {
        let mut counts = vec![0; self.number()];
        samples.iter().for_each(|&value| counts[self.index(value)] += 1);
        counts
    }

    /// Whether what was read back can be counted with.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.edges.windows(2).all(|pair| pair[0] < pair[1]) && self.edges.iter().all(|edge| !edge.is_nan())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_constant_has_a_bin_below_and_one_above() {
        let bins = Bins::of(&[50.0; 100]);
        let at = |value| bins.index(value);
        assert_eq!(at(50.0), at(50.000_01), "rounding is no change");
        assert!(at(49.9) < at(50.0) && at(50.0) < at(50.1));
        assert_eq!(Bins::of(&[0.0; 9]).count(&[-1.0, 0.0, 1.0, f32::NAN]), [1, 1, 1, 1]);
    }

    #[test]
    fn a_channel_that_never_delivered_has_a_bin_for_its_first_value() {
        let bins = Bins::of(&[f32::NAN; 9]);
        assert_eq!((bins.number(), bins.count(&[f32::NAN, 1.0])), (2, vec![1, 1]));
    }

    #[test]
    fn a_switch_has_a_bin_for_each_of_its_states() {
        let states: Vec<f32> = (0..100).map(|i| f32::from(u8::from(i % 3 == 0))).collect();
        assert_eq!(Bins::of(&states).count(&states), [0, 66, 34, 0, 0]);
    }

    proptest! {
        #[test]
        fn bins_of_distinct_values_share_them_equally(mut values in prop::collection::hash_set(-1_000_000i32..1_000_000, 64..300)) {
            let values: Vec<f32> = values.drain().map(|value| value as f32 / 8.0).collect();
            let bins = Bins::of(&values);
            let counts = bins.count(&values);
            prop_assert!(bins.fits());
            prop_assert_eq!(counts.iter().sum::<u32>() as usize, values.len());
            prop_assert_eq!((counts[0], counts[bins.number() - 2], counts[bins.number() - 1]), (0, 0, 0));
            let share = values.len() / INNER;
            for &count in &counts[1..=INNER] {
                prop_assert!((count as usize).abs_diff(share) <= 1, "{:?}", counts);
            }
        }

        #[test]
        fn bins_of_anything_count_everything(values in prop::collection::vec(any::<f32>(), 0..200), others in prop::collection::vec(any::<f32>(), 0..200)) {
            let finite: Vec<f32> = values.into_iter().filter(|value| !value.is_infinite()).collect();
            let bins = Bins::of(&finite);
            prop_assert!(bins.fits(), "{:?}", bins);
            prop_assert_eq!(bins.count(&others).iter().sum::<u32>() as usize, others.len());
        }
    }
}
