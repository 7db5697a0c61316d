//! Names the shape of a channel's movement.
//!
//! Stuck and dropout are told by their runs, see [`silence`]; the other shapes by the movement
//! since the onset, see [`of_movement`].

use super::evidence::Shape;
use super::history::{History, Runs};
use super::onset::{BAND_SD, RETURN};
use crate::detect::ChannelVerdict;

/// An excursion of at most so many windows that came back is a spike.
pub const SPIKE_WINDOWS: usize = 10;
/// With fewer windows than this no line can be told from a level.
const FIT_WINDOWS: usize = 5;
/// A line explains a movement better than a level when it leaves less than this share of the
/// squared error. Noise alone gains a few per cent from the second parameter.
const LINE_GAIN: f64 = 0.5;
/// Oscillation: the movement around its mean is at least so many times what it used to be.
const SWING_SD: f64 = 2.0;
/// Oscillation crosses its mean at least once in so many windows, and so many times in all: a
/// single step crosses it once.
const CROSSING_WINDOWS: usize = 20;
const CROSSINGS: usize = 4;

/// A run without values is a dropout from so many windows on …
const DROPOUT_WINDOWS: usize = 5;
/// … a run without change is a stuck sensor from so many on …
const STUCK_WINDOWS: usize = 15;
/// … and both only if the run is so many times as long as any before it in the history, …
const LONGER_THAN_EVER: usize = 4;
/// … of which there must be at least so many windows with a value.
const KNOWN_WINDOWS: usize = 30;

/// Whether the channel delivers nothing, or nothing new, though it used to; with the length of
/// the run in windows. A channel that was silent or constant from the start is neither.
#[must_use]
pub fn silence(history: &History, channel: usize, verdict: &ChannelVerdict) -> Option<(Shape, u32)> {
    let candidates = [
        (Shape::Dropout, verdict.missing_run, DROPOUT_WINDOWS),
        (Shape::Stuck, verdict.flat_run, STUCK_WINDOWS),
    ];
    candidates.into_iter().find_map(|(shape, run, least)| {
        let length = usize::try_from(run).unwrap_or(usize::MAX);
        if length < least {
            return None;
        }
        let before: Runs = history.longest_runs(channel, length);
        let longest = if shape == Shape::Dropout { before.missing } else { before.flat };
        (before.usable >= KNOWN_WINDOWS && length > LONGER_THAN_EVER * longest).then_some((shape, run))
    })
}

/// The shape of a movement since its onset: standard deviations from the level, oldest first, NaN
/// where missing.
#[must_use]
pub fn of_movement(movement: &[f32]) -> Shape {
    let usable: Vec<f64> = movement.iter().filter(|sd| !sd.is_nan()).map(|sd| f64::from(*sd)).collect();
    if is_spike(&usable) {
        return Shape::Spike;
    }
    if usable.len() < FIT_WINDOWS {
        return Shape::Step;
    }
    let fit = Fit::of(&usable);
    if fit.line_error < LINE_GAIN * fit.level_error && fit.moves_away() {
        return Shape::Ramp;
    }
    let swing = (fit.level_error / usable.len() as f64).sqrt();
    if swing >= SWING_SD && crossings(&usable, fit.mean) >= CROSSINGS.max(usable.len() / CROSSING_WINDOWS) {
        return Shape::Oscillation;
    }
    Shape::Step
}

/// It was outside its band for a moment, and is back for longer than noise would be.
fn is_spike(movement: &[f64]) -> bool {
    let outside = |sd: &f64| sd.abs() > f64::from(BAND_SD);
    match (movement.iter().position(outside), movement.iter().rposition(outside)) {
        (Some(first), Some(last)) => last - first < SPIKE_WINDOWS && movement.len() - 1 - last > RETURN,
        _ => false,
    }
}

fn crossings(movement: &[f64], mean: f64) -> usize {
    movement.windows(2).filter(|pair| (pair[0] > mean) != (pair[1] > mean)).count()
}

/// A level and a straight line through the same movement, by least squares.
struct Fit {
    mean: f64,
    level_error: f64,
    line_error: f64,
    rise: f64,
}

impl Fit {
    fn of(movement: &[f64]) -> Self {
        let n = movement.len() as f64;
        let mean = movement.iter().sum::<f64>() / n;
        let middle = (n - 1.0) / 2.0;
        let (mut tt, mut tx, mut xx) = (0.0, 0.0, 0.0);
        for (t, x) in movement.iter().enumerate() {
            let (t, x) = (t as f64 - middle, x - mean);
            tt += t * t;
            tx += t * x;
            xx += x * x;
        }
        let slope = tx / tt;
        Fit { mean, level_error: xx, line_error: (xx - slope * tx).max(0.0), rise: slope * (n - 1.0) }
    }

    /// A ramp ends further from the level than it began; what comes back is none.
    fn moves_away(&self) -> bool {
        let (first, last) = (self.mean - self.rise / 2.0, self.mean + self.rise / 2.0);
        last.abs() > first.abs()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::incident::fixtures::{noise, verdict, window};

    fn noisy(len: usize, f: impl Fn(usize) -> f32) -> Vec<f32> {
        (0..len).map(|t| f(t) + noise(t)).collect()
    }

    #[test]
    fn the_shapes_of_movements_are_told_apart() {
        assert_eq!(of_movement(&noisy(40, |_| 8.0)), Shape::Step);
        assert_eq!(of_movement(&noisy(40, |t| 3.0 + 0.3 * t as f32)), Shape::Ramp);
        assert_eq!(of_movement(&noisy(40, |t| -3.0 - 0.3 * t as f32)), Shape::Ramp);
        assert_eq!(of_movement(&noisy(60, |t| 8.0 * (t as f32 * 0.6).sin())), Shape::Oscillation);
        assert_eq!(of_movement(&noisy(20, |t| if t < 4 { 9.0 } else { 0.0 })), Shape::Spike);
        assert_eq!(of_movement(&[9.0, 9.0]), Shape::Step);
    }

    #[test]
    fn a_sensor_that_used_to_move_is_stuck_and_a_constant_one_is_not() {
        let (mut moving, mut constant) = (History::new(1), History::new(1));
        for t in 0..60 {
            moving.push(&window(t, &[f64::from(noise(t as usize))]), &verdict(t, false, &[0.0]));
            constant.push(&window(t, &[1.0]), &verdict(t, false, &[0.0]));
        }
        for t in 60..80 {
            moving.push(&window(t, &[5.0]), &verdict(t, false, &[0.0]));
            constant.push(&window(t, &[1.0]), &verdict(t, false, &[0.0]));
        }
        let mut channel = verdict(80, false, &[0.0]).channels[0];
        channel.flat_run = 19;
        assert_eq!(silence(&moving, 0, &channel), Some((Shape::Stuck, 19)));
        channel.flat_run = 79;
        assert_eq!(silence(&constant, 0, &channel), None);
    }

    #[test]
    fn a_channel_that_was_silent_from_the_start_has_not_dropped_out() {
        let mut history = History::new(1);
        for t in 0..100 {
            history.push(&window(t, &[f64::NAN]), &verdict(t, false, &[0.0]));
        }
        let mut channel = verdict(100, false, &[0.0]).channels[0];
        channel.missing_run = 100;
        assert_eq!(silence(&history, 0, &channel), None);
    }

    proptest! {
        #[test]
        fn any_movement_has_a_shape(movement in proptest::collection::vec(proptest::num::f32::ANY, 0..700)) {
            let shape = of_movement(&movement);
            prop_assert!(!matches!(shape, Shape::Stuck | Shape::Dropout));
        }
    }
}
