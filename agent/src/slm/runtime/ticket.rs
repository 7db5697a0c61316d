//! A place in the queue.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use super::reply::{Answer, Refusal};

/// What comes out of a request.
pub type Outcome = Result<Answer, Refusal>;

/// A request that was handed over. Await it or [`Ticket::wait`] for it; dropping it cancels the request.
#[derive(Debug)]
pub struct Ticket {
    outcome: oneshot::Receiver<Outcome>,
    /// Set when nobody waits any more.
    cancelled: Arc<AtomicBool>,
}

/// The other half of a [`Ticket`].
#[derive(Debug)]
pub(super) struct Promise {
    outcome: oneshot::Sender<Outcome>,
    cancelled: Arc<AtomicBool>,
}

/// A place in the queue and its other half.
pub(super) fn pair() -> (Promise, Ticket) {
    let (sender, receiver) = oneshot::channel();
    let cancelled = Arc::new(AtomicBool::new(false));
    (Promise { outcome: sender, cancelled: Arc::clone(&cancelled) }, Ticket { outcome: receiver, cancelled })
}

impl Ticket {
    /// Waits for the answer, outside of async code.
    ///
    /// # Errors
    /// Why there is none.
    pub fn wait(mut self) -> Outcome {
        let (_, closed) = oneshot::channel();
        let outcome = std::mem::replace(&mut self.outcome, closed);
        outcome.blocking_recv().unwrap_or(Err(Refusal::Stopping))
    }
}

impl Future for Ticket {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        Pin::new(&mut self.outcome).poll(context).map(|outcome| outcome.unwrap_or(Err(Refusal::Stopping)))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Release);
    }
}

impl Promise {
    /// Whether nobody waits any more.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Hands over what came out; nobody may be waiting.
    pub fn keep(self, outcome: Outcome) {
        let _ = self.outcome.send(outcome);
    }
}
