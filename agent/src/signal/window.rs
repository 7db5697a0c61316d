//! A window: what the detector sees of every channel over some frames.

use std::collections::VecDeque;
use std::time::Duration;

use crate::config::Statistic;
use crate::signal::Frame;
use crate::time::Timestamp;

/// One value per channel over a span of frames: the channel's statistic (mean, rms, …).
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Start of the first frame.
    pub start: Timestamp,
    /// End of the last frame: when everything in it was known.
    pub end: Timestamp,
    /// One value per channel, in the channel's unit; NaN where the window held no usable sample.
    pub values: Box<[f64]>,
}

/// Cuts frames into windows.
#[derive(Debug)]
pub struct Windower {
    frames: usize,
    hop: usize,
    period: Duration,
    statistics: Vec<Statistic>,
    held: VecDeque<Frame>,
    /// Frames to drop before the next window may end; 0 once it is complete.
    until_next: usize,
}

impl Windower {
    /// Windows of `frames` frames whose starts are `hop` frames apart; both at least 1.
    #[must_use]
    pub fn new(frames: usize, hop: usize, period: Duration, statistics: Vec<Statistic>) -> Self {
        let held = VecDeque::with_capacity(frames);
        Windower { frames, hop, period, statistics, held, until_next: frames }
    }

    /// Takes a frame; the window that it completes, if it does.
    pub fn push(&mut self, frame: Frame) -> Option<Window> {
        if self.held.len() == self.frames {
            self.held.pop_front();
        }
        let end = frame.time.plus(self.period);
        self.held.push_back(frame);
        self.until_next -= 1;
        if self.until_next > 0 {
            return None;
        }
        self.until_next = self.hop;
        let start = self.held.front().map_or(end, |first| first.time);
        let values = self.statistics.iter().enumerate().map(|(channel, &statistic)| {
            reduce(statistic, self.held.iter().map(|frame| frame.values[channel]))
        });
        Some(Window { start, end, values: values.collect() })
    }

    /// Forgets a window that was begun: what follows is not continuous with it.
    pub fn reset(&mut self) {
        self.held.clear();
        self.until_next = self.frames;
    }
}

/// The statistic of what is not NaN; NaN when nothing is.
fn reduce(statistic: Statistic, values: impl Iterator<Item = f64>) -> f64 {
    let (mut count, mut sum, mut square, mut max, mut last) = (0.0, 0.0, 0.0, f64::NEG_INFINITY, f64::NAN);
    let mut first = None;
    for value in values.filter(|value| !value.is_nan()) {
        // Sums around the first value: a small movement on a large level keeps its digits.
        let offset = *first.get_or_insert(value);
        count += 1.0;
        sum += value - offset;
        square += (value - offset).powi(2);
        max = value.max(max);
        last = value;
    }
    let Some(offset) = first else { return f64::NAN };
    let mean = sum / count;
    match statistic {
        Statistic::Mean => offset + mean,
        Statistic::Rms => (square / count + 2.0 * offset * mean + offset * offset).max(0.0).sqrt(),
        Statistic::Std => (square / count - mean * mean).max(0.0).sqrt(),
        Statistic::Max => max,
        Statistic::Last => last,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn frame(second: i64, values: &[f64]) -> Frame {
        Frame { time: Timestamp::from_millis(second * 1_000), values: values.into() }
    }

    #[test]
    fn windows_overlap_by_their_length_less_the_hop() {
        let mut windower = Windower::new(4, 2, SECOND, vec![Statistic::Mean]);
        let windows: Vec<_> = (0..8).filter_map(|i| windower.push(frame(i, &[i as f64]))).collect();
        let got: Vec<_> =
            windows.iter().map(|w| (w.start.as_millis(), w.end.as_millis(), w.values[0])).collect();
        assert_eq!(got, [(0, 4_000, 1.5), (2_000, 6_000, 3.5), (4_000, 8_000, 5.5)]);
    }

    #[test]
    fn every_statistic_leaves_missing_values_out() {
        let values = [3.0, f64::NAN, -4.0, 1.0];
        let of = |statistic| reduce(statistic, values.into_iter());
        assert!((of(Statistic::Mean) - 0.0).abs() < 1e-12);
        assert!((of(Statistic::Rms) - (26.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert!((of(Statistic::Std) - (26.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!(of(Statistic::Max), 3.0);
        assert_eq!(of(Statistic::Last), 1.0);
        assert!(reduce(Statistic::Rms, [f64::NAN].into_iter()).is_nan());
    }

    #[test]
    fn a_reset_window_starts_over() {
        let mut windower = Windower::new(2, 2, SECOND, vec![Statistic::Last]);
        assert!(windower.push(frame(0, &[1.0])).is_none());
        windower.reset();
        assert!(windower.push(frame(100, &[2.0])).is_none());
        assert_eq!(windower.push(frame(101, &[3.0])).unwrap().start, Timestamp::from_millis(100_000));
    }
}
