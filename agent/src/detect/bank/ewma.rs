//! Exponentially weighted means without the bias of their start.

use serde::{Deserialize, Serialize};

/// A mean that forgets. From the first value on it is a weighted mean of what was seen, not
/// of what was seen and a zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ewma {
    mean: f64,
    weight: f64,
}

impl Ewma {
    /// Takes a value; `share` is the weight of the newest one once the start is forgotten.
    #[inline]
    pub fn push(&mut self, value: f64, share: f64) {
        self.weight += share * (1.0 - self.weight);
        self.mean += (value - self.mean) * (share / self.weight);
    }

    /// The mean; 0 before the first value.
    #[inline]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Forgets everything but `value`, which counts as `weight` of a full memory.
    pub fn reset(&mut self, value: f64, weight: f64) {
        *self = Ewma { mean: value, weight };
    }
}

/// The newest value's share in a mean of this span.
pub const fn of_span(span: u32) -> f64 {
    2.0 / (span as f64 + 1.0)
}

/// The newest value's share in a mean of this memory.
pub const fn of_memory(ticks: f64) -> f64 {
    1.0 / ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_is_its_own_mean_from_the_first_value_on() {
        let mut mean = Ewma::default();
        for _ in 0..5 {
            mean.push(7.0, of_memory(600.0));
            assert!((mean.mean() - 7.0).abs() < 1e-12);
        }
    }

    #[test]
    fn the_start_weighs_all_values_alike() {
        let mut mean = Ewma::default();
        mean.push(0.0, of_memory(1e9));
        mean.push(1.0, of_memory(1e9));
        assert!((mean.mean() - 0.5).abs() < 1e-6);
    }
}
