//! Where the rooms write how they are, for whoever asks.
//!
//! Each part has a lock of its own that is held for a few assignments, so that no writer ever
//! waits for the network or for another part.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::memory::resident_bytes;
use super::report::{
    DevicePhase, DeviceStatus, Loss, ModelDrift, ModelStatus, MqttStatus, OutboxStatus, SourceState,
    StatusReport, UpdateStatus,
};
use crate::clock::Clock;
use crate::config::Config;
use crate::drift::Compared;
use crate::slm::runtime::SlmFigures;

/// The state of the agent, shared by all its rooms.
pub struct StatusBoard {
    clock: Arc<dyn Clock>,
    started: Duration,
    site: String,
    gateway: String,
    mqtt: Mutex<MqttStatus>,
    outbox: Mutex<OutboxStatus>,
    devices: Vec<Mutex<DeviceStatus>>,
    models: Mutex<Vec<ModelStatus>>,
    losses: Mutex<Vec<Loss>>,
    update: Mutex<UpdateStatus>,
    slm: Mutex<Option<SlmFigures>>,
    models_drift: Mutex<Vec<ModelDrift>>,
}

impl StatusBoard {
    /// A board for the gateway and the devices of a configuration; uptime counts from now.
    #[must_use]
    pub fn new(config: &Config, clock: Arc<dyn Clock>) -> Arc<Self> {
        let device = |id: &String| Mutex::new(DeviceStatus { id: id.clone(), ..DeviceStatus::default() });
        let mqtt = MqttStatus {
            enabled: config.mqtt.enabled,
            broker: format!("{}:{}", config.mqtt.host, config.mqtt.port),
            ..MqttStatus::default()
        };
        Arc::new(StatusBoard {
            started: clock.monotonic(),
            clock,
            site: config.gateway.site.clone(),
            gateway: config.gateway.name.clone(),
            mqtt: Mutex::new(mqtt),
            outbox: Mutex::default(),
            devices: config.devices.iter().map(|config| device(&config.id)).collect(),
            models: Mutex::default(),
            losses: Mutex::default(),
            update: Mutex::default(),
            slm: Mutex::default(),
            models_drift: Mutex::default(),
        })
    }

    /// Changes what is said about delivery.
    pub fn mqtt(&self, change: impl FnOnce(&mut MqttStatus)) {
        change(&mut lock(&self.mqtt));
    }

    /// Changes what is said about the outbox.
    pub fn outbox(&self, change: impl FnOnce(&mut OutboxStatus)) {
        change(&mut lock(&self.outbox));
    }

    /// Changes what is said about a device, by its position in the configuration; a position
    /// without a device changes nothing.
    pub fn device(&self, index: usize, change: impl FnOnce(&mut DeviceStatus)) {
        if let Some(device) = self.devices.get(index) {
            change(&mut lock(device));
        }
    }

    /// Changes the list of loaded models.
    pub fn models(&self, change: impl FnOnce(&mut Vec<ModelStatus>)) {
        change(&mut lock(&self.models));
    }

    /// Changes the list of records that were lost, by reason.
    pub fn losses(&self, change: impl FnOnce(&mut Vec<Loss>)) {
        change(&mut lock(&self.losses));
    }

    /// Changes what is said about updates.
    pub fn update(&self, change: impl FnOnce(&mut UpdateStatus)) {
        change(&mut lock(&self.update));
    }

    /// Says how the language models are.
    pub fn slm(&self, figures: SlmFigures) {
        *lock(&self.slm) = Some(figures);
    }

    /// What is said about updates.
    #[must_use]
    pub fn updates(&self) -> UpdateStatus {
        lock(&self.update).clone()
    }

    /// Says how the answers of the model that classifies incidents are.
    pub fn model_drift(&self, drift: ModelDrift) {
        *lock(&self.models_drift) = vec![drift];
    }

    /// Whether any device, or any model's answers, have drifted.
    #[must_use]
    pub fn drifted(&self) -> bool {
        let any = |compared: &[Compared]| compared.iter().any(|compared| compared.since.is_some());
        self.devices.iter().any(|device| any(&lock(device).drift))
            || lock(&self.models_drift).iter().any(|model| any(&model.compared))
    }

    /// Why the agent is not ready: the outbox must be open, every source must run or have come
    /// to its end, every detector must be loaded. Empty when it is ready. A broker that is
    /// away is no reason: what the outbox is for.
    #[must_use]
    pub fn not_ready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        let outbox = lock(&self.outbox);
        match (&outbox.error, outbox.open) {
            (Some(error), _) => reasons.push(format!("the outbox takes no records: {error}")),
            (None, false) => reasons.push("the outbox is not open yet".to_owned()),
            (None, true) => {}
        }
        drop(outbox);
        for device in &self.devices {
            let device = lock(device);
            let id = &device.id;
            match (device.source, &device.source_error) {
                (SourceState::Starting, _) => reasons.push(format!("{id}: the source has not started yet")),
                (SourceState::Failed, Some(error)) => {
                    reasons.push(format!("{id}: the source failed: {error}"))
                }
                (SourceState::Failed, None) => reasons.push(format!("{id}: the source failed")),
                (SourceState::Running | SourceState::Ended, _) => {}
            }
            if device.phase == DevicePhase::Starting {
                reasons.push(format!("{id}: the detector is not loaded yet"));
            }
        }
        reasons
    }

    /// Everything, at this moment.
    #[must_use]
    pub fn report(&self) -> StatusReport {
        let outbox = lock(&self.outbox).clone();
        StatusReport {
            site: self.site.clone(),
            gateway: self.gateway.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            boot: outbox.boot,
            time: self.clock.now(),
            uptime_s: self.clock.monotonic().saturating_sub(self.started).as_secs_f64(),
            not_ready: self.not_ready(),
            mqtt: lock(&self.mqtt).clone(),
            outbox,
            devices: self.devices.iter().map(|device| lock(device).clone()).collect(),
            models: lock(&self.models).clone(),
            resident_bytes: resident_bytes(),
            losses: lock(&self.losses).clone(),
            update: lock(&self.update).clone(),
            slm: lock(&self.slm).clone(),
            models_drift: lock(&self.models_drift).clone(),
        }
    }
}

/// A writer that panicked has left a part half changed at worst; the page still shows it.
fn lock<T>(part: &Mutex<T>) -> MutexGuard<'_, T> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::config::example::EXAMPLE;
    use crate::time::Timestamp;

    /// A board of the example's one device, at a fixed time.
    pub(crate) fn board() -> Arc<StatusBoard> {
        let config: Config = toml::from_str(EXAMPLE).unwrap();
        StatusBoard::new(&config, Arc::new(ManualClock::at(Timestamp::from_millis(1_795_248_000_123))))
    }

    /// Makes a board ready.
    pub(crate) fn start(board: &StatusBoard) {
        board.outbox(|outbox| outbox.open = true);
        board.device(0, |device| {
            device.source = SourceState::Running;
            device.phase = DevicePhase::Learning;
        });
    }

    #[test]
    fn ready_means_outbox_open_sources_running_and_detectors_loaded() {
        let board = board();
        assert_eq!(
            board.not_ready(),
            [
                "the outbox is not open yet",
                "pump-1: the source has not started yet",
                "pump-1: the detector is not loaded yet"
            ]
        );
        start(&board);
        assert_eq!(board.not_ready(), Vec::<String>::new());
        board.device(0, |device| {
            device.source = SourceState::Failed;
            device.source_error = Some("pump.csv: not found".to_owned());
        });
        board.outbox(|outbox| outbox.error = Some("the disk is full".to_owned()));
        assert_eq!(
            board.not_ready(),
            [
                "the outbox takes no records: the disk is full",
                "pump-1: the source failed: pump.csv: not found"
            ]
        );
    }

    #[test]
    fn a_report_reads_back_what_it_wrote() {
        let board = board();
        start(&board);
        board.outbox(|outbox| {
            outbox.boot = 3;
            outbox.oldest = Some(Timestamp::from_millis(1_795_248_000_000));
            outbox.evicted.insert("too_old".to_owned(), 2);
        });
        board.device(0, |device| {
            device.samples_rejected.insert("not_finite".to_owned(), 4).map_or((), |_| ())
        });
        board.device(9, |device| device.alarm = true);
        board.losses(|losses| losses.push(Loss { reason: "cut short by damage".to_owned(), records: 5 }));
        let report = board.report();
        let json = serde_json::to_string(&report).unwrap();
        assert!(json.contains("\"oldest\":\"2026-11-21T08:00:00.000Z\""), "{json}");
        let back: StatusReport = serde_json::from_str(&json).unwrap();
        assert_eq!(back, report);
        assert_eq!(report.losses, [Loss { reason: "cut short by damage".to_owned(), records: 5 }]);
        assert!(!report.devices[0].alarm);
    }
}
