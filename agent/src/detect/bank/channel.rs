//! The feature bank of one channel.

use serde::{Deserialize, Serialize};

use super::ewma::{Ewma, of_memory, of_span};
use super::history::History;
use super::{
    AGE_CAP, CONTRASTS, CURRENT, LAGS, LOOK_BACK, PEAK_MEMORY, SLOW_MEMORY, SPANS, SPREAD_MEMORY, WINSOR,
    WINSOR_AFTER,
};

/// Beyond it a value is as unusable as infinity: its square must stay finite.
const LARGEST: f64 = 1e100;
/// Steps below this share of the value are the rounding of arithmetic, not a change.
const ROUNDING: f64 = 1e-12;
/// No contrast says more than this; it also keeps a quotient by almost nothing finite.
const Z_CAP: f64 = 1e4;
/// Floor of the spread of `unrest`, a logarithm: 10 % in variance is never news.
const UNREST_FLOOR: f64 = 0.1;
/// The logarithm of a variance ratio stays within ± this.
const UNREST_CAP: f64 = 12.0;
/// Where the middle span stands in [`SPANS`]: its level gives the direction and the baseline.
const MIDDLE: usize = 2;
/// Samples that a re-baselined channel's new level and spread count for.
const REBASELINE_WEIGHT: f64 = 60.0;

const UNREST: usize = 8;
const STEP: usize = 9;
const FLAT: usize = 10;
const MISSING: usize = 11;
const DESCRIPTORS: usize = 12;

/// Columns of the history of what is normal, which stands still when nothing is to be learnt.
mod normal {
    use super::CONTRASTS;
    pub const SLOW: usize = 0;
    /// Mean squares of the nine contrasts.
    pub const SPREAD: usize = 1;
    pub const VARIANCE: usize = SPREAD + CONTRASTS;
    /// Mean square of the value around its lagged slow level.
    pub const SCALE: usize = VARIANCE + 1;
    pub const PEAK: usize = SCALE + 1;
    pub const WIDTH: usize = PEAK + 1;
}

/// Columns of the history of what is.
mod recent {
    use super::CONTRASTS;
    pub const FAST: usize = 0;
    /// The nine contrasts, squashed: each is read three times.
    pub const CONTRAST: usize = 4;
    pub const WIDTH: usize = CONTRAST + CONTRASTS;
}

/// A mean square that one outlier cannot inflate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Spread {
    square: Ewma,
    seen: u32,
}

impl Spread {
    fn push(&mut self, value: f64) {
        let mut square = value * value;
        if self.seen >= WINSOR_AFTER && self.square.mean() > 0.0 {
            square = square.min(WINSOR * WINSOR * self.square.mean());
        }
        self.seen = self.seen.saturating_add(1);
        self.square.push(square, of_memory(SPREAD_MEMORY));
    }

    fn mean(&self) -> f64 {
        self.square.mean()
    }
}

/// A run of equal things and how long it usually gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Run {
    length: u32,
    usual: f64,
}

impl Run {
    fn grow(&mut self) {
        self.length = self.length.saturating_add(1);
    }

    fn end(&mut self, adapt: bool) {
        if adapt {
            self.usual = f64::from(self.length).max(self.usual * (1.0 - of_memory(PEAK_MEMORY)));
        }
        self.length = 0;
    }

    /// How unusual the run is, in logarithms of its length.
    fn excess(&self) -> f64 {
        ((1.0 + f64::from(self.length)) / (1.0 + self.usual)).ln().max(0.0)
    }
}

/// The feature bank of one channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelBank {
    last: f64,
    seen: u64,
    resolution: f64,
    fast: [Ewma; 4],
    slow: Ewma,
    fast_variance: Ewma,
    slow_variance: Ewma,
    spreads: [Spread; CONTRASTS],
    step_spread: Spread,
    scale: Spread,
    peak: f64,
    flat: Run,
    missing: Run,
    normal: History,
    recent: History,
    features: [f64; CURRENT],
}

impl ChannelBank {
    pub(super) fn new() -> Self {
        ChannelBank {
            last: 0.0,
            seen: 0,
            resolution: 0.0,
            fast: Default::default(),
            slow: Ewma::default(),
            fast_variance: Ewma::default(),
            slow_variance: Ewma::default(),
            spreads: Default::default(),
            step_spread: Spread::default(),
            scale: Spread::default(),
            peak: 0.0,
            flat: Run::default(),
            missing: Run::default(),
            normal: History::new(normal::WIDTH),
            recent: History::new(recent::WIDTH),
            features: [0.0; CURRENT],
        }
    }

    pub(super) fn push(&mut self, value: f64, adapt: bool) {
        if value.is_nan() || value.abs() > LARGEST {
            // A channel that never delivered is not missed.
            if self.seen > 0 {
                self.missing.grow();
                self.features[MISSING] = self.missing.excess();
            }
            return;
        }
        if self.seen > 0 {
            self.missing.end(adapt);
        }
        self.features[MISSING] = 0.0;
        self.take_step(value, adapt);

        let residual = value - self.fast[MIDDLE].mean();
        for (mean, span) in self.fast.iter_mut().zip(SPANS) {
            mean.push(value, of_span(span));
        }
        self.seen += 1;
        let contrasts = self.contrasts(if self.seen == 1 { 0.0 } else { residual }, adapt);
        let around = self.lagged(normal::SLOW, MIDDLE).map(|slow| value - slow);

        let mut row = [0.0; recent::WIDTH];
        for (cell, mean) in row.iter_mut().zip(&self.fast) {
            *cell = mean.mean();
        }
        let (z, known) = self.normalise(&contrasts);
        for (cell, &z) in row[recent::CONTRAST..].iter_mut().zip(&z) {
            *cell = squash(z);
        }
        self.recent.push(&row);
        self.features[..CONTRASTS].copy_from_slice(&z);
        self.describe();

        if adapt {
            self.slow.push(value, of_memory(SLOW_MEMORY));
            for ((spread, &contrast), &known) in self.spreads.iter_mut().zip(&contrasts).zip(&known) {
                if known {
                    spread.push(contrast);
                }
            }
            if let Some(around) = around {
                self.scale.push(around);
            }
            self.peak = z[MIDDLE].abs().max(self.peak * (1.0 - of_memory(PEAK_MEMORY)));
            self.normal.push(&self.normal_row());
        }
        self.last = value;
    }

    /// The step from the last value: its size, the resolution, the flat run.
    fn take_step(&mut self, value: f64, adapt: bool) {
        if self.seen == 0 {
            return;
        }
        let step = value - self.last;
        if step.abs() <= ROUNDING * value.abs().max(self.last.abs()) {
            self.flat.grow();
            // A channel that never changed is not stuck.
            self.features[FLAT] = if self.resolution > 0.0 { self.flat.excess() } else { 0.0 };
            self.features[STEP] = 0.0;
            if adapt {
                self.step_spread.push(0.0);
            }
            return;
        }
        self.flat.end(adapt);
        self.features[FLAT] = 0.0;
        if self.resolution == 0.0 || step.abs() < self.resolution {
            self.resolution = step.abs();
        }
        self.features[STEP] = quotient(step, self.step_spread.mean(), self.resolution / 2.0);
        if adapt {
            self.step_spread.push(step);
        }
    }

    /// The nine raw statistics; one without its lagged history yet is NaN.
    fn contrasts(&mut self, residual: f64, adapt: bool) -> [f64; CONTRASTS] {
        let mut raw = [f64::NAN; CONTRASTS];
        for i in 0..SPANS.len() {
            let fast = self.fast[i].mean();
            // The present row is not in the histories yet, so a lag of L is L - 1 rows back.
            if let Some(slow) = self.lagged(normal::SLOW, i) {
                raw[i] = fast - slow;
            }
            if let Some(row) = self.recent.back(LAGS[i] - 1) {
                raw[SPANS.len() + i] = fast - row[recent::FAST + i];
            }
        }
        self.fast_variance.push(residual * residual, of_span(SPANS[MIDDLE]));
        if let Some(slow) = self.lagged(normal::VARIANCE, MIDDLE) {
            let floor = (self.resolution / 2.0).powi(2);
            let (above, below) = (self.fast_variance.mean() + floor, slow + floor);
            raw[UNREST] = match (above > 0.0, below > 0.0) {
                (true, true) => (above / below).ln().clamp(-UNREST_CAP, UNREST_CAP),
                (true, false) => UNREST_CAP,
                (false, true) => -UNREST_CAP,
                (false, false) => 0.0,
            };
        }
        if adapt {
            self.slow_variance.push(residual * residual, of_memory(SLOW_MEMORY));
        }
        raw
    }

    /// The contrasts over their own lagged spread, 0 where that is not known yet, and which of
    /// the contrasts exist already.
    fn normalise(&self, contrasts: &[f64; CONTRASTS]) -> ([f64; CONTRASTS], [bool; CONTRASTS]) {
        let mut z = [0.0; CONTRASTS];
        let mut known = [false; CONTRASTS];
        for i in 0..CONTRASTS {
            known[i] = !contrasts[i].is_nan();
            let span = if i == UNREST { MIDDLE } else { i % SPANS.len() };
            if let Some(square) = self.lagged(normal::SPREAD + i, span)
                && known[i]
                && (square > 0.0 || self.normal_ticks() >= 2 * LAGS[span])
            {
                let floor = if i == UNREST { UNREST_FLOOR } else { self.floor(span) };
                z[i] = quotient(contrasts[i], square, floor);
            }
        }
        (z, known)
    }

    /// The features that say what kind of channel this is.
    fn describe(&mut self) {
        let rms = |i: usize, span: usize| self.lagged(normal::SPREAD + i, span).unwrap_or(0.0).sqrt();
        let walk = SPANS.len();
        let level = rms(MIDDLE, MIDDLE);
        let descriptors = [
            log_ratio(rms(0, 0), rms(3, 3)),
            log_ratio(rms(3, 3), (self.step_spread.mean() / 2.0).sqrt()),
            log_ratio(level, rms(walk + MIDDLE, MIDDLE)),
            if level > 0.0 { (self.resolution / level).min(Z_CAP) } else { 0.0 },
            self.lagged(normal::PEAK, MIDDLE).unwrap_or(0.0),
            (self.seen as f64 / 100.0).min(AGE_CAP),
        ];
        self.features[DESCRIPTORS..].copy_from_slice(&descriptors);
    }

    fn normal_row(&self) -> [f64; normal::WIDTH] {
        let mut row = [0.0; normal::WIDTH];
        row[normal::SLOW] = self.slow.mean();
        for (cell, spread) in row[normal::SPREAD..].iter_mut().zip(&self.spreads) {
            *cell = spread.mean();
        }
        row[normal::VARIANCE] = self.slow_variance.mean();
        row[normal::SCALE] = self.scale.mean();
        row[normal::PEAK] = self.peak;
        row
    }

    /// A figure of what was normal one lag before the present tick.
    fn lagged(&self, column: usize, span: usize) -> Option<f64> {
        self.normal.back(LAGS[span] - 1).map(|row| row[column])
    }

    fn normal_ticks(&self) -> usize {
        self.normal.pushed()
    }

    fn floor(&self, span: usize) -> f64 {
        self.resolution / 2.0 / f64::from(SPANS[span]).sqrt()
    }

    /// Writes the scorer's [`super::INPUTS`] figures for this channel.
    pub fn inputs(&self, row: &mut [f32]) {
        let sign = if self.features[MIDDLE] < 0.0 { -1.0 } else { 1.0 };
        let directed = |i: usize, v: f64| if i < UNREST || i == STEP { v * sign } else { v };
        let contrasts = |lag: usize, cells: &mut [f32]| match self.recent.back(lag) {
            Some(then) => {
                for (i, (cell, &v)) in cells.iter_mut().zip(&then[recent::CONTRAST..]).enumerate() {
                    *cell = directed(i, v) as f32;
                }
            }
            None => cells.fill(0.0),
        };
        let (current, past) = row.split_at_mut(CURRENT);
        contrasts(0, &mut current[..CONTRASTS]);
        for (i, (cell, &v)) in current.iter_mut().zip(&self.features).enumerate().skip(CONTRASTS) {
            *cell = directed(i, squash(v)) as f32;
        }
        for (cells, lag) in past.chunks_exact_mut(CONTRASTS).zip(LOOK_BACK) {
            contrasts(lag, cells);
        }
    }

    /// The newest features, in the module's order, neither directed nor squashed.
    #[must_use]
    pub fn features(&self) -> &[f64; CURRENT] {
        &self.features
    }

    /// Whether a usable sample ever came.
    #[must_use]
    pub fn has_delivered(&self) -> bool {
        self.seen > 0
    }

    /// The mean of the last few values (span 8), in the channel's unit.
    #[must_use]
    pub fn level(&self) -> f64 {
        self.fast[1].mean()
    }

    /// What is normal: the slow level of one lag ago, in the channel's unit.
    #[must_use]
    pub fn baseline(&self) -> f64 {
        self.lagged(normal::SLOW, MIDDLE).unwrap_or(self.slow.mean())
    }

    /// How far the channel normally moves around its baseline: one rms, in its unit, at least
    /// half its resolution.
    #[must_use]
    pub fn scale(&self) -> f64 {
        let square = self.lagged(normal::SCALE, MIDDLE).unwrap_or(self.scale.mean());
        (square + (self.resolution / 2.0).powi(2)).sqrt()
    }

    /// Ticks since the last usable sample.
    #[must_use]
    pub fn missing_run(&self) -> u32 {
        self.missing.length
    }

    /// How unusual the present run of missing or unchanged values is: the logarithm of its length
    /// over the longest usual one's, 0 for a usual run.
    #[must_use]
    pub fn run_excess(&self) -> f64 {
        self.features[MISSING].max(self.features[FLAT])
    }

    /// Ticks for which the value has not changed.
    #[must_use]
    pub fn flat_run(&self) -> u32 {
        self.flat.length
    }

    pub(super) fn rebaseline(&mut self) {
        if self.seen == 0 {
            return;
        }
        let weight = REBASELINE_WEIGHT / SLOW_MEMORY;
        self.slow.reset(self.fast[MIDDLE].mean(), weight);
        self.slow_variance.reset(self.fast_variance.mean(), weight);
        self.flat.usual = self.flat.usual.max(f64::from(self.flat.length));
        self.missing.usual = self.missing.usual.max(f64::from(self.missing.length));
        self.features[FLAT] = 0.0;
        self.features[MISSING] = 0.0;
        let row = self.normal_row();
        for _ in 0..super::history::DEPTH {
            self.normal.push(&row);
        }
    }

    pub(super) fn fits(&self) -> bool {
        let finite = [self.last, self.resolution, self.peak, self.flat.usual, self.missing.usual];
        self.normal.fits(normal::WIDTH)
            && self.recent.fits(recent::WIDTH)
            && self.seen < u64::MAX / 2
            && finite.iter().chain(&self.features).all(|v| v.is_finite())
    }
}

/// `value / sqrt(square + floor²)`; 0 where nothing is known to compare with.
fn quotient(value: f64, square: f64, floor: f64) -> f64 {
    let spread = (square + floor * floor).sqrt();
    if spread > 0.0 { (value / spread).clamp(-Z_CAP, Z_CAP) } else { 0.0 }
}

fn log_ratio(a: f64, b: f64) -> f64 {
    if a > 0.0 && b > 0.0 { (a / b).ln() } else { 0.0 }
}

fn squash(v: f64) -> f64 {
    v.abs().ln_1p().copysign(v)
}
