//! The feature bank: what the scorer sees of every channel, made comparable by the channel's
//! own history.
//!
//! Promises, each with a test of that name:
//! - a tick costs the same however long the device has been watched, and memory does not grow;
//! - rescaling or shifting a channel changes no feature;
//! - a missing sample holds the features and counts the run, and touches no other channel;
//! - state that is saved and read back continues bit for bit.
//!
//! Units are ticks (windows), so the same bank fits any period. Per channel and tick:
//!
//! - `fast_s`: bias-corrected exponentially weighted mean of span s = 4, 8, 16, 32;
//! - `slow`: the same with a memory of [`SLOW_MEMORY`] ticks;
//! - lags L = 20, 30, 40, 60 that belong to the spans, so that a change cannot hide in the
//!   history it is compared with;
//! - `z(x)` of a statistic x: `x / sqrt(ms(t-L) + f²)`, where `ms` is its mean square with a
//!   memory of [`SPREAD_MEMORY`] ticks (winsorised at [`WINSOR`] rms once [`WINSOR_AFTER`] ticks
//!   are known) and `f` is half the smallest step the channel ever made, over √s.
//!
//! The 18 features of a tick, in this order:
//!
//! | # | name | what |
//! |---|---|---|
//! | 0–3 | `level_4` … `level_32` | z(`fast_s(t) - slow(t-L)`), directed |
//! | 4–7 | `walk_4` … `walk_32` | z(`fast_s(t) - fast_s(t-L)`), directed |
//! | 8 | `unrest` | z of the log of fast over lagged slow variance around `fast_16` |
//! | 9 | `step` | the last step over the lagged rms of steps, directed |
//! | 10 | `flat` | ln((1 + run of unchanged values) / (1 + the longest usual run)), at least 0 |
//! | 11 | `missing` | ln((1 + run of missing samples) / (1 + the longest usual run)), at least 0 |
//! | 12 | `colour` | ln(rms of `level_4` / rms of `level_32`) |
//! | 13 | `walkness` | ln(rms of `level_32` / noise of one step): a smooth walk is high, noise low |
//! | 14 | `hold` | ln(rms of `level_16` / rms of `walk_16`) |
//! | 15 | `resolution` | smallest step / rms of `level_16` |
//! | 16 | `peak` | largest past &#124;`level_16`&#124; z, forgotten over [`PEAK_MEMORY`] ticks |
//! | 17 | `age` | usable samples seen / 100, at most [`AGE_CAP`] |
//!
//! The 36 inputs of the scorer are these 18, then features 0–8 of 8 ticks ago, then features
//! 0–8 of 20 ticks ago. Directed ones are multiplied by the present sign of `level_16`, so that
//! up and down look alike; all go through sign(v)·ln(1 + |v|).
//!
//! A run counts only against what is usual for the channel: one that delivers every tenth tick,
//! never changes or never delivers at all is no news.

mod channel;
mod ewma;
mod history;

use serde::{Deserialize, Serialize};

pub use channel::ChannelBank;
pub use ewma::{Ewma, of_memory};

/// Spans of the fast means, in ticks.
pub const SPANS: [u32; 4] = [4, 8, 16, 32];
/// The lag that belongs to each span, in ticks.
pub const LAGS: [usize; 4] = [20, 30, 40, 60];
/// Memory of the slow level, in ticks: ten minutes at 1 Hz, the time an operating point lasts.
pub const SLOW_MEMORY: f64 = 600.0;
/// Memory of the spreads, in ticks: twice the level's, so that a spread outlives a new level.
pub const SPREAD_MEMORY: f64 = 1_200.0;
/// A statistic enters its own spread with at most this many rms: one fault must not blind.
pub const WINSOR: f64 = 3.0;
/// Ticks before winsorising begins: until then the rms itself is not known well enough.
pub const WINSOR_AFTER: u32 = 100;
/// Memory of peaks and of usual runs, in ticks.
pub const PEAK_MEMORY: f64 = 5_000.0;
/// Where `age` stops growing: beyond it every memory is full.
pub const AGE_CAP: f64 = 50.0;

/// Statistics with a sign and a history: four levels, four walks, the unrest.
pub const CONTRASTS: usize = 9;
/// Features of one tick.
pub const CURRENT: usize = 18;
/// How long ago the two looks back are, in ticks.
pub const LOOK_BACK: [usize; 2] = [8, 20];
/// Inputs of the scorer per channel.
pub const INPUTS: usize = CURRENT + LOOK_BACK.len() * CONTRASTS;

/// The feature bank of one device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bank {
    channels: Vec<ChannelBank>,
}

impl Bank {
    /// A bank that has seen nothing yet.
    #[must_use]
    pub fn new(channels: usize) -> Self {
        Bank { channels: (0..channels).map(|_| ChannelBank::new()).collect() }
    }

    /// Takes one value per channel; NaN is a missing sample. With `adapt` false, levels and
    /// spreads stay as they are: what is normal is not learnt from this tick.
    pub fn push(&mut self, values: &[f64], adapt: bool) {
        for (channel, &value) in self.channels.iter_mut().zip(values) {
            channel.push(value, adapt);
        }
    }

    /// Writes the scorer's inputs: one row of [`INPUTS`] per channel, in the channels' order.
    pub fn inputs(&self, rows: &mut [f32]) {
        for (channel, row) in self.channels.iter().zip(rows.chunks_exact_mut(INPUTS)) {
            channel.inputs(row);
        }
    }

    /// The channels, in the configuration's order.
    #[must_use]
    pub fn channels(&self) -> &[ChannelBank] {
        &self.channels
    }

    /// Takes the present level and spread of every channel as its normal ones.
    pub fn rebaseline(&mut self) {
        self.channels.iter_mut().for_each(ChannelBank::rebaseline);
    }

    /// Whether state that was read back has the shape this code works on.
    #[must_use]
    pub fn fits(&self, channels: usize) -> bool {
        self.channels.len() == channels && self.channels.iter().all(ChannelBank::fits)
    }
}

#[cfg(test)]
mod tests;
