//! The `simulate` source: a pump station that goes wrong on schedule.
//!
//! The same seed gives the same samples. What it is not: a model of any particular pump. It obeys
//! the pump and system curves, heats up and cools down with its own time constants, and shows
//! each fault where a textbook says it shows.

mod faults;
mod plant;
mod sensors;

use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand_pcg::Pcg64;

use self::faults::Faults;
use self::plant::Plant;
use self::sensors::Sensors;
use super::pace::Pace;
use super::{Batch, Sink, Source, SourceError};
use crate::clock::Clock;
use crate::config::{self, ChannelConfig, SIMULATED_CHANNELS};
use crate::signal::{BadSample, Sample};
use crate::time::Timestamp;

pub use self::sensors::channels;

/// Quantities of the station.
const QUANTITIES: usize = SIMULATED_CHANNELS.len();

/// A simulated pump station.
pub struct SimulateSource {
    plant: Plant,
    sensors: Sensors,
    faults: Faults,
    random: Pcg64,
    /// For each of the device's channels: which quantity it is.
    quantities: Vec<usize>,
    start: Timestamp,
    period: Duration,
    ticks: Option<u64>,
    pace: Pace,
}

impl SimulateSource {
    /// A station that starts now and is sampled every `period`.
    ///
    /// # Errors
    /// When a channel or a fault's channel is not one of the station's.
    pub fn open(
        settings: &config::SimulateSource,
        channels: &[ChannelConfig],
        period: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SourceError> {
        let quantities = channels.iter().map(|channel| quantity(&channel.name)).collect::<Result<_, _>>()?;
        let ticks = settings.duration.map(|span| span.0.as_nanos() / period.as_nanos().max(1));
        Ok(SimulateSource {
            plant: Plant::default(),
            sensors: Sensors::default(),
            faults: Faults::new(&settings.faults)?,
            random: Pcg64::seed_from_u64(settings.seed),
            quantities,
            start: clock.now().floor(period),
            period,
            ticks: ticks.map(|ticks| u64::try_from(ticks).unwrap_or(u64::MAX)),
            pace: Pace::new(settings.speed, clock),
        })
    }

    fn tick(&mut self, tick: u64) -> Batch {
        let seconds = tick as f64 * self.period.as_secs_f64();
        let condition = self.faults.at(seconds);
        let state = self.plant.advance(self.period.as_secs_f64(), &condition, &mut self.random);
        let measured = self.sensors.read(&state, &condition, &mut self.random);
        let period = i64::try_from(self.period.as_micros()).unwrap_or(i64::MAX);
        let elapsed = i64::try_from(tick).unwrap_or(i64::MAX).saturating_mul(period);
        let time = Timestamp::from_micros(self.start.as_micros().saturating_add(elapsed));
        let samples = self.quantities.iter().enumerate().map(|(channel, &quantity)| Sample {
            channel,
            time,
            value: measured[quantity].ok_or(BadSample::Missing),
        });
        Batch { samples: samples.collect(), rejected: Vec::new() }
    }
}

impl Source for SimulateSource {
    fn run(&mut self, sink: &mut dyn Sink) -> Result<(), SourceError> {
        for tick in 0..self.ticks.unwrap_or(u64::MAX) {
            let batch = self.tick(tick);
            if let Some(sample) = batch.samples.first()
                && self.pace.wait_for(sample.time, sink).is_break()
            {
                break;
            }
            if sink.accept(batch).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// Which quantity of the station a name means.
fn quantity(name: &str) -> Result<usize, SourceError> {
    SIMULATED_CHANNELS.iter().position(|known| *known == name).ok_or_else(|| {
        let known = SIMULATED_CHANNELS.join(", ");
        SourceError::Settings(format!("the simulated pump station has no channel `{name}`; it has {known}"))
    })
}

#[cfg(test)]
mod tests;
