//! The scorer's inputs: one row a mode, the last one for "none of these".
//!
//! A row says how well a mode fits, never which one it is, so that rows compare over modes, and a
//! mode that a site adds needs no training. The last row has the same figures of the fit that is best,
//! and of the case as a whole.

use super::fit::{Fit, fit};
use super::notes::Support;
use super::observed::Observed;
use super::pair::{Pair, pairs};
use super::table::{Scope, Table};

/// Figures a row.
pub const FEATURES: usize = 54;

/// Logarithms of ratios are limited to this, so that no sum leaves the range of training.
const LIMIT: f32 = 25.0;
/// What a mode on a machine where it is not known to occur loses, as a logarithm.
const FOREIGN: f32 = 2.0;
/// Weights are divided by this to be about 1.
const WEIGHT_SCALE: f32 = 5.0;

/// What a case is, without its modes.
#[derive(Clone, Debug)]
pub struct Seen<'a> {
    /// What is seen of each channel; `None` for one that is left out.
    pub channels: Vec<Option<&'a Observed>>,
    /// The kind of machine, where it is known.
    pub machine: Option<usize>,
    /// What the notes say of each mode of the table; `None` when there are none.
    pub notes: Option<&'a [Support]>,
}

/// Fits and rows of a case.
#[derive(Clone, Debug)]
pub struct Rows {
    /// How each mode fits, in the order of `modes`.
    pub fits: Vec<Fit>,
    /// `[modes + 1, FEATURES]`.
    pub values: Vec<f32>,
}

/// The rows of a case for some modes of the table, given by their places.
#[must_use]
pub fn rows(table: &Table, modes: &[usize], seen: &Seen<'_>) -> Rows {
    let fits: Vec<Fit> = modes.iter().map(|&mode| fit(&table.modes[mode], &seen.channels)).collect();
    let case = Case::of(table, modes, seen, &fits);
    let mut values = Vec::with_capacity((modes.len() + 1) * FEATURES);
    for place in 0..modes.len() {
        case.row(place, &mut values);
    }
    case.unknown(&mut values);
    Rows { fits, values }
}

/// Figures that several rows need.
struct Case<'a> {
    table: &'a Table,
    modes: &'a [usize],
    seen: &'a Seen<'a>,
    fits: &'a [Fit],
    /// Weight of each channel that deviates, 0 of others.
    weights: Vec<f32>,
    weight: f32,
    deviating: f32,
    there: f32,
    unreadable: f32,
    largest: f32,
    /// By mode: total with the machine, probability among the modes if these were all, and best other.
    totals: Vec<f32>,
    shares: Vec<f32>,
    /// Places of the modes with the highest and the second highest total.
    best: usize,
    next: usize,
    entropy: f32,
    /// What the best mode for each channel speaks for it; the highest of all modes.
    rest: Vec<f32>,
    /// By mode: with the second that suits it best; the highest sum of two.
    pairs: Vec<Pair>,
    best_pair: f32,
    /// The highest total of the modes that are at home on the machine.
    best_at_home: f32,
    support: Vec<Support>,
    most: Support,
    next_support: Support,
}

impl<'a> Case<'a> {
    fn of(table: &'a Table, modes: &'a [usize], seen: &'a Seen<'a>, fits: &'a [Fit]) -> Self {
        let there: Vec<&Observed> = seen.channels.iter().flatten().copied().collect();
        let weights: Vec<f32> = seen
            .channels
            .iter()
            .map(|channel| {
                channel.and_then(|channel| channel.moved.as_ref()).map_or(0.0, |moved| moved.weight)
            })
            .collect();
        let moved =
            || there.iter().filter_map(|channel| channel.moved.as_ref().map(|moved| (channel, moved)));
        let foreign: Vec<bool> = modes.iter().map(|&mode| belongs(table, mode, seen.machine) < 0.0).collect();
        let losses: Vec<f32> = foreign.iter().map(|&foreign| if foreign { FOREIGN } else { 0.0 }).collect();
        let totals: Vec<f32> = fits.iter().zip(&losses).map(|(fit, loss)| fit.total() - loss).collect();
        let at_home = totals.iter().zip(&foreign).filter(|(_, foreign)| !**foreign).map(|(total, _)| *total);
        let best_at_home = at_home.fold(-LIMIT, f32::max);
        let pairs = pairs(table, modes, fits, &losses, &weights);
        let best_pair =
            pairs.iter().zip(&totals).map(|(pair, total)| pair.gain + total).fold(-LIMIT, f32::max);
        let mut order: Vec<usize> = (0..modes.len()).collect();
        order.sort_by(|&one, &other| totals[other].total_cmp(&totals[one]));
        let best = order.first().copied().unwrap_or(0);
        let next = order.get(1).copied().unwrap_or(best);
        let most = totals.get(best).copied().unwrap_or(0.0);
        let exponentials: Vec<f32> = totals.iter().map(|total| (total - most).exp()).collect();
        let sum: f32 = exponentials.iter().sum();
        let shares: Vec<f32> = exponentials.iter().map(|share| share / sum.max(1.0)).collect();
        let entropy =
            -shares.iter().filter(|&&share| share > 0.0).map(|share| share * share.ln()).sum::<f32>();
        let rest = fits.iter().map(|fit| rest_of(fit, fits, &weights)).collect();
        let support: Vec<Support> =
            modes.iter().map(|&mode| seen.notes.map_or_else(Support::default, |notes| notes[mode])).collect();
        let top = |figure: &dyn Fn(&Support) -> f32| {
            let (mut first, mut second) = (0.0_f32, 0.0_f32);
            for value in support.iter().map(figure) {
                if value > first {
                    (first, second) = (value, first);
                } else if value > second {
                    second = value;
                }
            }
            (first, second)
        };
        let (words, phrase) = (top(&|support| support.words), top(&|support| support.phrase));
        Case {
            table,
            modes,
            seen,
            fits,
            weight: weights.iter().sum(),
            weights,
            deviating: moved().count() as f32,
            there: there.len() as f32,
            unreadable: moved()
                .filter(|(channel, _)| channel.kinds.is_empty())
                .map(|(_, moved)| moved.weight)
                .sum(),
            largest: moved().map(|(_, moved)| moved.weight).fold(0.0, f32::max),
            totals,
            shares,
            best,
            next,
            entropy,
            rest,
            pairs,
            best_pair,
            best_at_home,
            most: Support { words: words.0, phrase: phrase.0 },
            next_support: Support { words: words.1, phrase: phrase.1 },
            support,
        }
    }

    fn row(&self, place: usize, values: &mut Vec<f32>) {
        let mode = &self.table.modes[self.modes[place]];
        let of_mode = [
            belongs(self.table, self.modes[place], self.seen.machine),
            f32::from(u8::from(mode.benign)),
            f32::from(u8::from(mode.scope == Scope::Sensor)),
            f32::from(u8::from(mode.scope == Scope::Machine)),
            (mode.effects.len() as f32).ln_1p(),
        ];
        let rival = if place == self.best { self.next } else { self.best };
        let (mine, others) =
            (self.support[place], |most: f32, next: f32, mine: f32| if mine >= most { next } else { most });
        let of_notes = [
            mine.words.ln_1p(),
            mine.phrase,
            mine.words.ln_1p() - others(self.most.words, self.next_support.words, mine.words).ln_1p(),
            mine.phrase - others(self.most.phrase, self.next_support.phrase, mine.phrase),
        ];
        self.write(place, rival, 0.0, of_mode, of_notes, values);
    }

    fn unknown(&self, values: &mut Vec<f32>) {
        if self.fits.is_empty() {
            values.extend([0.0; FEATURES]);
            return;
        }
        let of_notes = [
            self.most.words.ln_1p(),
            self.most.phrase,
            self.most.words.ln_1p() - self.next_support.words.ln_1p(),
            self.most.phrase - self.next_support.phrase,
        ];
        let machine = if self.seen.machine.is_some() { 1.0 } else { 0.0 };
        self.write(self.best, self.next, 1.0, [machine, 0.0, 0.0, 0.0, 0.0], of_notes, values);
    }

    fn write(
        &self,
        place: usize,
        rival: usize,
        unknown: f32,
        of_mode: [f32; 5],
        of_notes: [f32; 4],
        values: &mut Vec<f32>,
    ) {
        let start = values.len();
        let fit = &self.fits[place];
        let there = fit.there.max(1e-3);
        let explained: f32 =
            fit.explains.iter().zip(&self.weights).map(|(share, weight)| share * weight).sum();
        let left = fit.left_over(&self.weights);
        let left_over: f32 = left.iter().map(|&channel| self.weights[channel]).sum();
        let left_count = left.len() as f32;
        let first = self.first_is_explained(fit);
        values.extend([
            unknown,
            fit.right / there,
            fit.wrong / there,
            fit.steady / there,
            1.0 - fit.there / fit.expected.max(1e-3),
            fit.worst_wrong,
            fit.worst_steady / WEIGHT_SCALE,
            (fit.count as f32).ln_1p(),
            fit.certainty,
            fit.begins,
            first,
            squeezed(fit.movement),
            fit.size,
            fit.form,
            fit.order,
            fit.size_shift,
            fit.size_spread,
            explained / self.weight.max(1e-3),
            left_over / WEIGHT_SCALE,
            left_count.ln_1p(),
            squeezed(self.totals[place]),
            squeezed(self.totals[place] - self.totals[rival]),
            self.shares[place],
            squeezed(self.rest[place]),
            self.rest[place].max(0.0) / left_over.max(1.0),
        ]);
        values.extend(of_mode);
        values.extend(of_notes);
        let best = &self.fits[self.best];
        values.extend([
            f32::from(u8::from(self.seen.notes.is_some())),
            self.deviating.ln_1p(),
            self.there.ln_1p(),
            self.deviating / self.there.max(1.0),
            self.largest / WEIGHT_SCALE,
            self.unreadable / self.weight.max(1e-3),
            self.entropy,
            squeezed(self.totals[self.best] - self.totals[self.next]),
            squeezed(self.totals[self.best]),
            best.right / best.there.max(1e-3),
            self.shares[self.best],
            self.best_support(),
            f32::from(u8::from(self.most.phrase > 0.0)),
            of_mode[0] * (1.0 - unknown) * self.shares[place],
        ]);
        let pair = self.pairs[place];
        let sum = self.totals[place] + pair.gain;
        values.extend([
            squeezed(pair.gain),
            squeezed(sum - self.totals[self.best]),
            squeezed(sum - self.best_pair),
            pair.left / self.weight.max(1e-3),
            pair.left / WEIGHT_SCALE,
            squeezed(self.totals[place] - self.best_at_home),
        ]);
        debug_assert_eq!(values.len(), start + FEATURES);
    }

    /// Whether the mode that fits best is also the one that the notes speak of most.
    fn best_support(&self) -> f32 {
        self.support[self.best].phrase - self.most.phrase
    }

    /// Whether the channel that began is explained; 0.5 when it cannot be told.
    fn first_is_explained(&self, fit: &Fit) -> f32 {
        let order = |channel: usize| {
            self.seen.channels[channel]
                .and_then(|channel| channel.moved.as_ref())
                .and_then(|moved| moved.order)
        };
        let first = (0..self.weights.len()).filter(|&c| order(c).is_some()).min_by_key(|&c| order(c));
        first.map_or(0.5, |channel| fit.explains[channel])
    }
}

/// Whether a mode is known on the kind of machine: 1, -1; 0 when either is open.
fn belongs(table: &Table, mode: usize, machine: Option<usize>) -> f32 {
    let machines = &table.modes[mode].machines;
    match machine {
        Some(machine) if !machines.is_empty() => {
            if machines.contains(&machine) {
                1.0
            } else {
                -1.0
            }
        }
        _ => 0.0,
    }
}

/// The most that another mode says of the channels that this one leaves over.
fn rest_of(fit: &Fit, fits: &[Fit], weights: &[f32]) -> f32 {
    let left = fit.left_over(weights);
    if left.is_empty() {
        return 0.0;
    }
    let says = |other: &Fit| left.iter().map(|&channel| other.speaks[channel]).sum::<f32>();
    fits.iter().map(says).fold(0.0, f32::max)
}

/// Linear around 0, logarithmic far from it.
fn squeezed(value: f32) -> f32 {
    (value.clamp(-LIMIT, LIMIT) / 2.0).asinh()
}
