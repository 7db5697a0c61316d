//! What leaves the gateway instead of raw samples: a few figures per channel and interval.

use std::time::Duration;

use crate::signal::Frame;
use crate::time::Timestamp;

/// The figures of one device over one interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// Start of the interval, a multiple of its length since the epoch.
    pub start: Timestamp,
    /// End of the interval, exclusive.
    pub end: Timestamp,
    /// One entry per channel, in the configuration's order.
    pub channels: Vec<ChannelAggregate>,
    /// The highest anomaly score of the interval; `None` while the detector is learning.
    pub score: Option<f32>,
}

/// The figures of one channel over one interval. All but `count` and `bad_share` are `None`
/// when no usable sample came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChannelAggregate {
    /// Ticks with a usable value.
    pub count: u64,
    /// Smallest value, in the channel's unit.
    pub min: Option<f64>,
    /// Mean, in the channel's unit.
    pub mean: Option<f64>,
    /// Largest value, in the channel's unit.
    pub max: Option<f64>,
    /// Population standard deviation, in the channel's unit.
    pub std: Option<f64>,
    /// The newest value, in the channel's unit.
    pub last: Option<f64>,
    /// Share of what was expected that was bad or missing, 0 to 1.
    pub bad_share: f64,
}

/// Welford's sums of one channel: exact on a small movement over a large level.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    count: u64,
    mean: f64,
    m2: f64,
    min: f64,
    max: f64,
    last: f64,
}

impl Sums {
    fn push(&mut self, value: f64) {
        self.count += 1;
        let delta = value - self.mean;
        self.mean += delta / self.count as f64;
        self.m2 += delta * (value - self.mean);
        (self.min, self.max) =
            if self.count == 1 { (value, value) } else { (self.min.min(value), self.max.max(value)) };
        self.last = value;
    }

    fn close(&self, ticks: u64) -> ChannelAggregate {
        let some = |value: f64| (self.count > 0).then_some(value);
        ChannelAggregate {
            count: self.count,
            min: some(self.min),
            // Rounding must not put the mean outside of what was measured.
            mean: some(self.mean.clamp(self.min, self.max)),
            max: some(self.max),
            std: some((self.m2 / self.count.max(1) as f64).max(0.0).sqrt()),
            last: some(self.last),
            bad_share: if ticks == 0 { 0.0 } else { (ticks - self.count) as f64 / ticks as f64 },
        }
    }
}

/// Makes aggregates from frames.
#[derive(Debug)]
pub struct Aggregator {
    interval: Duration,
    sums: Vec<Sums>,
    /// Start of the open interval and its frames so far.
    open: Option<(Timestamp, u64)>,
    score: Option<f32>,
}

impl Aggregator {
    /// Aggregates over `interval`, but never over less than a frame's `period`.
    #[must_use]
    pub fn new(interval: Duration, period: Duration, channels: usize) -> Self {
        Aggregator {
            interval: interval.max(period),
            sums: vec![Sums::default(); channels],
            open: None,
            score: None,
        }
    }

    /// Takes a frame; the interval that ended before it, if one did.
    pub fn push(&mut self, frame: &Frame) -> Option<Aggregate> {
        let start = frame.time.floor(self.interval);
        let ended = match self.open {
            Some((open, _)) if open != start => self.flush(),
            _ => None,
        };
        let (_, ticks) = self.open.get_or_insert((start, 0));
        *ticks += 1;
        for (sums, &value) in self.sums.iter_mut().zip(&frame.values) {
            if !value.is_nan() {
                sums.push(value);
            }
        }
        ended
    }

    /// Takes the score of a window that ended in the open interval.
    pub fn score(&mut self, score: f32) {
        self.score = Some(self.score.map_or(score, |highest| highest.max(score)));
    }

    /// Ends the open interval early; `None` when it holds nothing.
    pub fn flush(&mut self) -> Option<Aggregate> {
        let (start, ticks) = self.open.take()?;
        let channels = self.sums.iter().map(|sums| sums.close(ticks)).collect();
        self.sums.fill(Sums::default());
        Some(Aggregate { start, end: start.plus(self.interval), channels, score: self.score.take() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(second: i64, values: &[f64]) -> Frame {
        Frame { time: Timestamp::from_millis(second * 1_000), values: values.into() }
    }

    #[test]
    fn an_interval_ends_with_the_first_frame_behind_it() {
        let mut aggregator = Aggregator::new(Duration::from_secs(10), Duration::from_secs(1), 2);
        for second in 3..10 {
            assert_eq!(aggregator.push(&frame(second, &[second as f64, f64::NAN])), None);
        }
        aggregator.score(2.5);
        aggregator.score(1.5);
        let aggregate = aggregator.push(&frame(10, &[99.0, 99.0])).unwrap();
        assert_eq!((aggregate.start.as_millis(), aggregate.end.as_millis()), (0, 10_000));
        assert_eq!(aggregate.score, Some(2.5));
        let full = aggregate.channels[0];
        assert_eq!((full.count, full.min, full.max, full.last), (7, Some(3.0), Some(9.0), Some(9.0)));
        assert_eq!((full.mean, full.std, full.bad_share), (Some(6.0), Some(2.0), 0.0));
        let silent = aggregate.channels[1];
        assert_eq!((silent.count, silent.mean, silent.bad_share), (0, None, 1.0));
    }

    proptest! {
        #[test]
        fn figures_of_a_channel_are_in_order(values in prop::collection::vec(-1e6f64..1e6, 1..50)) {
            let mut aggregator = Aggregator::new(Duration::from_secs(60), Duration::from_secs(1), 1);
            for (second, &value) in values.iter().enumerate() {
                aggregator.push(&frame(second as i64, &[value]));
            }
            let figures = aggregator.flush().unwrap().channels[0];
            prop_assert!(figures.min <= figures.mean && figures.mean <= figures.max);
            prop_assert!(figures.std.unwrap() <= (figures.max.unwrap() - figures.min.unwrap()) / 2.0 + 1e-6);
        }
    }
}
