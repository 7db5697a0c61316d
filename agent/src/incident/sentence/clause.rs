//! What a sentence says about one channel.

use super::number::{duration, value};
use crate::incident::evidence::{ChannelEvidence, Evidence, Shape};
use crate::incident::onset::BAND_SD;

/// A channel whose level is this close to normal, in standard deviations, has not risen or fallen.
pub(crate) const LEVEL_SD: f64 = 1.0;

/// How much a channel matters beside the others: one that delivers nothing comes first, one that
/// never moved before next.
pub(crate) fn weight(channel: &ChannelEvidence) -> f64 {
    match (channel.shape, channel.deviation_sd) {
        (Some(Shape::Dropout | Shape::Stuck), _) => f64::INFINITY,
        (_, Some(sd)) if sd.is_finite() => sd.abs(),
        _ => f64::MAX,
    }
}

/// One named channel.
pub(super) struct Clause<'a> {
    pub(super) label: &'a str,
    pub(super) channel: &'a ChannelEvidence,
    pub(super) evidence: &'a Evidence,
}

impl Clause<'_> {
    /// When the incident opens: `flow fell by 12 m3/h to 30 m3/h (step)`.
    pub(super) fn happened(&self) -> String {
        self.told(|label, direction, size, now, shape| {
            let verb = if direction { "rose" } else { "fell" };
            format!("{label} {verb} by {size} to {now}{shape}")
        })
    }

    /// While it lasts: `flow is 12 m3/h below normal, at 30 m3/h (step)`.
    pub(super) fn still(&self) -> String {
        self.told(|label, direction, size, now, shape| {
            let side = if direction { "above" } else { "below" };
            format!("{label} is {size} {side} normal, at {now}{shape}")
        })
    }

    /// When it has closed: `flow is back at 42 m3/h`.
    pub(super) fn afterwards(&self) -> String {
        let label = self.label;
        let Some(now) = self.now() else {
            return format!("{label} still delivers nothing");
        };
        if self.channel.shape == Some(Shape::Dropout) {
            return format!("{label} delivers again, {now}");
        }
        match (self.moved(), self.channel.deviation_sd) {
            (Some((direction, size)), Some(sd)) if sd.abs() > f64::from(BAND_SD) => {
                let side = if direction { "above" } else { "below" };
                format!("{label} stays {size} {side} what it was, at {now}")
            }
            (_, Some(sd)) if sd.abs() <= f64::from(BAND_SD) => format!("{label} is back at {now}"),
            _ => format!("{label} is at {now}"),
        }
    }

    /// Looking back when it has closed: `flow (step) is back at 42 m3/h`.
    pub(super) fn was(&self) -> String {
        let shape = match self.channel.shape {
            Some(Shape::Step) => " (step)",
            Some(Shape::Ramp) => " (ramp)",
            Some(Shape::Spike) => " (spike)",
            Some(Shape::Oscillation) => " (oscillation)",
            Some(Shape::Stuck) => " (stuck)",
            // The clause says so itself.
            Some(Shape::Dropout) | None => "",
        };
        Clause { label: &format!("{}{shape}", self.label), ..*self }.afterwards()
    }

    /// How long ago it began, for shapes whose clause does not say so: ` 40 s ago`.
    pub(super) fn ago(&self) -> String {
        match (self.channel.shape, self.since_onset()) {
            (Some(Shape::Stuck | Shape::Dropout), _) | (_, None) => String::new(),
            (_, Some(lasts)) => format!(" {lasts} ago"),
        }
    }

    fn told(&self, level: impl Fn(&str, bool, &str, &str, &str) -> String) -> String {
        let label = self.label;
        let lasts = self.since_onset().map(|lasts| format!(" for {lasts}")).unwrap_or_default();
        let Some(now) = self.now() else {
            return format!("{label} has delivered nothing{lasts}");
        };
        match self.channel.shape {
            Some(Shape::Stuck) => return format!("{label} has been stuck at {now}{lasts}"),
            Some(Shape::Dropout) => return format!("{label} was silent and delivers again, {now}"),
            Some(Shape::Spike) => return format!("{label} left its level and came back to {now} (spike)"),
            Some(Shape::Oscillation) => return format!("{label} is swinging, now at {now} (oscillation)"),
            Some(Shape::Step | Shape::Ramp) | None => {}
        }
        let shape = match self.channel.shape {
            Some(Shape::Step) => " (step)",
            Some(Shape::Ramp) => " (ramp)",
            _ => "",
        };
        match self.moved() {
            Some((direction, size)) if self.channel.deviation_sd.is_none_or(|sd| sd.abs() >= LEVEL_SD) => {
                level(label, direction, &size, &now, shape)
            }
            _ => format!("{label} does not move as it did, now at {now}"),
        }
    }

    fn now(&self) -> Option<String> {
        self.channel.now.filter(|now| now.is_finite()).map(|now| value(now, &self.channel.unit))
    }

    /// Upwards or not, and by how much.
    fn moved(&self) -> Option<(bool, String)> {
        let deviation =
            self.channel.deviation.filter(|deviation| deviation.is_finite() && *deviation != 0.0)?;
        Some((deviation > 0.0, value(deviation.abs(), &self.channel.unit)))
    }

    /// From the channel's onset to the moment of the evidence.
    fn since_onset(&self) -> Option<String> {
        let later = self.channel.onset?.since(self.evidence.onset).as_secs_f64();
        let seconds = self.evidence.duration_s - later;
        (seconds > 0.0).then(|| duration(seconds))
    }
}
