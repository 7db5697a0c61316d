//! What is normal for a channel, as the detector knew it at one moment.

use serde::{Deserialize, Serialize};

use crate::detect::ChannelVerdict;

/// A channel that never moved has no standard deviation; it then counts as moved when it differs
/// from its level by more than this share of it, which is more than rounding does.
const ROUNDING: f64 = 1e-6;
/// Movements are cut off here, in standard deviations, so that squares of them stay finite.
const FAR: f64 = 1e6;

/// What is normal for a channel, as the detector knew it at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// Its level, in its unit; NaN when unknown.
    pub baseline: f64,
    /// One standard deviation of its movement around it, in its unit; 0 when it never moved.
    pub scale: f64,
}

impl Reference {
    /// As the detector sees it in this verdict.
    #[must_use]
    pub fn of(channel: &ChannelVerdict) -> Self {
        Reference { baseline: channel.baseline, scale: channel.scale }
    }

    /// Whether the channel used to move at all.
    #[must_use]
    pub fn moved(&self) -> bool {
        self.scale.is_finite() && self.scale > 0.0
    }

    /// How far the value is from the level, in standard deviations; finite but for a missing
    /// value or an unknown level, which give NaN.
    #[must_use]
    pub fn movement(&self, value: f64) -> f64 {
        let deviation = value - self.baseline;
        if self.moved() {
            (deviation / self.scale).clamp(-FAR, FAR)
        } else if deviation.abs() <= ROUNDING * self.baseline.abs() {
            0.0
        } else {
            deviation.signum() * FAR
        }
    }

    /// The deviation in standard deviations; `None` when the channel never moved before.
    #[must_use]
    pub fn in_sd(&self, deviation: f64) -> Option<f64> {
        let sd = deviation / self.scale;
        (self.moved() && sd.is_finite()).then_some(sd)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_that_never_moved_has_left_its_level_by_any_real_change() {
        let constant = Reference { baseline: 50.0, scale: 0.0 };
        assert_eq!(constant.movement(50.0), 0.0);
        assert_eq!(constant.movement(50.000_01), 0.0);
        assert_eq!(constant.movement(49.0), -FAR);
        assert_eq!(constant.in_sd(1.0), None);
        assert!(constant.movement(f64::NAN).is_nan());
    }
}
