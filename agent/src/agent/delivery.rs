//! What leaves the gateway: turns a pipeline's outputs into records for the outbox and live
//! messages for the publisher, as far as the configuration lets them leave.
//!
//! Promise 3: raw samples stay. Nothing here ever sees a sample.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::{DeviceConfig, PublishConfig};
use crate::drift::Compared;
use crate::incident::{Change, Incident};
use crate::outbox::Outbox;
use crate::publish::payload::{self, ModelRef, Report};
use crate::publish::{Publisher, Topics};
use crate::retraining::Journal;
use crate::signal::Aggregate;
use crate::slm::description::Description;
use crate::time::Timestamp;

/// The way out of the gateway. Clones lead the same way.
#[derive(Clone)]
pub struct Delivery {
    /// Where messages go.
    pub topics: Topics,
    /// What may leave.
    pub leaves: PublishConfig,
    /// Which detector the figures come from.
    pub model: ModelRef,
    /// Keeps records until they are acknowledged.
    pub outbox: Outbox,
    /// Retained messages; `None` where nothing is published.
    pub live: Option<Arc<Publisher>>,
    /// Which start of the agent this is.
    pub boot: u32,
    /// What was said last about each device's incident.
    pub newest: Newest,
    /// Where what is said of incidents is kept for a refit, if it is.
    pub journal: Option<Arc<Journal>>,
}

/// What was said last about the incident of each device, by the device's id. Whoever says
/// something holds the lock until it is said, so that words never follow a newer alarm.
#[derive(Clone, Default)]
pub struct Newest(Arc<Mutex<BTreeMap<String, Said>>>);

/// One change of an incident.
#[derive(PartialEq, Eq)]
struct Said {
    id: String,
    change: Change,
    updated: Timestamp,
}

impl Said {
    fn of(incident: &Incident) -> Self {
        Said { id: incident.id.clone(), change: incident.change, updated: incident.updated }
    }
}

impl Newest {
    fn hold(&self) -> MutexGuard<'_, BTreeMap<String, Said>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Delivery {
    /// Describes a device to panels that open cold, with the incident that is open, if one is.
    pub fn introduce(&self, device: &DeviceConfig, open: Option<&Incident>, now: Timestamp) {
        self.retain(payload::meta(&self.topics, device, now, self.boot));
        if self.leaves.incidents {
            self.retain(payload::incident_state(&self.topics, device, open, None, now, self.boot));
        }
    }

    /// Says whether a device has drifted.
    pub fn drift(&self, device: &DeviceConfig, compared: &[Compared], now: Timestamp) {
        self.retain(payload::drift(&self.topics, &device.id, compared, &self.model, now, self.boot));
    }

    /// Sends the figures of one interval.
    pub fn aggregate(&self, device: &DeviceConfig, aggregate: &Aggregate) {
        if self.leaves.aggregates {
            self.outbox.append(payload::data(&self.topics, device, aggregate, &self.model));
            self.retain(payload::last(&self.topics, device, aggregate, self.boot));
        }
    }

    /// Sends a change of an incident with its deterministic sentence.
    pub fn incident(&self, device: &DeviceConfig, incident: &Incident) {
        let mut newest = self.newest.hold();
        newest.insert(device.id.clone(), Said::of(incident));
        self.say(device, incident, None);
    }

    /// Sends what the language models made of a change of an incident, unless something newer has
    /// been said about it. Returns whether it was sent.
    pub fn describe(&self, device: &DeviceConfig, incident: &Incident, description: &Description) -> bool {
        let newest = self.newest.hold();
        let current = newest.get(&device.id) == Some(&Said::of(incident));
        if current {
            self.say(device, incident, Some(description));
        }
        current
    }

    /// Sends the report of a shift.
    pub fn report(&self, report: &Report) {
        if self.leaves.incidents {
            self.outbox.append(payload::report(&self.topics, report));
        }
    }

    fn say(&self, device: &DeviceConfig, incident: &Incident, described: Option<&Description>) {
        let record = payload::incident(&self.topics, device, incident, described, &self.model);
        if let Some(journal) = &self.journal {
            journal.keep(&record.body);
        }
        if self.leaves.incidents {
            self.outbox.append(record);
            let open = (incident.change != Change::Closed).then_some(incident);
            let now = incident.updated;
            self.retain(payload::incident_state(&self.topics, device, open, described, now, self.boot));
        }
    }

    fn retain(&self, (topic, payload): (String, Vec<u8>)) {
        if let Some(live) = &self.live {
            live.retain(topic, payload);
        }
    }
}
