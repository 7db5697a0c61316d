//! How much more likely what is seen is under a mode than under nothing in particular: natural
//! logarithms of ratios, so that they add up over channels and compare over modes.
//!
//! The probabilities are round figures of judgement; the scorer weighs their sums.

use super::observed::Moved;
use super::table::{Effect, Movement};

/// A channel that has no part in a fault deviates so often.
const BYSTANDER: f32 = 0.08;
/// How far, in binary logarithms, a size strays from the typical one; and the share that strays
/// anyhow, over the whole range.
const SIZE_SPREAD: f32 = 0.7;
const SIZE_STRAYS: f32 = 0.2;
const SIZE_RANGE: f32 = 4.0;
/// A form that is not the expected one is seen so often.
const FORM_STRAYS: f32 = 0.2;
/// From this size on a ramp is seen to be one: `incident/shape.rs` wants a line to explain twice as much
/// as a level, and what has left its band and ends below six standard deviations has no such line.
const RAMP_SEEN_LOG2: f32 = 2.6;
/// What an order of onset says, for and against, a pair of channels.
const ORDER_KEPT: f32 = 0.5;
const ORDER_BROKEN: f32 = -1.2;

/// Of channels that deviate by chance, the share that moves so.
fn by_chance(movement: Option<Movement>) -> f32 {
    match movement {
        None => 0.02,
        Some(Movement::Up | Movement::Down) => 0.35,
        Some(Movement::Swing) => 0.1,
        Some(Movement::Spikes) => 0.08,
        Some(Movement::Stuck | Movement::Silent) => 0.05,
    }
}

/// Of channels that the mode moves one way, the share that is seen to move another.
fn expected(effect: &Effect, moved: &Moved) -> f32 {
    use Movement::{Down, Silent, Spikes, Stuck, Swing, Up};
    match (effect.movement, moved.movement) {
        (_, None) => 0.02,
        (expected, Some(seen)) if expected == seen => 0.9,
        (_, Some(Stuck | Swing)) if moved.does(effect) => 0.3,
        (Up | Down, Some(Swing)) => 0.03,
        (Up | Down, Some(Spikes)) => 0.02,
        (Swing | Spikes, Some(Up | Down)) => 0.04,
        (Swing, Some(Spikes)) | (Spikes, Some(Swing)) => 0.06,
        (Stuck, Some(Silent)) | (Silent, Some(Stuck)) => 0.03,
        _ => 0.01,
    }
}

/// Of one channel under one effect. `certainty`: how surely the channel is of the effect's kind.
#[must_use]
pub fn of_channel(effect: &Effect, certainty: f32, moved: Option<&Moved>) -> f32 {
    let (under, chance) = match moved {
        None => (effect.size.missed(), 1.0 - BYSTANDER),
        Some(moved) => {
            let seen = (1.0 - effect.size.missed()) * expected(effect, moved);
            (seen, BYSTANDER * by_chance(moved.movement))
        }
    };
    let under = effect.seen * under + (1.0 - effect.seen) * chance;
    ((certainty * under + (1.0 - certainty) * chance) / chance).ln()
}

/// Of the size of a channel that moves as the effect says; `None` where there is none to compare.
#[must_use]
pub fn of_size(effect: &Effect, moved: &Moved) -> Option<f32> {
    let off = effect.off(moved.size?) / SIZE_SPREAD;
    let normal = (-off * off / 2.0).exp() / (SIZE_SPREAD * (2.0 * std::f32::consts::PI).sqrt());
    let strays = 1.0 / SIZE_RANGE;
    Some((((1.0 - SIZE_STRAYS) * normal + SIZE_STRAYS * strays) / strays).ln())
}

/// Of the form; `None` where neither is seen or none is expected.
#[must_use]
pub fn of_form(effect: &Effect, moved: &Moved) -> Option<f32> {
    let step = moved.step?;
    match (effect.step, effect.ramp) {
        (false, false) => None,
        (true, true) => Some(0.0),
        // A small ramp looks like a step.
        (false, true) if step && moved.size.is_none_or(|size| size < RAMP_SEEN_LOG2) => Some(0.0),
        (expected, _) if expected == step => Some(((1.0 - FORM_STRAYS) / 0.5).ln()),
        _ => Some((FORM_STRAYS / 0.5).ln()),
    }
}

/// Of the order in which two channels began that should not begin together.
#[must_use]
pub fn of_order(kept: bool) -> f32 {
    if kept { ORDER_KEPT } else { ORDER_BROKEN }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::diagnosis::table::Size;

    fn effect(movement: Movement) -> Effect {
        Effect { kind: 0, movement, size: Size::Strong, order: 1, step: true, ramp: false, seen: 0.95 }
    }

    fn seen(movement: Movement) -> Moved {
        Moved {
            movement: Some(movement),
            towards: None,
            size: Some(3.0),
            weight: 2.0,
            order: Some(1),
            step: Some(true),
        }
    }

    #[test]
    fn the_right_movement_speaks_for_a_mode_and_the_opposite_and_none_against_it() {
        let (up, down) = (seen(Movement::Up), seen(Movement::Down));
        assert!(of_channel(&effect(Movement::Up), 1.0, Some(&up)) > 2.0);
        assert!(of_channel(&effect(Movement::Up), 1.0, Some(&down)) < -0.5);
        assert!(of_channel(&effect(Movement::Up), 1.0, None) < -1.0);
    }

    proptest! {
        #[test]
        fn the_less_certain_a_channels_kind_the_less_it_says(certainty in 0.01_f32..1.0) {
            for moved in [None, Some(seen(Movement::Up)), Some(seen(Movement::Down))] {
                let whole = of_channel(&effect(Movement::Up), 1.0, moved.as_ref());
                let part = of_channel(&effect(Movement::Up), certainty, moved.as_ref());
                prop_assert!(part.abs() <= whole.abs() + 1e-5);
            }
        }

        #[test]
        fn sizes_never_decide_alone(size in -5.0_f32..10.0) {
            let moved = Moved { size: Some(size), ..seen(Movement::Up) };
            let said = of_size(&effect(Movement::Up), &moved).unwrap();
            prop_assert!((-2.0..=1.0).contains(&said));
        }
    }
}
