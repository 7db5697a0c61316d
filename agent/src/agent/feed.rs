//! From a source's thread to the worker: a bounded queue, so that a busy worker makes the
//! source wait instead of filling the memory.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

use super::models::ModelCommand;
use crate::source::{Batch, Sink};

/// Batches that may wait for the worker: a few seconds of a fast device, some hundred KiB.
pub const QUEUE: usize = 1_024;
/// How often a waiting source looks whether it should stop.
const LOOK: Duration = Duration::from_millis(20);

/// What reaches the worker.
pub enum Fed {
    /// A source delivered.
    Batch(usize, Batch),
    /// A source has come to its end, with the reason if it is not the input's own end.
    Ended(usize, Option<String>),
    /// Models change.
    Model(ModelCommand),
}

/// The sink of one device's source.
pub struct Feed {
    /// The device's position in the configuration.
    pub device: usize,
    /// To the worker.
    pub worker: SyncSender<Fed>,
    /// Set when the agent stops.
    pub stop: Arc<AtomicBool>,
}

impl Sink for Feed {
    fn accept(&mut self, batch: Batch) -> ControlFlow<()> {
        let mut fed = Fed::Batch(self.device, batch);
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return ControlFlow::Break(());
            }
            match self.worker.try_send(fed) {
                Ok(()) => return ControlFlow::Continue(()),
                Err(TrySendError::Full(back)) => fed = back,
                Err(TrySendError::Disconnected(_)) => return ControlFlow::Break(()),
            }
            thread::sleep(LOOK);
        }
    }
}
