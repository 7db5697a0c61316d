//! What is seen of an incident, in the table's words.

use super::table::{Effect, Movement, Size};
use crate::incident::{ChannelEvidence, Evidence, Shape};

/// Deviations beyond this many standard deviations are alike.
const LARGEST_SD: f64 = 64.0;
/// A channel that deviates has at least so many.
const LEAST_SD: f64 = 1.0;
/// What is stuck or silent has no size; it counts as one of so many standard deviations.
const SIZELESS_SD: f64 = 8.0;
/// A channel that lies still or swings so far from where it was has also moved there.
const FAR_SD: f64 = 8.0;

/// The largest deviation of a fault, in binary logarithms of standard deviations, on a machine that moves by itself
/// as most do. One that hardly does shows the same fault in many more of them.
const LARGEST_USUAL_LOG2: f32 = 4.4;

/// What is seen of one channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// The kinds it may be, each with how surely.
    pub kinds: Vec<(usize, f32)>,
    /// How it moved; `None`: it does not deviate.
    pub moved: Option<Moved>,
}

/// How a channel moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moved {
    /// Which way; `None` when it cannot be told.
    pub movement: Option<Movement>,
    /// Which way it went, of one that lies still or swings far away: a machine that stands looks like a sensor
    /// that is stuck, and two faults that push a channel one after the other look like a swing.
    pub towards: Option<Movement>,
    /// Binary logarithm of the deviation in standard deviations; `None` for what has no size.
    pub size: Option<f32>,
    /// How much it counts beside the others: the logarithm of its size.
    pub weight: f32,
    /// Its place in the order of onset.
    pub order: Option<u32>,
    /// It jumped; `Some(false)`: it crept; `None`: neither.
    pub step: Option<bool>,
}

/// What is seen of a channel in the evidence.
#[must_use]
pub fn moved(evidence: &Evidence, channel: &ChannelEvidence) -> Option<Moved> {
    if !channel.deviates {
        return None;
    }
    let known = channel.deviation_sd.filter(|sd| !sd.is_nan());
    let direction = known.or(channel.deviation).filter(|d| !d.is_nan() && *d != 0.0);
    let direction = direction.map(|d| if d > 0.0 { Movement::Up } else { Movement::Down });
    let movement = match channel.shape {
        Some(Shape::Dropout) => Some(Movement::Silent),
        Some(Shape::Stuck) => Some(Movement::Stuck),
        Some(Shape::Spike) => Some(Movement::Spikes),
        Some(Shape::Oscillation) => Some(Movement::Swing),
        Some(Shape::Step | Shape::Ramp) | None if channel.now.is_none() => Some(Movement::Silent),
        Some(Shape::Step | Shape::Ramp) | None => direction,
    };
    let far = known.is_some_and(|sd| sd.abs() >= FAR_SD);
    let other = matches!(movement, Some(Movement::Stuck | Movement::Swing));
    let towards = direction.filter(|_| other && far);
    let sized = towards.is_some() || matches!(movement, Some(Movement::Up | Movement::Down));
    let sd = known.map(|sd| sd.abs().clamp(LEAST_SD, LARGEST_SD)).filter(|_| sized);
    let step = match channel.shape {
        Some(Shape::Step) => Some(true),
        Some(Shape::Ramp) => Some(false),
        _ => None,
    };
    // Without a rank, the time of onset still says who came first.
    let order = channel.order.or_else(|| {
        let mine = channel.onset?;
        let earlier = evidence.channels.iter().filter(|other| other.onset.is_some_and(|onset| onset < mine));
        u32::try_from(earlier.count() + 1).ok()
    });
    let weight = (1.0 + sd.unwrap_or(SIZELESS_SD)).ln() as f32;
    Some(Moved { movement, towards, size: sd.map(|sd| sd.log2() as f32), weight, order, step })
}

/// Takes sizes down to those of a usual machine, where the largest says that this one is calmer: how they compare
/// with each other stays.
pub fn calm(channels: &mut [Observed]) {
    let sizes = channels.iter().filter_map(|channel| channel.moved.as_ref()?.size);
    let beyond = sizes.fold(0.0, f32::max) - LARGEST_USUAL_LOG2;
    if beyond > 0.0 {
        for moved in channels.iter_mut().filter_map(|channel| channel.moved.as_mut()) {
            moved.size = moved.size.map(|size| (size - beyond).max(0.0));
            moved.weight = moved.size.map_or(moved.weight, |size| size.exp2().ln_1p());
        }
    }
}

impl Moved {
    /// Whether it does what the effect says. Only what should move farthest may lie still where it went: other
    /// channels of a machine that runs do not.
    #[must_use]
    pub fn does(&self, effect: &Effect) -> bool {
        let rests = self.movement == Some(Movement::Stuck);
        let went = self.towards == Some(effect.movement) && (!rests || effect.size == Size::Extreme);
        went || self.movement == Some(effect.movement)
    }
}

impl Effect {
    /// By how many binary logarithms a size misses the typical one. Beyond extreme nothing is too large.
    #[must_use]
    pub fn off(&self, log2: f32) -> f32 {
        let off = log2 - self.size.log2();
        if self.size == Size::Extreme { off.min(0.0) } else { off }
    }
}

impl Size {
    /// Binary logarithm of the standard deviations that are typical of it.
    #[must_use]
    pub fn log2(self) -> f32 {
        match self {
            Size::Slight => 1.3,
            Size::Clear => 2.1,
            Size::Strong => 3.1,
            Size::Extreme => 4.2,
        }
    }

    /// The share of its movements that are too small to be seen.
    #[must_use]
    pub fn missed(self) -> f32 {
        match self {
            Size::Slight => 0.4,
            Size::Clear => 0.1,
            Size::Strong | Size::Extreme => 0.03,
        }
    }
}
