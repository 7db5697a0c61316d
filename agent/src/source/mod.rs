//! Where samples come from: recordings, brokers, a simulated machine.

pub mod csv;
pub mod mqtt;
mod pace;
pub mod simulate;

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::clock::Clock;
use crate::config::{DeviceConfig, SourceConfig};
use crate::signal::{BadSample, ChannelIx, Sample};

/// What a source hands over at once: one row, one message, one tick.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Samples in the order they came.
    pub samples: Vec<Sample>,
    /// Input without a usable time: counted by channel (`None`: the row or message as a whole).
    pub rejected: Vec<(Option<ChannelIx>, BadSample)>,
}

/// Takes what a source delivers.
pub trait Sink {
    /// Takes one batch, waiting if what comes after is busy. `Break` asks the source to stop.
    /// A source that has nothing to deliver hands over an empty batch now and then, to be told.
    fn accept(&mut self, batch: Batch) -> ControlFlow<()>;
}

/// A source of samples for one device. It runs on a thread of its own and may block.
pub trait Source: Send {
    /// Delivers batches until the input ends or the sink answers `Break`.
    ///
    /// # Errors
    /// What cannot be repaired by waiting; a lost connection is not an error.
    fn run(&mut self, sink: &mut dyn Sink) -> Result<(), SourceError>;
}

/// Why a source cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file or folder cannot be read.
    #[error("{path}: {cause}")]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// What went wrong and what to do.
        cause: String,
    },
    /// The source's settings do not fit what it found.
    #[error("{0}")]
    Settings(String),
}

/// Opens the source that a device's configuration names.
///
/// # Errors
/// When its files or settings stand in the way; an absent broker does not.
pub fn open(device: &DeviceConfig, clock: Arc<dyn Clock>) -> Result<Box<dyn Source>, SourceError> {
    let channels = &device.channels;
    Ok(match &device.source {
        SourceConfig::Csv(settings) => Box::new(csv::CsvSource::open(settings, channels, clock)?),
        SourceConfig::Mqtt(settings) => {
            Box::new(mqtt::MqttSource::open(settings, &device.id, channels, clock)?)
        }
        SourceConfig::Simulate(settings) => {
            Box::new(simulate::SimulateSource::open(settings, channels, device.period.0, clock)?)
        }
    })
}
