//! The novelty gate: a state that the machine has been in before is not an anomaly, however far
//! it is from the recent level. It takes daily and PLC cycles out of the alarms.
//!
//! Its cost does not grow: [`CAPACITY`] states are compared, channel by channel in contiguous
//! memory.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::bank::{Bank, Ewma, of_memory};

/// A state is remembered every so many ticks: neighbours in time are alike.
const EVERY: u32 = 4;
/// States that are remembered; with [`EVERY`] the last 4 096 ticks.
const CAPACITY: usize = 1_024;
/// Ticks after which a state counts as past: a fault that is beginning must not find itself.
const DELAY: usize = 60;
/// The same in remembered states.
const WAITING: usize = DELAY / EVERY as usize;
/// The usual novelty is the largest of the past, forgotten over this many ticks.
const FORGET: f32 = 4_000.0;
/// Memory of a channel's spread, in ticks.
const SPREAD: f64 = 600.0;

/// The past states of a device.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NoveltyGate {
    scales: Vec<Scale>,
    /// Remembered states, `[channels, CAPACITY]`, relative to each channel's first level.
    past: Vec<f32>,
    filled: usize,
    next: usize,
    waiting: VecDeque<Vec<f32>>,
    usual: f32,
    recent: VecDeque<f32>,
    tick: u32,
    #[serde(skip)]
    scratch: Scratch,
}

/// Buffers that live from tick to tick only to spare their allocation.
#[derive(Clone, Debug, Default)]
struct Scratch {
    state: Vec<f32>,
    distances: Vec<f32>,
}

/// How far a channel usually moves.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Scale {
    mean: Ewma,
    square: Ewma,
    /// First, lowest and highest level.
    range: Option<(f64, f64, f64)>,
}

impl Scale {
    /// Takes a level; gives it relative to the first one, and one over the channel's spread: its
    /// standard deviation, but at least a quarter of its range, so that a channel that hardly
    /// ever moves does not decide alone. What is not to be learnt does not widen the spread.
    fn push(&mut self, level: f64, learn: bool) -> (f32, f32) {
        if learn || self.range.is_none() {
            let spread = if self.range.is_some() { level - self.mean.mean() } else { 0.0 };
            self.mean.push(level, of_memory(SPREAD));
            self.square.push(spread * spread, of_memory(SPREAD));
        }
        let (first, low, high) = self.range.unwrap_or((level, level, level));
        let (low, high) = if learn { (low.min(level), high.max(level)) } else { (low, high) };
        self.range = Some((first, low, high));
        let scale = self.square.mean().sqrt().max((high - low) / 4.0);
        let inverse = if scale > 0.0 { (1.0 / scale) as f32 } else { 0.0 };
        ((level - first) as f32, if inverse.is_finite() { inverse } else { 0.0 })
    }
}

impl NoveltyGate {
    /// A gate that has seen nothing.
    #[must_use]
    pub fn new(channels: usize) -> Self {
        NoveltyGate {
            scales: vec![Scale::default(); channels],
            past: vec![0.0; channels * CAPACITY],
            filled: 0,
            next: 0,
            waiting: VecDeque::new(),
            usual: 0.0,
            recent: VecDeque::with_capacity(DELAY + 1),
            tick: 0,
            scratch: Scratch::default(),
        }
    }

    /// Takes the bank's state of this tick and gives its novelty: the distance to the nearest
    /// past state as a share of the largest usual one. Infinite while there is no past.
    ///
    /// `learn` is false while an alarm stands: a fault must not become a known state.
    pub fn push(&mut self, bank: &Bank, learn: bool) -> f32 {
        let Scratch { state, distances } = &mut self.scratch;
        state.clear();
        distances.clear();
        distances.resize(self.filled, 0.0);
        for ((scale, channel), past) in
            self.scales.iter_mut().zip(bank.channels()).zip(self.past.chunks_exact(CAPACITY))
        {
            if !channel.has_delivered() {
                state.push(0.0);
                continue;
            }
            let (level, inverse) = scale.push(channel.level(), learn);
            state.push(level);
            for (distance, &then) in distances.iter_mut().zip(past) {
                let apart = (then - level) * inverse;
                *distance += apart * apart;
            }
        }
        let square = distances.iter().copied().fold(f32::INFINITY, f32::min);
        let nearest = (self.filled > 0).then(|| square.sqrt());
        if learn {
            self.remember(nearest);
        }
        match nearest {
            Some(distance) if self.usual > 0.0 => distance / self.usual,
            _ => f32::INFINITY,
        }
    }

    fn remember(&mut self, nearest: Option<f32>) {
        self.usual *= 1.0 - 1.0 / FORGET;
        if let Some(distance) = nearest {
            self.recent.push_back(distance);
            if self.recent.len() > DELAY {
                self.usual = self.usual.max(self.recent.pop_front().unwrap_or(0.0));
            }
        }
        self.tick = self.tick.wrapping_add(1);
        if !self.tick.is_multiple_of(EVERY) {
            return;
        }
        self.waiting.push_back(self.scratch.state.clone());
        if self.waiting.len() <= WAITING {
            return;
        }
        let Some(settled) = self.waiting.pop_front() else { return };
        for (past, level) in self.past.chunks_exact_mut(CAPACITY).zip(settled) {
            past[self.next] = level;
        }
        self.next = (self.next + 1) % CAPACITY;
        self.filled = (self.filled + 1).min(CAPACITY);
    }

    /// Whether state that was read back has the shape this code works on.
    #[must_use]
    pub fn fits(&self, channels: usize) -> bool {
        self.scales.len() == channels
            && self.past.len() == channels * CAPACITY
            && self.filled <= CAPACITY
            && self.next < CAPACITY
            && self.waiting.len() <= WAITING + 1
            && self.waiting.iter().all(|state| state.len() == channels)
            && self.recent.len() <= DELAY + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cycle of 200 ticks, then a level that was never there.
    fn cycle(tick: u32) -> f64 {
        1e6 + if tick % 200 < 100 { 0.0 } else { 0.05 }
    }

    #[test]
    fn a_cycle_the_machine_has_run_before_is_not_new_and_another_level_is() {
        let (mut bank, mut gate) = (Bank::new(1), NoveltyGate::new(1));
        let mut seen = f32::INFINITY;
        for tick in 0..2_000 {
            bank.push(&[cycle(tick)], true);
            seen = gate.push(&bank, true);
        }
        assert!(seen < 0.4, "{seen}");
        for _ in 0..20 {
            bank.push(&[1e6 + 0.2], true);
            seen = gate.push(&bank, true);
        }
        assert!(seen > 1.0, "{seen}");
    }

    #[test]
    fn what_is_not_to_be_learnt_stays_new() {
        let (mut bank, mut gate) = (Bank::new(1), NoveltyGate::new(1));
        for tick in 0..2_000 {
            bank.push(&[cycle(tick)], true);
            gate.push(&bank, true);
        }
        let mut seen = 0.0;
        for _ in 0..500 {
            bank.push(&[1e6 + 0.2], true);
            seen = gate.push(&bank, false);
        }
        assert!(seen > 1.0, "{seen}");
    }
}
