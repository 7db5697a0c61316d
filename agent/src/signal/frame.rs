//! A frame: every channel of a device at one tick of its period.

use crate::time::Timestamp;

/// Every channel of a device at one tick. `values[channel]` is NaN where nothing usable came.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Start of the tick, a multiple of the device's period since the epoch.
    pub time: Timestamp,
    /// One value per channel, in the channel's unit; NaN is "no usable sample".
    pub values: Box<[f64]>,
}
