//! Tells the OTA server what happened here: signed, idempotent, queued while it does not answer.
//!
//! Nothing depends on it: a release that has proven itself stays committed whether or not the
//! server has heard of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use lineside_bundle::DeviceFacts;
use serde::Serialize;
use tracing::{debug, info, warn};

use super::attempt::Chronicle;
use super::event::Event;
use super::fetch::{FetchError, Http, Kind, Pace};
use super::identity::Identity;

/// Events in one report: well under the server's limit of 64 KiB.
const BATCH: usize = 50;

/// What runs, as reports say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Running {
    /// The model's name.
    #[serde(skip)]
    pub model: String,
    /// The version for people.
    pub version: String,
    /// The release.
    pub release: u32,
}

#[derive(Serialize)]
struct Report<'a> {
    device: &'a str,
    counter: u64,
    group: &'a str,
    agent: String,
    arch: &'a str,
    tags: &'a BTreeMap<String, String>,
    models: BTreeMap<&'a str, &'a Running>,
    events: Vec<Event>,
}

#[derive(Serialize)]
struct Enrolment<'a> {
    token: &'a str,
    device: &'a str,
    public_key: String,
}

/// Sends reports.
pub struct Reporter {
    http: Http,
    identity: Identity,
    group: String,
    facts: DeviceFacts,
    /// Where the one-time token lies.
    token: PathBuf,
    pace: Pace,
    failures: u32,
    next: Duration,
    heartbeat: Duration,
    next_heartbeat: Duration,
    counter: u64,
}

impl Reporter {
    /// A reporter that enrols with the token in `token` when the server does not know it yet.
    /// `heartbeat` is the longest silence.
    #[must_use]
    pub fn new(
        http: Http,
        identity: Identity,
        group: String,
        facts: DeviceFacts,
        token: PathBuf,
        pace: Pace,
        heartbeat: Duration,
    ) -> Self {
        Reporter {
            http,
            identity,
            group,
            facts,
            token,
            pace,
            failures: 0,
            next: Duration::ZERO,
            heartbeat,
            next_heartbeat: Duration::ZERO,
            counter: 0,
        }
    }

    /// Whether there is something to say, and it is time to say it.
    #[must_use]
    pub fn due(&self, chronicle: &Chronicle) -> bool {
        let now = chronicle.clock.monotonic();
        now >= self.next && (now >= self.next_heartbeat || !chronicle.journal.unsent(1).is_empty())
    }

    /// Sends what the server has not heard; `random` is for the jitter.
    pub fn send(&mut self, chronicle: &Chronicle, running: &[Running], random: f64) {
        let unsent = chronicle.journal.unsent(BATCH);
        let keys: Vec<u64> = unsent.iter().map(|(key, _)| *key).collect();
        let events = unsent.into_iter().map(|(_, event)| event).collect();
        let outcome = self.deliver(chronicle, running, events);
        let now = chronicle.clock.monotonic();
        match outcome {
            Ok(()) => {
                chronicle.journal.sent(&keys);
                self.failures = 0;
                self.next = now;
                self.next_heartbeat = now + self.heartbeat.mul_f64(0.5 + random / 2.0);
                debug!(events = keys.len(), "update: reported");
            }
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                self.next = now + self.pace.next(self.failures, error.kind.retry_after(), random);
                warn!(%error, "update: the server was not told; it will be");
            }
        }
    }

    fn deliver(
        &mut self,
        chronicle: &Chronicle,
        running: &[Running],
        events: Vec<Event>,
    ) -> Result<(), FetchError> {
        let wall = u64::try_from(chronicle.clock.now().as_micros()).unwrap_or_default();
        self.counter = wall.max(self.counter + 1);
        let report = Report {
            device: self.identity.device(),
            counter: self.counter,
            group: &self.group,
            agent: self.facts.agent.to_string(),
            arch: &self.facts.arch,
            tags: &self.facts.tags,
            models: running.iter().map(|running| (running.model.as_str(), running)).collect(),
            events,
        };
        let body = serde_json::to_vec(&report).unwrap_or_default();
        let signature = self.identity.sign(&body);
        let headers = [("Lineside-Device", self.identity.device()), ("Lineside-Signature", &signature)];
        match self.http.post_json("v1/status", &body, &headers) {
            // Not known there yet: enrolling is for once, so it is tried only then.
            Err(error) if error.kind == Kind::Refused(401) => {
                self.enrol()?;
                self.http.post_json("v1/status", &body, &headers).map(drop)
            }
            answered => answered.map(drop),
        }
    }

    fn enrol(&self) -> Result<(), FetchError> {
        let unreadable = |error| {
            let path = self.token.display();
            let detail = format!("{path}: {error}; put the one-time token there to enrol this gateway");
            FetchError { kind: Kind::Setup, detail }
        };
        let token = std::fs::read_to_string(&self.token).map_err(unreadable)?;
        let enrolment = Enrolment {
            token: token.trim(),
            device: self.identity.device(),
            public_key: self.identity.public_key(),
        };
        let body = serde_json::to_vec(&enrolment).unwrap_or_default();
        self.http.post_json("v1/enroll", &body, &[])?;
        info!(device = self.identity.device(), "update: enrolled");
        Ok(())
    }
}
