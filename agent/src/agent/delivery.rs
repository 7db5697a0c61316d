//! What leaves the gateway: turns a pipeline's outputs into records for the outbox and live
//! messages for the publisher, as far as the configuration lets them leave.
//!
//! Promise 3: raw samples stay. Nothing here ever sees a sample.

use std::sync::Arc;

use crate::config::{DeviceConfig, PublishConfig};
use crate::incident::{Change, Incident};
use crate::outbox::Outbox;
use crate::publish::payload::{self, ModelRef};
use crate::publish::{Publisher, Topics};
use crate::signal::Aggregate;
use crate::time::Timestamp;

/// The way out of the gateway.
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
}

impl Delivery {
    /// Describes a device to panels that open cold, with the incident that is open, if one is.
    pub fn introduce(&self, device: &DeviceConfig, open: Option<&Incident>, now: Timestamp) {
        self.retain(payload::meta(&self.topics, device, now, self.boot));
        if self.leaves.incidents {
            self.retain(payload::incident_state(&self.topics, device, open, now, self.boot));
        }
    }

    /// Sends the figures of one interval.
    pub fn aggregate(&self, device: &DeviceConfig, aggregate: &Aggregate) {
        if self.leaves.aggregates {
            self.outbox.append(payload::data(&self.topics, device, aggregate, &self.model));
            self.retain(payload::last(&self.topics, device, aggregate, self.boot));
        }
    }

    /// Sends a change of an incident.
    pub fn incident(&self, device: &DeviceConfig, incident: &Incident) {
        if self.leaves.incidents {
            self.outbox.append(payload::incident(&self.topics, device, incident, &self.model));
            let open = (incident.change != Change::Closed).then_some(incident);
            self.retain(payload::incident_state(&self.topics, device, open, incident.updated, self.boot));
        }
    }

    fn retain(&self, (topic, payload): (String, Vec<u8>)) {
        if let Some(live) = &self.live {
            live.retain(topic, payload);
        }
    }
}
