//! The last windows of a device: what onsets and shapes are read from.
//!
//! Memory is bounded: [`WINDOWS`] windows of four bytes per channel, and one reference per
//! channel for every [`REFERENCE_EVERY`] windows.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::reference::Reference;
use crate::detect::{Phase, Verdict};
use crate::signal::Window;
use crate::time::Timestamp;

/// Windows that are kept: ten minutes of 1 s windows, as long as the detector's own memory.
pub const WINDOWS: usize = 600;
/// A reference moves slowly, so only every so-manieth is kept.
const REFERENCE_EVERY: u32 = 16;
/// References that are kept: as far back as the windows.
const REFERENCES: usize = WINDOWS / REFERENCE_EVERY as usize + 1;

/// The last windows of a device, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct History {
    starts: VecDeque<Timestamp>,
    traces: Vec<Trace>,
    references: VecDeque<(Timestamp, Vec<Reference>)>,
    until_reference: u32,
}

/// One channel's values. Kept as differences from its first value: `f32` then holds small
/// movements of large values too.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Trace {
    origin: Option<f64>,
    values: VecDeque<f32>,
}

impl History {
    /// An empty history of a device with so many channels.
    #[must_use]
    pub fn new(channels: usize) -> Self {
        History {
            starts: VecDeque::new(),
            traces: vec![Trace::default(); channels],
            references: VecDeque::new(),
            until_reference: 0,
        }
    }

    /// Takes the next window. A channel that the window lacks counts as missing.
    pub fn push(&mut self, window: &Window, verdict: &Verdict) {
        keep(&mut self.starts, window.start, WINDOWS);
        for (channel, trace) in self.traces.iter_mut().enumerate() {
            let value = window.values.get(channel).copied().unwrap_or(f64::NAN);
            if value.is_finite() && trace.origin.is_none() {
                trace.origin = Some(value);
            }
            // Narrowing on purpose, see `Trace`.
            let difference = trace.origin.map_or(f64::NAN, |origin| value - origin) as f32;
            keep(&mut trace.values, difference, WINDOWS);
        }
        // While the detector is learning its references are not yet settled.
        if verdict.phase == Phase::Watching {
            if self.until_reference == 0 {
                self.until_reference = REFERENCE_EVERY;
                let references = verdict.channels.iter().map(Reference::of).collect();
                keep(&mut self.references, (window.start, references), REFERENCES);
            }
            self.until_reference -= 1;
        }
    }

    /// Whether it belongs to a device with so many channels and is whole.
    #[must_use]
    pub fn fits(&self, channels: usize) -> bool {
        self.traces.len() == channels
            && self.starts.len() <= WINDOWS
            && self.traces.iter().all(|trace| trace.values.len() == self.starts.len())
    }

    /// The start of a window.
    #[must_use]
    pub fn start(&self, index: usize) -> Option<Timestamp> {
        self.starts.get(index).copied()
    }

    /// The first window that does not start before `time`.
    #[must_use]
    pub fn index_from(&self, time: Timestamp) -> usize {
        // From the newest: a clock that jumped back leaves later times further behind.
        self.starts.iter().rposition(|start| *start < time).map_or(0, |before| before + 1)
    }

    /// The channel's values from window `from` on, in its unit; NaN where missing.
    pub fn values(&self, channel: usize, from: usize) -> impl DoubleEndedIterator<Item = f64> + '_ {
        let trace = self.traces.get(channel);
        let origin = trace.and_then(|trace| trace.origin).unwrap_or(f64::NAN);
        trace
            .into_iter()
            .flat_map(move |trace| trace.values.iter().skip(from))
            .map(move |v| f64::from(*v) + origin)
    }

    /// The channel's movement from window `from` on, in standard deviations from `reference`.
    #[must_use]
    pub fn movement(&self, channel: usize, from: usize, reference: &Reference) -> Vec<f32> {
        self.values(channel, from).map(|value| reference.movement(value) as f32).collect()
    }

    /// The mean of the channel's usable values among its last `windows`, but none before window
    /// `from`; `None` when there are none.
    #[must_use]
    pub fn recent_mean(&self, channel: usize, from: usize, windows: usize) -> Option<f64> {
        let from = from.max(self.starts.len().saturating_sub(windows));
        let (sum, count) = self
            .values(channel, from)
            .filter(|value| value.is_finite())
            .fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
        (count > 0).then(|| sum / f64::from(count))
    }

    /// The longest run of windows without a usable value, and of windows with the same value,
    /// before the newest `but` windows.
    #[must_use]
    pub fn longest_runs(&self, channel: usize, but: usize) -> Runs {
        let until = self.starts.len().saturating_sub(but);
        let mut runs = Runs { windows: until, ..Runs::default() };
        let (mut missing, mut flat, mut last) = (0, 0, f64::NAN);
        for value in self.values(channel, 0).take(until) {
            missing = if value.is_nan() { missing + 1 } else { 0 };
            if !value.is_nan() {
                flat = if value == last { flat + 1 } else { 0 };
                last = value;
                runs.usable += 1;
            }
            runs.missing = runs.missing.max(missing);
            runs.flat = runs.flat.max(flat);
        }
        runs
    }

    /// What was normal for every channel at the latest before `time`; `None` when nothing so old
    /// is known.
    #[must_use]
    pub fn references_before(&self, time: Timestamp) -> Option<&[Reference]> {
        self.references.iter().rev().find(|(at, _)| *at < time).map(|(_, references)| references.as_slice())
    }
}

/// How regularly a channel delivered and moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    /// Windows that were looked at.
    pub windows: usize,
    /// Windows among them with a usable value.
    pub usable: usize,
    /// Longest run without a usable value.
    pub missing: usize,
    /// Longest run without any change.
    pub flat: usize,
}

fn keep<T>(ring: &mut VecDeque<T>, item: T, most: usize) {
    if ring.len() == most {
        ring.pop_front();
    }
    ring.push_back(item);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::fixtures::{verdict, window};

    #[test]
    fn memory_is_bounded_and_the_oldest_goes_first() {
        let mut history = History::new(1);
        for t in 0..2 * WINDOWS as i64 {
            history.push(&window(t, &[t as f64]), &verdict(t, false, &[0.0]));
        }
        assert!(history.fits(1));
        assert_eq!(history.values(0, 0).next(), Some(WINDOWS as f64));
        assert_eq!(history.values(0, 0).count(), WINDOWS);
        assert_eq!(history.references.len(), REFERENCES);
    }

    #[test]
    fn small_movements_of_large_values_are_kept() {
        let mut history = History::new(1);
        for value in [1e9, 1e9 + 0.25] {
            history.push(&window(0, &[value]), &verdict(0, false, &[0.0]));
        }
        assert_eq!(history.values(0, 0).collect::<Vec<_>>(), [1e9, 1e9 + 0.25]);
    }

    #[test]
    fn a_channel_that_begins_late_is_missing_until_then() {
        let mut history = History::new(1);
        for value in [f64::NAN, f64::NAN, 3.0, 3.0, 3.0, 4.0] {
            history.push(&window(0, &[value]), &verdict(0, false, &[0.0]));
        }
        assert_eq!(history.recent_mean(0, 0, 2), Some(3.5));
        assert_eq!(history.longest_runs(0, 0), Runs { windows: 6, usable: 4, missing: 2, flat: 2 });
    }
}
