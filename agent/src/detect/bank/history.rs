//! The last ticks of a fixed set of figures.

use serde::{Deserialize, Serialize};

/// Ticks kept: a power of two above the longest lag, so that a position is a mask away.
pub const DEPTH: usize = 64;

/// The last [`DEPTH`] rows of `width` figures, in a ring.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History {
    width: usize,
    pushed: u64,
    cells: Vec<f64>,
}

impl History {
    pub fn new(width: usize) -> Self {
        History { width, pushed: 0, cells: vec![0.0; width * DEPTH] }
    }

    /// Appends a row.
    #[inline]
    pub fn push(&mut self, row: &[f64]) {
        let at = (self.pushed as usize & (DEPTH - 1)) * self.width;
        self.cells[at..at + self.width].copy_from_slice(row);
        self.pushed += 1;
    }

    /// The row `lag` rows before the newest one, if there is one yet.
    #[inline]
    pub fn back(&self, lag: usize) -> Option<&[f64]> {
        debug_assert!(lag < DEPTH);
        let row = self.pushed.checked_sub(1 + lag as u64)?;
        let at = (row as usize & (DEPTH - 1)) * self.width;
        Some(&self.cells[at..at + self.width])
    }

    /// Rows appended so far.
    pub fn pushed(&self) -> usize {
        usize::try_from(self.pushed).unwrap_or(usize::MAX)
    }

    /// Whether state that was read back has the shape this code works on.
    pub fn fits(&self, width: usize) -> bool {
        self.width == width
            && self.pushed < u64::MAX / 2
            && self.cells.len() == width * DEPTH
            && self.cells.iter().all(|v| v.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_reaches_back_over_the_end_of_the_ring() {
        let mut history = History::new(1);
        assert!(history.back(0).is_none());
        for i in 0..150 {
            history.push(&[f64::from(i)]);
        }
        assert_eq!(history.back(0), Some(&[149.0][..]));
        assert_eq!(history.back(60), Some(&[89.0][..]));
    }
}
