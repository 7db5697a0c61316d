//! The station's sensors: noise, resolution, and what sensors do when they fail.

use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use super::QUANTITIES;
use super::faults::Condition;
use super::plant::State;
use crate::config::{ChannelConfig, SIMULATED_CHANNELS};

/// One sensor: unit, noise (one standard deviation), resolution, physical range, meaning.
struct Sensor {
    unit: &'static str,
    noise: f64,
    resolution: f64,
    range: (f64, f64),
    description: &'static str,
}

const fn sensor(
    unit: &'static str,
    noise: f64,
    resolution: f64,
    range: (f64, f64),
    description: &'static str,
) -> Sensor {
    Sensor { unit, noise, resolution, range, description }
}

/// The sensors, in the order of the simulated channels.
const SENSORS: [Sensor; QUANTITIES] = [
    sensor("A", 0.08, 0.01, (0.0, 50.0), "motor current"),
    sensor("bar", 0.012, 0.005, (-1.0, 16.0), "inlet pressure"),
    sensor("bar", 0.025, 0.005, (-1.0, 16.0), "outlet pressure"),
    sensor("m3/h", 0.35, 0.1, (0.0, 120.0), "flow"),
    sensor("°C", 0.08, 0.1, (-20.0, 150.0), "bearing temperature"),
    sensor("°C", 0.05, 0.1, (-20.0, 120.0), "fluid temperature"),
    sensor("mm/s", 0.08, 0.01, (0.0, 50.0), "vibration at the drive end"),
    sensor("mm/s", 0.07, 0.01, (0.0, 50.0), "vibration at the free end"),
];

/// The station's channels as a configuration would describe them.
#[must_use]
pub fn channels() -> Vec<ChannelConfig> {
    SIMULATED_CHANNELS
        .iter()
        .zip(&SENSORS)
        .map(|(name, sensor)| ChannelConfig {
            name: (*name).into(),
            unit: sensor.unit.into(),
            description: Some(sensor.description.into()),
            min: Some(sensor.range.0),
            max: Some(sensor.range.1),
            ..ChannelConfig::default()
        })
        .collect()
}

/// The sensors' memory: what a stuck one repeats.
#[derive(Debug, Default)]
pub struct Sensors {
    last: Option<[f64; QUANTITIES]>,
}

impl Sensors {
    /// What the sensors say of a state; `None` for one that delivers nothing.
    pub fn read(
        &mut self,
        state: &State,
        condition: &Condition,
        random: &mut impl Rng,
    ) -> [Option<f64>; QUANTITIES] {
        let mut measured = [0.0; QUANTITIES];
        for (i, sensor) in SENSORS.iter().enumerate() {
            // Noise is drawn for failed sensors too: a fault changes nothing but its own sensor.
            let noise: f64 = StandardNormal.sample(random);
            let value = state[i] + sensor.noise * noise;
            let rounded = (value / sensor.resolution).round() * sensor.resolution;
            let held = self.last.map(|last| last[i]).filter(|_| condition.stuck[i]);
            measured[i] = held.unwrap_or(rounded.clamp(sensor.range.0, sensor.range.1));
        }
        self.last = Some(measured);
        std::array::from_fn(|i| (!condition.dropped[i]).then_some(measured[i]))
    }
}
