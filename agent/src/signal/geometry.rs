//! A device's timing: period, lateness, window and hop, as durations and as frames.

use std::time::Duration;

use crate::config::{DeviceConfig, Span};

/// Shortest and longest period of a device.
const PERIODS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(3_600));

/// A device's timing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Time between two frames.
    pub period: Duration,
    /// How long a frame waits for samples out of order.
    pub lateness: Duration,
    /// Frames of a window.
    pub window_frames: usize,
    /// Frames between the starts of two windows.
    pub hop_frames: usize,
}

/// A timing that does not work out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: found {found}; {allowed}")]
pub struct GeometryError {
    /// Which key of the device.
    pub key: &'static str,
    /// What it says.
    pub found: String,
    /// What it may say.
    pub allowed: &'static str,
}

impl Geometry {
    /// The timing of a device, with its defaults filled in.
    ///
    /// # Errors
    /// Names the key that does not fit.
    pub fn of(device: &DeviceConfig) -> Result<Self, GeometryError> {
        let wrong = |key, found: String, allowed| Err(GeometryError { key, found, allowed });
        let period = device.period.0;
        if period < PERIODS.0 || period > PERIODS.1 {
            return wrong("period", device.period.to_string(), "must be 10ms to 1h");
        }
        let (window, hop) = (device.window(), device.hop());
        let (window_frames, hop_frames) = (frames(window, period), frames(hop, period));
        if window_frames == 0 || multiple(window_frames, period) != window {
            return wrong("window", written(window), "must be a multiple of the period");
        }
        if hop_frames == 0 || multiple(hop_frames, period) != hop || hop_frames > window_frames {
            return wrong("hop", written(hop), "must be a multiple of the period and at most the window");
        }
        let lateness = device.lateness();
        Ok(Geometry { period, lateness, window_frames, hop_frames })
    }

    /// Time between two windows: the detector's tick.
    #[must_use]
    pub fn tick(&self) -> Duration {
        multiple(self.hop_frames, self.period)
    }
}

fn written(span: Duration) -> String {
    Span(span).to_string()
}

fn frames(span: Duration, period: Duration) -> usize {
    usize::try_from(span.as_nanos() / period.as_nanos()).unwrap_or(usize::MAX)
}

fn multiple(frames: usize, period: Duration) -> Duration {
    period.saturating_mul(u32::try_from(frames).unwrap_or(u32::MAX))
}
