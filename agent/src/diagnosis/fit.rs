//! How one mode fits what is seen.

use super::likelihood;
use super::observed::{Moved, Observed};
use super::table::{Effect, Mode, Scope};

/// A channel that is less surely of a kind belongs to one effect of a mode only: the likeliest.
const SURE: f32 = 0.6;
/// Of several channels of a kind, those count that are nearly as surely so as the surest.
const NEARLY: f32 = 0.6;

/// A channel of which less is explained is left over.
pub const EXPLAINED: f32 = 0.25;

/// How a mode fits.
#[derive(Clone, Debug, Default)]
pub struct Fit {
    /// Sums over effects of how often each is seen: all, those with a channel, and of these the ones
    /// that move as expected, the opposite or another way, and not at all.
    pub expected: f32,
    pub there: f32,
    pub right: f32,
    pub wrong: f32,
    pub steady: f32,
    /// The most that one effect counts against the mode by moving wrongly, by not moving.
    pub worst_wrong: f32,
    pub worst_steady: f32,
    /// Effects that are right.
    pub count: u32,
    /// Mean certainty of their channels.
    pub certainty: f32,
    /// The effects that begin: of those with a channel, the share that is right.
    pub begins: f32,
    /// Logarithms of likelihood ratios: of movements, sizes, forms, orders.
    pub movement: f32,
    pub size: f32,
    pub form: f32,
    pub order: f32,
    /// Mean deviation of sizes from the expected ones, in binary logarithms: common, and what is left.
    pub size_shift: f32,
    pub size_spread: f32,
    /// For each channel, how much of it the mode explains, 0 to 1.
    pub explains: Vec<f32>,
    /// For each channel, what its movement speaks for the mode.
    pub speaks: Vec<f32>,
    /// For each channel, all that it says for or against the mode; `None` where the mode expects nothing of it.
    pub says: Vec<Option<f32>>,
}

impl Fit {
    /// All that is seen, as one logarithm of a likelihood ratio.
    #[must_use]
    pub fn total(&self) -> f32 {
        self.movement + self.size + self.form + self.order
    }

    /// Places of the channels that deviate and that it does not explain; `weights` are 0 for those that do not deviate.
    #[must_use]
    pub fn left_over(&self, weights: &[f32]) -> Vec<usize> {
        (0..weights.len()).filter(|&place| weights[place] > 0.0 && self.explains[place] < EXPLAINED).collect()
    }
}

/// Fits a mode to what is seen. `None` in `channels` is a channel that is left out.
#[must_use]
pub fn fit(mode: &Mode, channels: &[Option<&Observed>]) -> Fit {
    let count = channels.len();
    let (explains, speaks, says) = (vec![0.0; count], vec![0.0; count], vec![None; count]);
    let empty = Fit { explains, speaks, says, ..Fit::default() };
    match mode.scope {
        Scope::Part => of_part(mode, channels, empty),
        Scope::Sensor => of_sensor(&mode.effects[0], channels, empty),
        Scope::Machine => of_machine(&mode.effects[0], channels, empty),
    }
}

/// An effect with a channel that may be of its kind.
struct Pair<'a> {
    effect: usize,
    channel: usize,
    certainty: f32,
    moved: Option<&'a Moved>,
}

fn pairs<'a>(mode: &Mode, channels: &[Option<&'a Observed>]) -> Vec<Pair<'a>> {
    let mut pairs = Vec::new();
    for (channel, observed) in channels.iter().enumerate() {
        let Some(observed) = observed else { continue };
        let moved = observed.moved.as_ref();
        let of_kind = |&(kind, certainty): &(usize, f32)| {
            let effect = mode.effects.iter().position(|effect| effect.kind == kind)?;
            Some(Pair { effect, channel, certainty, moved })
        };
        let here: Vec<Pair<'a>> = observed.kinds.iter().filter_map(of_kind).collect();
        let said = |pair: &Pair<'_>| pair.certainty * mode.effects[pair.effect].seen;
        let surest = here.iter().max_by(|one, other| {
            one.is_right(mode).cmp(&other.is_right(mode)).then(said(one).total_cmp(&said(other)))
        });
        let Some(only) = surest.map(|pair| pair.effect) else { continue };
        pairs.extend(here.into_iter().filter(|pair| pair.certainty >= SURE || pair.effect == only));
    }
    pairs
}

impl Pair<'_> {
    fn is_right(&self, mode: &Mode) -> bool {
        self.moved.is_some_and(|moved| moved.does(&mode.effects[self.effect]))
    }
}

fn of_part(mode: &Mode, channels: &[Option<&Observed>], mut fit: Fit) -> Fit {
    let pairs = pairs(mode, channels);
    let mut right: Vec<(&Effect, &Moved)> = Vec::new();
    let (mut begin, mut begun) = (0.0, 0.0);
    for (place, effect) in mode.effects.iter().enumerate() {
        fit.expected += effect.seen;
        let of_effect = || pairs.iter().filter(|pair| pair.effect == place);
        let surest = of_effect().map(|pair| pair.certainty).fold(0.0, f32::max);
        if surest == 0.0 {
            continue;
        }
        let weight = effect.seen * surest;
        fit.there += weight;
        let counted = || of_effect().filter(|pair| pair.certainty >= NEARLY * surest);
        for pair in counted().filter(|pair| pair.is_right(mode)) {
            let explained = &mut fit.explains[pair.channel];
            *explained = explained.max(pair.certainty);
        }
        // Of several channels of a kind, the one that speaks loudest for the mode.
        let says = |pair: &Pair<'_>| likelihood::of_channel(effect, pair.certainty, pair.moved);
        let Some(best) = counted().max_by(|one, other| says(one).total_cmp(&says(other))) else { continue };
        let said = says(best);
        fit.movement += said;
        fit.speaks[best.channel] += said.max(0.0);
        *fit.says[best.channel].get_or_insert(0.0) += said;
        match best.moved {
            Some(moved) if moved.does(effect) => {
                fit.right += weight;
                fit.certainty += best.certainty;
                fit.count += 1;
                let size = likelihood::of_size(effect, moved).unwrap_or(0.0) * best.certainty;
                let form = likelihood::of_form(effect, moved).unwrap_or(0.0) * best.certainty;
                fit.size += size;
                fit.form += form;
                *fit.says[best.channel].get_or_insert(0.0) += size + form;
                right.push((effect, moved));
            }
            Some(_) => {
                fit.wrong += weight;
                fit.worst_wrong = fit.worst_wrong.max(weight);
            }
            None => {
                fit.steady += weight;
                fit.worst_steady = fit.worst_steady.max(-said);
            }
        }
        if effect.order == 1 {
            begin += weight;
            begun += if best.is_right(mode) { weight } else { 0.0 };
        }
    }
    fit.certainty /= fit.count.max(1) as f32;
    fit.begins = if begin > 0.0 { begun / begin } else { 0.5 };
    fit.order = order(&right);
    (fit.size_shift, fit.size_spread) = sizes(&right);
    fit
}

/// Pairs of channels that should begin one after the other; as much as one channel can say.
fn order(right: &[(&Effect, &Moved)]) -> f32 {
    let mut said = 0.0;
    for (place, (one, seen)) in right.iter().enumerate() {
        for (other, also_seen) in &right[place + 1..] {
            if let (Some(rank), Some(other_rank)) = (seen.order, also_seen.order)
                && one.order != other.order
                && rank != other_rank
            {
                said += likelihood::of_order((one.order < other.order) == (rank < other_rank));
            }
        }
    }
    said / (right.len().max(2) - 1) as f32
}

fn sizes(right: &[(&Effect, &Moved)]) -> (f32, f32) {
    let off: Vec<f32> = right.iter().filter_map(|(effect, moved)| Some(effect.off(moved.size?))).collect();
    let count = off.len().max(1) as f32;
    let shift = off.iter().sum::<f32>() / count;
    (shift, off.iter().map(|off| (off - shift).abs()).sum::<f32>() / count)
}

/// One sensor, whichever: the channel that speaks loudest.
fn of_sensor(effect: &Effect, channels: &[Option<&Observed>], mut fit: Fit) -> Fit {
    (fit.expected, fit.there) = (1.0, 1.0);
    let moved = |place: usize| channels[place].and_then(|observed| observed.moved.as_ref());
    let right = |place: &usize| moved(*place).is_some_and(|moved| moved.does(effect));
    let weight = |place: usize| moved(place).map_or(0.0, |moved| moved.weight);
    let loudest =
        (0..channels.len()).filter(right).max_by(|one, other| weight(*one).total_cmp(&weight(*other)));
    let Some(place) = loudest else {
        (fit.steady, fit.worst_steady) = (1.0, 3.0);
        fit.movement = -3.0;
        return fit;
    };
    let several = channels.iter().flatten().count().max(1) as f32;
    let said = likelihood::of_channel(effect, 1.0, moved(place));
    (fit.right, fit.count, fit.certainty) = (1.0, 1, 1.0);
    fit.begins =
        if moved(place).and_then(|moved| moved.order).is_none_or(|order| order == 1) { 1.0 } else { 0.0 };
    // It could have been any of them.
    fit.movement = said - several.ln() / 2.0;
    fit.explains[place] = 1.0;
    fit.speaks[place] = said;
    fit.says[place] = Some(fit.movement);
    fit
}

/// All channels at once.
fn of_machine(effect: &Effect, channels: &[Option<&Observed>], mut fit: Fit) -> Fit {
    let there = channels.iter().flatten().count().max(1) as f32;
    (fit.expected, fit.there, fit.certainty) = (1.0, 1.0, 1.0);
    for (place, observed) in channels.iter().enumerate() {
        let Some(observed) = observed else { continue };
        let moved = observed.moved.as_ref();
        let is_right = moved.is_some_and(|moved| moved.does(effect));
        let said = likelihood::of_channel(effect, 1.0, moved);
        fit.movement += said;
        if is_right {
            fit.right += 1.0 / there;
            fit.count += 1;
            fit.explains[place] = 1.0;
            fit.speaks[place] = said.max(0.0);
        } else if moved.is_some() {
            fit.wrong += 1.0 / there;
            fit.worst_wrong = 1.0;
        } else {
            fit.steady += 1.0 / there;
            fit.worst_steady = -said;
        }
    }
    fit.begins = fit.right;
    fit
}
