//! The sketch of one quantity: first its reference is collected, then spans are watched against it.

use serde::{Deserialize, Serialize};

use super::bins::Bins;
use super::psi;
use super::watch::{Chance, Moments, Watch};
use crate::time::Timestamp;

/// Below it a PSI is by convention no change worth a word, however many samples make it sure.
const NOTICEABLE: f64 = 0.1;

/// How much is collected and compared, and how sure one must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Samples of a span: what is compared with the reference at once.
    pub span: usize,
    /// Spans that make up the reference.
    pub blocks: usize,
    /// Probability that one span is beyond its limit by chance.
    pub alpha: f64,
}

/// The sketch of one quantity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sketch(State);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum State {
    /// The reference, as far as it is known; NaN is a missing sample. Thrown away once it is counted.
    Collecting(Vec<f32>),
    Watching(Box<Watch>, Chance),
}

impl Default for Sketch {
    fn default() -> Self {
        Sketch(State::Collecting(Vec::new()))
    }
}

impl Sketch {
    /// Takes a sample; NaN is a missing one. One that is not `quiet`, taken while an alarm stands,
    /// is no part of a reference. `bins` are used where the quantity has its own, otherwise the
    /// reference chooses them.
    pub fn push(&mut self, value: f32, time: Timestamp, quiet: bool, shape: &Shape, bins: Option<&Bins>) {
        match &mut self.0 {
            State::Collecting(samples) => {
                if quiet {
                    samples.push(value);
                }
                if samples.len() >= shape.span * shape.blocks {
                    self.0 = watching(samples, shape, bins);
                }
            }
            State::Watching(watch, chance) => {
                if watch.push(value, time, shape.span) {
                    watch.close(time, *chance, shape.alpha);
                }
            }
        }
    }

    /// What is watched against the reference; `None` while that is collected.
    #[must_use]
    pub fn watch(&self) -> Option<&Watch> {
        match &self.0 {
            State::Collecting(_) => None,
            State::Watching(watch, _) => Some(watch),
        }
    }

    /// How far chance gets, once it is known.
    #[must_use]
    pub fn chance(&self) -> Option<Chance> {
        match &self.0 {
            State::Collecting(_) => None,
            State::Watching(_, chance) => Some(*chance),
        }
    }

    /// Samples that the reference has so far; `None` once it is complete.
    #[must_use]
    pub fn collected(&self) -> Option<usize> {
        match &self.0 {
            State::Collecting(samples) => Some(samples.len()),
            State::Watching(..) => None,
        }
    }

    /// Whether what was read back can be counted with.
    #[must_use]
    pub fn fits(&self) -> bool {
        match &self.0 {
            State::Collecting(_) => true,
            State::Watching(watch, chance) => {
                watch.fits() && chance.dispersion >= 1.0 && chance.blocks.is_none_or(|blocks| blocks > 1)
            }
        }
    }
}

fn watching(samples: &[f32], shape: &Shape, bins: Option<&Bins>) -> State {
    let bins = bins.cloned().unwrap_or_else(|| Bins::of(samples));
    let counted: Vec<Vec<u32>> = samples.chunks_exact(shape.span).map(|block| bins.count(block)).collect();
    let dispersion = psi::dispersion(&counted, shape.span);
    let mut moments = Moments::default();
    let around = samples.iter().copied().find(|value| !value.is_nan()).map_or(0.0, f64::from);
    samples.iter().for_each(|&value| moments.push(f64::from(value) - around));
    let usual = moments.figures().map(|(mean, sd)| (mean + around, sd));
    let reference = bins.count(samples);
    let chance = Chance { dispersion, blocks: Some(counted.len()), floor: NOTICEABLE };
    State::Watching(Box::new(Watch::new(bins, reference, usual)), chance)
}
