//! What the gateway says of itself to the control room: online with its figures, or offline.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::models::ActiveModel;
use crate::clock::Clock;
use crate::outbox::Outbox;
use crate::publish::payload::{self, ClockState, StatusMessage};
use crate::publish::{Birth, Topics};
use crate::slm::runtime::SlmFigures;
use crate::status::StatusBoard;

/// Where systemd's time service says whether the clock is set; it is the one of Raspberry Pi OS
/// and JetPack.
const TIME_SERVICE: &str = "/run/systemd/timesync";

/// Makes the gateway's status messages.
#[derive(Clone)]
pub struct Presence {
    topics: Topics,
    model: ActiveModel,
    outbox: Outbox,
    board: Arc<StatusBoard>,
    clock: Arc<dyn Clock>,
}

impl Presence {
    /// Of a gateway with this detector and this outbox.
    pub fn new(
        topics: Topics,
        model: ActiveModel,
        outbox: Outbox,
        board: Arc<StatusBoard>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Presence { topics, model, outbox, board, clock }
    }

    /// What is said on every connection, and what the broker says when the gateway is gone.
    pub fn birth(&self) -> Birth {
        let boot = self.outbox.stats().boot;
        let (topic, offline) =
            payload::offline(&self.topics, env!("CARGO_PKG_VERSION"), self.clock.now(), boot);
        let presence = self.clone();
        Birth { topic, offline, online: Arc::new(move || presence.online().1) }
    }

    /// The status of this moment: topic and payload.
    pub fn online(&self) -> (String, Vec<u8>) {
        let outbox = self.outbox.stats();
        let named = |reason: &str, n: u64| (reason.to_owned(), n);
        let evicted: BTreeMap<_, _> = outbox.evicted.iter().map(|(r, &n)| named(r.name(), n)).collect();
        let lost: BTreeMap<_, _> = outbox.lost.iter().map(|(r, &n)| named(r.name(), n)).collect();
        let message = StatusMessage {
            now: self.clock.now(),
            boot: outbox.boot,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            models: vec![self.model.get()],
            clock: clock_state(Path::new(TIME_SERVICE)),
            outbox_depth: outbox.depth,
            outbox_oldest: outbox.oldest_unsent,
            evicted,
            lost,
            alarms: alarms(&self.board),
        };
        payload::status(&self.topics, &message)
    }

    /// What the language models cost: topic and payload.
    pub fn models(&self, figures: &SlmFigures) -> (String, Vec<u8>) {
        payload::models(&self.topics, figures, self.clock.now(), self.outbox.stats().boot)
    }
}

/// What somebody in the control room should look at.
fn alarms(board: &StatusBoard) -> Vec<&'static str> {
    let update = board.updates();
    let safe_mode = update.models.iter().any(|model| model.safe_mode);
    let found = [(update.stale, "stale_metadata"), (safe_mode, "safe_mode"), (board.drifted(), "drift")];
    found.into_iter().filter(|(holds, _)| *holds).map(|(_, alarm)| alarm).collect()
}

fn clock_state(service: &Path) -> ClockState {
    match (service.exists(), service.join("synchronized").exists()) {
        (_, true) => ClockState::Synchronised,
        (true, false) => ClockState::Unsynchronised,
        (false, false) => ClockState::Unknown,
    }
}
