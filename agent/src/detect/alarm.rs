//! From scores to alarms: a limit that holds the stated rate of false alarms, and rises where
//! the device's own past shows that the model is easily excited by it.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::model::Calibration;

/// Peaks are taken as the maxima of blocks of so many ticks, so that one excitement counts once.
const BLOCK: u64 = 60;
/// Blocks that are remembered: 5 000 ticks.
const BLOCKS: usize = 83;
/// A block counts only so many ticks after its end: a fault that is beginning must not raise its
/// own limit.
const LATE: u64 = 20;
/// Scores of the first ticks come from too short a history to count as peaks.
const PEAKS_FROM: u64 = 100;
/// Ticks in a row below the clearing limit after which an alarm clears.
const QUIET: u32 = 10;

/// The alarm layer of one device.
#[derive(Clone, Debug)]
pub struct AlarmLayer {
    base: f32,
    hold: usize,
    clear_margin: f32,
    past_peaks: usize,
    past: AlarmPast,
}

/// What an alarm layer learnt; its settings are not part of it, so that a changed rate of false
/// alarms takes effect on a device that is calibrated already.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AlarmPast {
    held: VecDeque<f32>,
    tick: u64,
    block: Option<f32>,
    /// Peaks of complete blocks with the tick at which they count, then the peaks that count.
    settling: VecDeque<(u64, f32)>,
    peaks: VecDeque<f32>,
    limit: f32,
    standing: bool,
    quiet: u32,
    /// The highest held score of the standing alarm.
    top: f32,
}

impl AlarmLayer {
    /// A layer without a past; `rate` is the false alarms per tick that are wanted.
    #[must_use]
    pub fn new(calibration: &Calibration, rate: f64) -> Self {
        let base = calibration.limit(rate);
        let past = AlarmPast {
            held: VecDeque::with_capacity(calibration.hold),
            tick: 0,
            block: None,
            settling: VecDeque::new(),
            peaks: VecDeque::new(),
            limit: base,
            standing: false,
            quiet: 0,
            top: f32::NEG_INFINITY,
        };
        AlarmLayer {
            base,
            hold: calibration.hold,
            clear_margin: calibration.clear_margin,
            past_peaks: calibration.past_peaks,
            past,
        }
    }

    /// Takes the score of a tick; an alarm can be raised only when `armed`. Whether one stands.
    pub fn push(&mut self, score: f32, armed: bool) -> bool {
        let past = &mut self.past;
        if past.held.len() == self.hold {
            past.held.pop_front();
        }
        past.held.push_back(score);
        let held = if past.held.len() == self.hold {
            past.held.iter().copied().fold(f32::INFINITY, f32::min)
        } else {
            f32::NEG_INFINITY
        };
        self.learn(held);
        let past = &mut self.past;
        if !armed {
            return false;
        }
        if !past.standing {
            if held > past.limit {
                past.standing = true;
                past.quiet = 0;
                past.top = held;
                // What led to the alarm is no part of the normal past.
                past.block = None;
                past.settling.clear();
            }
        } else {
            past.top = past.top.max(held);
            past.quiet = if held < past.limit - self.clear_margin { past.quiet + 1 } else { 0 };
            past.standing = past.quiet < QUIET;
        }
        past.standing
    }

    fn learn(&mut self, held: f32) {
        let past = &mut self.past;
        past.tick = past.tick.saturating_add(1);
        if !past.standing && past.tick >= PEAKS_FROM {
            past.block = Some(past.block.map_or(held, |peak| peak.max(held)));
        }
        if past.tick.is_multiple_of(BLOCK)
            && let Some(peak) = past.block.take()
        {
            past.settling.push_back((past.tick + LATE, peak));
        }
        while let Some(&(from, peak)) = self.past.settling.front()
            && from <= self.past.tick
        {
            self.past.settling.pop_front();
            self.remember(peak);
        }
    }

    fn remember(&mut self, peak: f32) {
        if self.past.peaks.len() == BLOCKS {
            self.past.peaks.pop_front();
        }
        self.past.peaks.push_back(peak);
        self.past.limit = self.base.max(self.past_limit());
    }

    /// The so-manieth largest peak of the past.
    fn past_limit(&self) -> f32 {
        let mut peaks: Vec<f32> = self.past.peaks.iter().copied().collect();
        peaks.sort_by(|a, b| b.total_cmp(a));
        peaks.get(self.past_peaks - 1).copied().unwrap_or(f32::NEG_INFINITY)
    }

    /// Ends a standing alarm that an operator called normal: its peak counts as one of the past,
    /// and the scores that led to it cannot raise the next one.
    pub fn dismiss(&mut self) {
        if self.past.standing {
            self.past.standing = false;
            self.past.held.clear();
            self.remember(self.past.top);
        }
    }

    /// What it learnt.
    #[must_use]
    pub fn past(&self) -> &AlarmPast {
        &self.past
    }

    /// Continues with what was learnt before, at this layer's own rate of false alarms.
    pub fn resume(&mut self, past: AlarmPast) {
        self.past = past;
        self.past.held.truncate(self.hold);
        self.past.limit = self.base.max(self.past_limit());
    }

    /// The limit in force.
    #[must_use]
    pub fn limit(&self) -> f32 {
        self.past.limit
    }

    /// Whether an alarm stands.
    #[must_use]
    pub fn standing(&self) -> bool {
        self.past.standing
    }
}

impl AlarmPast {
    /// Whether state that was read back has the shape this code works on.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.tick < u64::MAX / 2 && self.quiet <= QUIET && self.peaks.len() <= BLOCKS
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn layer() -> AlarmLayer {
        AlarmLayer::new(
            &Calibration {
                limits: vec![(1e-4, 5.0)],
                hold: 4,
                clear_margin: 1.5,
                past_peaks: 3,
                novelty_ratio: 0.0,
                pooling: 2.0,
            },
            1e-4,
        )
    }

    fn raised(layer: &mut AlarmLayer, scores: impl IntoIterator<Item = f32>) -> usize {
        let mut before = layer.standing();
        let mut count = 0;
        for score in scores {
            let now = layer.push(score, true);
            count += usize::from(now && !before);
            before = now;
        }
        count
    }

    #[test]
    fn an_excitement_shorter_than_the_hold_raises_nothing() {
        let mut layer = layer();
        assert_eq!(raised(&mut layer, [0.0, 9.0, 9.0, 9.0, 0.0, 9.0, 9.0, 9.0, 0.0]), 0);
    }

    #[test]
    fn one_episode_raises_one_alarm_even_when_the_score_flickers() {
        let mut layer = layer();
        let flicker = (0..200).map(|i| if i % 5 == 0 { 4.0 } else { 9.0 });
        assert_eq!(raised(&mut layer, flicker.chain(std::iter::repeat_n(0.0, 50))), 1);
        assert!(!layer.standing());
    }

    #[test]
    fn a_device_that_is_easily_excited_gets_a_higher_limit() {
        let mut layer = layer();
        for tick in 0..1_200 {
            layer.push(if tick % 120 < 10 { 8.0 } else { 1.0 }, false);
        }
        assert!(layer.limit() >= 8.0, "{}", layer.limit());
    }

    #[test]
    fn a_changed_rate_takes_effect_on_what_was_learnt_before() {
        let mut learnt = layer();
        raised(&mut learnt, std::iter::repeat_n(1.0, 400));
        let mut stricter = layer();
        stricter.base = 6.0;
        stricter.resume(learnt.past().clone());
        assert!(stricter.limit() >= 6.0);
    }

    proptest! {
        #[test]
        fn the_limit_is_never_below_what_the_rate_asks_for(scores in prop::collection::vec(-50.0f32..50.0, 0..600)) {
            let mut layer = layer();
            for score in scores {
                layer.push(score, true);
                prop_assert!(layer.limit() >= 5.0);
            }
        }
    }
}
