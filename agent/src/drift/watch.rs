//! A reference and the newest span beside it: when the span is complete, they are compared.

use serde::{Deserialize, Serialize};

use super::bins::Bins;
use super::psi;
use crate::time::Timestamp;

/// So many spans in a row must be beyond the limit before it is called drift, and within it before
/// it is over: a day of maintenance or a fault that was repaired is no drift.
pub const PERSISTENCE: u32 = 2;

/// How a reference was come by, and so how far chance gets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chance {
    /// By what factor spans differ more than independent samples would.
    pub dispersion: f64,
    /// On how many blocks that was measured; `None` where it had not to be.
    pub blocks: Option<usize>,
    /// Below this PSI nothing is called drift, however sure it is.
    pub floor: f64,
}

/// The newest complete span against the reference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// How far it is from the reference.
    pub psi: f64,
    /// Beyond this chance alone gets too seldom.
    pub limit: f64,
    /// The mean's move in standard deviations of the reference, where that has one.
    pub shift_sd: Option<f64>,
    /// The standard deviation as a multiple of the reference's, where that has one.
    pub spread: Option<f64>,
    /// When the span ended.
    pub until: Timestamp,
}

/// Sums of the values that are not missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    count: u32,
    sum: f64,
    square: f64,
}

impl Moments {
    /// Takes a value; NaN is none.
    pub fn push(&mut self, value: f64) {
        if !value.is_nan() {
            self.count += 1;
            self.sum += value;
            self.square += value * value;
        }
    }

    /// Mean and standard deviation; `None` of nothing.
    #[must_use]
    pub fn figures(&self) -> Option<(f64, f64)> {
        let count = f64::from(self.count);
        let mean = self.sum / count;
        (self.count > 0).then(|| (mean, (self.square / count - mean * mean).max(0.0).sqrt()))
    }
}

/// A reference, and the span that is being counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    bins: Bins,
    reference: Vec<u32>,
    /// Mean and standard deviation of the reference, where they are known.
    usual: Option<(f64, f64)>,
    counts: Vec<u32>,
    /// Of the open span, around the reference's mean: a small movement on a large level keeps its digits.
    moments: Moments,
    began: Timestamp,
    newest: Option<Comparison>,
    beyond: u32,
    within: u32,
    /// When the first span of the present row beyond the limit began.
    first: Timestamp,
    since: Option<Timestamp>,
}

impl Watch {
    /// Watches against a reference.
    #[must_use]
    pub fn new(bins: Bins, reference: Vec<u32>, usual: Option<(f64, f64)>) -> Self {
        let counts = vec![0; bins.number()];
        let never = Timestamp::EPOCH;
        Watch {
            bins,
            reference,
            usual,
            counts,
            moments: Moments::default(),
            began: never,
            newest: None,
            beyond: 0,
            within: 0,
            first: never,
            since: None,
        }
    }

    /// Counts a value; NaN is a missing one. Returns whether it completed a span of `span` samples.
    pub fn push(&mut self, value: f32, time: Timestamp, span: usize) -> bool {
        if self.counted() == 0 {
            self.began = time;
        }
        self.counts[self.bins.index(value)] += 1;
        self.moments.push(f64::from(value) - self.usual.map_or(0.0, |(mean, _)| mean));
        self.counted() >= span
    }

    /// Compares the span that ends now with the reference, says whether it has drifted, and begins
    /// the next one.
    pub fn close(&mut self, time: Timestamp, chance: Chance, alpha: f64) {
        let comparison = self.compare(time, chance, alpha);
        self.judge(comparison.psi > comparison.limit);
        self.newest = Some(comparison);
        self.begin();
    }

    /// Compares the span that ends now with a reference that is not of this machine, and begins the
    /// next one: to be unlike it is worth knowing, and no drift. Without `chance` nothing can be
    /// said, and the span is let go.
    pub fn look(&mut self, time: Timestamp, chance: Option<Chance>, alpha: f64) {
        if let Some(chance) = chance {
            self.newest = Some(self.compare(time, chance, alpha));
        }
        self.begin();
    }

    fn begin(&mut self) {
        self.counts.fill(0);
        self.moments = Moments::default();
    }

    fn compare(&self, until: Timestamp, chance: Chance, alpha: f64) -> Comparison {
        let known: u32 = self.reference.iter().sum();
        let usual = psi::independent(&self.reference, self.counted(), known as usize) * chance.dispersion;
        let (mut shift_sd, mut spread) = (None, None);
        if let (Some((_, sd)), Some((shift, now))) = (self.usual, self.moments.figures())
            && sd > 0.0
        {
            shift_sd = Some(shift / sd).filter(|shift| shift.is_finite());
            spread = Some(now / sd).filter(|spread| spread.is_finite());
        }
        let limit = (usual * psi::excess(alpha, chance.blocks)).max(chance.floor);
        Comparison { psi: psi::psi(&self.reference, &self.counts), limit, shift_sd, spread, until }
    }

    fn judge(&mut self, beyond: bool) {
        if beyond {
            if self.beyond == 0 {
                self.first = self.began;
            }
            (self.beyond, self.within) = (self.beyond.saturating_add(1), 0);
        } else {
            (self.beyond, self.within) = (0, self.within.saturating_add(1));
        }
        if self.beyond >= PERSISTENCE && self.since.is_none() {
            self.since = Some(self.first);
        }
        if self.within >= PERSISTENCE {
            self.since = None;
        }
    }

    /// The newest complete span.
    #[must_use]
    pub fn newest(&self) -> Option<Comparison> {
        self.newest
    }

    /// Since when it has drifted, if it has.
    #[must_use]
    pub fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// Samples of the open span.
    #[must_use]
    pub fn counted(&self) -> usize {
        self.counts.iter().sum::<u32>() as usize
    }

    /// Whether its reference is this one.
    #[must_use]
    pub fn is_against(&self, bins: &Bins, reference: &[u32]) -> bool {
        self.bins == *bins && self.reference == reference
    }

    /// Whether what was read back can be counted with.
    #[must_use]
    pub fn fits(&self) -> bool {
        let bins = self.bins.number();
        self.bins.fits() && self.reference.len() == bins && self.counts.len() == bins
    }
}
