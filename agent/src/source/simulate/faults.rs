//! Scripted faults: how far each one has come at a moment.

use super::{QUANTITIES, quantity};
use crate::config::{FaultConfig, FaultKind};
use crate::source::SourceError;

/// How far the station's parts have gone wrong, each 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Condition {
    /// How far the inlet valve has closed.
    pub inlet_closed: f64,
    /// How far the outlet valve has closed.
    pub outlet_closed: f64,
    /// Cavitation beside the one that low inlet pressure causes by itself.
    pub cavitation: f64,
    /// Wear of the drive end's bearing.
    pub bearing_wear: f64,
    /// Imbalance of the rotor.
    pub imbalance: f64,
    /// Leak behind the pump.
    pub leak: f64,
    /// Sensors that repeat their last value.
    pub stuck: [bool; QUANTITIES],
    /// Sensors that deliver nothing.
    pub dropped: [bool; QUANTITIES],
}

/// The script.
pub struct Faults {
    script: Vec<(FaultConfig, Option<usize>)>,
}

impl Faults {
    /// # Errors
    /// When a sensor fault names no channel of the station.
    pub fn new(script: &[FaultConfig]) -> Result<Self, SourceError> {
        let script = script.iter().map(|fault| {
            let sensor = matches!(fault.kind, FaultKind::SensorStuck | FaultKind::SensorDropout);
            match (&fault.channel, sensor) {
                (Some(name), true) => Ok((fault.clone(), Some(quantity(name)?))),
                (None, true) => Err(SourceError::Settings("a sensor fault needs a `channel`".into())),
                (_, false) => Ok((fault.clone(), None)),
            }
        });
        Ok(Faults { script: script.collect::<Result<_, _>>()? })
    }

    /// The condition at `seconds` from the start.
    pub fn at(&self, seconds: f64) -> Condition {
        let mut condition = Condition::default();
        for (fault, sensor) in &self.script {
            let extent = extent(fault, seconds);
            if extent <= 0.0 {
                continue;
            }
            let part = match fault.kind {
                FaultKind::InletValveClosing => &mut condition.inlet_closed,
                FaultKind::OutletValveClosing => &mut condition.outlet_closed,
                FaultKind::Cavitation => &mut condition.cavitation,
                FaultKind::BearingWear => &mut condition.bearing_wear,
                FaultKind::Imbalance => &mut condition.imbalance,
                FaultKind::Leak => &mut condition.leak,
                FaultKind::SensorStuck | FaultKind::SensorDropout => {
                    let sensors = if fault.kind == FaultKind::SensorStuck {
                        &mut condition.stuck
                    } else {
                        &mut condition.dropped
                    };
                    if let Some(sensor) = sensor {
                        sensors[*sensor] = true;
                    }
                    continue;
                }
            };
            *part = part.max(extent);
        }
        condition
    }
}

/// How far a fault has come: 0 outside of its time, up to its severity along its ramp.
fn extent(fault: &FaultConfig, seconds: f64) -> f64 {
    let since = seconds - fault.at.0.as_secs_f64();
    if since < 0.0 || fault.duration.is_some_and(|span| since >= span.0.as_secs_f64()) {
        return 0.0;
    }
    let ramp = fault.ramp.map_or(0.0, |span| span.0.as_secs_f64());
    // At its very start a ramped fault already counts as begun.
    let share = if ramp > 0.0 { (since / ramp).clamp(1e-9, 1.0) } else { 1.0 };
    share * fault.severity
}
