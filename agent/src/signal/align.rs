//! Aligns samples into frames: one tick of the device's period, every channel, in order.
//!
//! Bad input is a normal day. Each kind has a defined outcome and a counter, and none has an
//! effect on another channel:
//!
//! - a value that cannot be used leaves its channel's place in the frame empty (NaN);
//! - a sample out of order finds its frame as long as that is open, which is the lateness;
//! - a silent channel holds nobody up: frames close by the device's newest time;
//! - a jump of the clock, or a gap, is believed only once three ticks in a row agree with it.
//!   Until then its samples wait; if the old time goes on, they are counted and dropped. So a
//!   lone sample from the future, or a channel whose clock is ahead, closes nobody's frames.

use std::collections::VecDeque;
use std::time::Duration;

use crate::signal::{BadSample, ChannelIx, Frame, Sample};
use crate::time::Timestamp;

/// A gap of up to so many ticks is filled with empty frames; a longer one is a jump.
const MAX_GAP: i64 = 600;
/// A sample older than the open frames by up to so many ticks is late; an older one is a jump.
const MAX_LATE: i64 = 60;
/// Ticks that must agree with a new time before it is believed.
const AGREE: i64 = 3;
/// Samples that wait for that at most: some ticks of the widest device.
const MAX_WAITING: usize = 1_024;
/// Beside the lateness, a silent device is given so long before its frames close by the clock.
const GRACE: Duration = Duration::from_secs(1);
/// The wall clock is looked at several times a second: a longer step is a clock that was set.
const LONGEST_LOOK: Duration = Duration::from_secs(10);

/// What comes out of the aligner, in the order of its time.
#[derive(Clone, Debug, PartialEq)]
pub enum AlignEvent {
    /// The next tick.
    Frame(Frame),
    /// Time jumped: what follows is not continuous with what came before.
    Gap {
        /// End of the last frame before the jump.
        from: Timestamp,
        /// Start of the first frame behind it; earlier than `from` when the clock went back.
        to: Timestamp,
    },
}

/// Samples accepted and rejected so far, by channel and reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputCounts {
    /// Accepted samples of each channel.
    pub accepted: Vec<u64>,
    /// Rejected samples of each channel, in the order of [`BadSample::ALL`].
    pub rejected: Vec<[u64; BadSample::ALL.len()]>,
    /// Rejected rows or messages that belong to no channel, in the order of [`BadSample::ALL`].
    pub whole: [u64; BadSample::ALL.len()],
}

impl InputCounts {
    fn reject(&mut self, channel: Option<ChannelIx>, reason: BadSample) {
        let counters = channel.and_then(|channel| self.rejected.get_mut(channel)).unwrap_or(&mut self.whole);
        counters[reason as usize] += 1;
    }

    /// Samples accepted over all channels.
    #[must_use]
    pub fn total_accepted(&self) -> u64 {
        self.accepted.iter().sum()
    }

    /// How often a reason was given, over all channels and whole rows.
    #[must_use]
    pub fn of(&self, reason: BadSample) -> u64 {
        self.rejected.iter().map(|channel| channel[reason as usize]).sum::<u64>()
            + self.whole[reason as usize]
    }
}

/// One channel's place in an open frame.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    sum: f64,
    count: u32,
    /// Time of the newest sample in it, to see a duplicate.
    newest: Option<Timestamp>,
}

/// Aligns the samples of one device.
#[derive(Debug)]
pub struct Aligner {
    period: i64,
    lateness: Duration,
    ranges: Vec<(Option<f64>, Option<f64>)>,
    counts: InputCounts,
    /// Open frames, from tick `base` on without holes; cells are `[frame][channel]`.
    open: VecDeque<Vec<Cell>>,
    /// Cells of frames that were closed, to be used again.
    spare: Vec<Vec<Cell>>,
    base: Option<i64>,
    newest: Timestamp,
    /// The newest time, and what has passed since for a device that has gone silent.
    present: Timestamp,
    /// A step of so many ticks leaves the frames of the present open for the other channels;
    /// a longer one is suspicious.
    leap: i64,
    waiting: Vec<Sample>,
    looked: Option<Look>,
}

/// The last look at the wall clock.
#[derive(Clone, Copy, Debug)]
struct Look {
    /// The newest sample then.
    newest: Timestamp,
    /// The wall clock then.
    now: Timestamp,
    /// How long that sample had been the newest, over all looks.
    silent: Duration,
}

impl Aligner {
    /// An aligner for channels with these physical ranges.
    #[must_use]
    pub fn new(period: Duration, lateness: Duration, ranges: Vec<(Option<f64>, Option<f64>)>) -> Self {
        let channels = ranges.len();
        let leap = lateness.as_nanos() / period.as_nanos().max(1);
        Aligner {
            period: i64::try_from(period.as_micros()).unwrap_or(i64::MAX).max(1),
            leap: i64::try_from(leap).unwrap_or(i64::MAX).clamp(1, MAX_GAP),
            lateness,
            ranges,
            counts: InputCounts {
                accepted: vec![0; channels],
                rejected: vec![[0; BadSample::ALL.len()]; channels],
                whole: [0; BadSample::ALL.len()],
            },
            open: VecDeque::new(),
            spare: Vec::new(),
            base: None,
            newest: Timestamp::EPOCH,
            present: Timestamp::EPOCH,
            waiting: Vec::new(),
            looked: None,
        }
    }

    /// Takes a sample; hands out the frames that it completes.
    pub fn accept(&mut self, sample: &Sample, out: &mut impl FnMut(AlignEvent)) {
        let tick = self.tick(sample.time);
        let Some(base) = self.base else {
            self.base = Some(tick);
            (self.newest, self.present) = (sample.time, sample.time);
            self.place(tick, sample);
            return;
        };
        let ahead = tick > self.tick(self.present) + self.leap;
        if ahead || tick < base - MAX_LATE {
            self.suspect(sample, out);
            return;
        }
        if tick < base {
            // Not a word against a jump: a channel may always be late.
            self.counts.reject(Some(sample.channel), BadSample::TooLate);
            return;
        }
        self.drop_waiting();
        self.place(tick, sample);
        if sample.time > self.newest {
            self.newest = sample.time;
            self.present = self.present.max(sample.time);
            self.close_until(self.newest.minus(self.lateness), out);
        }
    }

    /// Counts input that has no usable time.
    pub fn reject(&mut self, channel: Option<ChannelIx>, reason: BadSample) {
        self.counts.reject(channel, reason);
    }

    /// Closes the frames of a device that has gone silent. Its own clock may differ from the wall
    /// clock `now`, so what counts is how long the wall clock has gone on since it fell silent.
    pub fn advance(&mut self, now: Timestamp, out: &mut impl FnMut(AlignEvent)) {
        if self.base.is_none() {
            return;
        }
        let silent = match self.looked {
            Some(look) if look.newest == self.newest => {
                let step = now.since(look.now);
                look.silent + if step <= LONGEST_LOOK { step } else { Duration::ZERO }
            }
            _ => Duration::ZERO,
        };
        self.looked = Some(Look { newest: self.newest, now, silent });
        self.present = self.present.max(self.newest.plus(silent));
        self.close_until(self.newest.plus(silent).minus(self.lateness).minus(GRACE), out);
    }

    /// Hands out every open frame: the input has ended.
    pub fn flush(&mut self, out: &mut impl FnMut(AlignEvent)) {
        self.drop_waiting();
        while !self.open.is_empty() {
            self.close_first(out);
        }
    }

    /// What came in so far.
    #[must_use]
    pub fn counts(&self) -> &InputCounts {
        &self.counts
    }

    fn tick(&self, time: Timestamp) -> i64 {
        time.as_micros().div_euclid(self.period)
    }

    fn start(&self, tick: i64) -> Timestamp {
        Timestamp::from_micros(tick.saturating_mul(self.period))
    }

    /// Puts a sample into its open frame, opening frames up to it.
    fn place(&mut self, tick: i64, sample: &Sample) {
        let base = self.base.unwrap_or(tick);
        let channels = self.ranges.len();
        let at = usize::try_from(tick - base).unwrap_or(0);
        while self.open.len() <= at {
            let cells = self.spare.pop().unwrap_or_else(|| vec![Cell::default(); channels]);
            self.open.push_back(cells);
        }
        let channel = sample.channel;
        let value = sample.value.and_then(|value| self.check(channel, value));
        let cell = &mut self.open[at][channel];
        match value {
            Err(reason) => self.counts.reject(Some(channel), reason),
            Ok(_) if cell.newest == Some(sample.time) => {
                self.counts.reject(Some(channel), BadSample::Duplicate);
            }
            Ok(value) => {
                cell.sum += value;
                cell.count += 1;
                cell.newest = Some(sample.time);
                self.counts.accepted[channel] += 1;
            }
        }
    }

    fn check(&self, channel: ChannelIx, value: f64) -> Result<f64, BadSample> {
        let (min, max) = self.ranges[channel];
        if !value.is_finite() {
            Err(BadSample::NotFinite)
        } else if min.is_some_and(|min| value < min) || max.is_some_and(|max| value > max) {
            Err(BadSample::OutOfRange)
        } else {
            Ok(value)
        }
    }

    /// A sample far from the present: it waits until others agree with it.
    fn suspect(&mut self, sample: &Sample, out: &mut impl FnMut(AlignEvent)) {
        let tick = self.tick(sample.time);
        let agrees = self.waiting.last().is_none_or(|last| {
            let step = tick - self.tick(last.time);
            (-MAX_LATE..=MAX_GAP).contains(&step)
        });
        if !agrees || self.waiting.len() == MAX_WAITING {
            self.drop_waiting();
        }
        self.waiting.push(*sample);
        let first = self.waiting.iter().map(|waiting| self.tick(waiting.time)).min().unwrap_or(tick);
        if tick - first + 1 < AGREE {
            return;
        }
        let believed = std::mem::take(&mut self.waiting);
        self.flush(out);
        let from = self.base.unwrap_or(first);
        if (from..=from + MAX_GAP).contains(&first) {
            self.close_until(self.start(first), out);
        } else {
            out(AlignEvent::Gap { from: self.start(from), to: self.start(first) });
        }
        self.base = Some(first);
        (self.newest, self.present) = (self.start(first), self.start(first));
        for sample in &believed {
            self.accept(sample, out);
        }
    }

    /// The old time goes on: what had jumped is counted and dropped.
    fn drop_waiting(&mut self) {
        for sample in self.waiting.drain(..) {
            let ahead = sample.time > self.newest;
            let reason = if ahead { BadSample::ClockAhead } else { BadSample::ClockBack };
            self.counts.reject(Some(sample.channel), reason);
        }
    }

    /// Closes every frame that ended by `watermark`, opening empty ones where nothing came.
    fn close_until(&mut self, watermark: Timestamp, out: &mut impl FnMut(AlignEvent)) {
        // The frame of `tick` has ended when the next one has begun.
        while let Some(base) = self.base
            && self.start(base + 1) <= watermark
        {
            self.close_first(out);
        }
    }

    fn close_first(&mut self, out: &mut impl FnMut(AlignEvent)) {
        let Some(base) = self.base else { return };
        let time = self.start(base);
        self.base = Some(base + 1);
        let values = match self.open.pop_front() {
            None => vec![f64::NAN; self.ranges.len()].into(),
            Some(mut cells) => {
                // The mean of a tick's samples; 0/0 is NaN, which is what an empty place is.
                let values = cells.iter().map(|cell| cell.sum / f64::from(cell.count)).collect();
                cells.fill(Cell::default());
                self.spare.push(cells);
                values
            }
        };
        out(AlignEvent::Frame(Frame { time, values }));
    }
}

#[cfg(test)]
mod tests;
