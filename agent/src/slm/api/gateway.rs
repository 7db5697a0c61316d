//! What the API asks: the models, the names of the machines, what happened in the last days.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::error::ApiError;
use crate::clock::Clock;
use crate::config::DeviceConfig;
use crate::incident::Incident;
use crate::incident::book::IncidentBook;
use crate::incident::sentence::Subject;
use crate::slm::case::Case;
use crate::slm::runtime::{Call, Model, Pieces, Priority, Refusal, Request, Runtime, Ticket};
use crate::time::Timestamp;

/// How long an answer may take. A program that wants it sooner closes its connection.
const DEADLINE: Duration = Duration::from_secs(120);

/// What the API asks.
pub struct Gateway {
    runtime: Option<Runtime>,
    subjects: Vec<Subject>,
    book: Option<Arc<IncidentBook>>,
    clock: Arc<dyn Clock>,
    answers: AtomicU64,
}

impl Gateway {
    /// The models, where there are any, with what the gateway knows of its machines.
    #[must_use]
    pub fn new(
        runtime: Option<Runtime>,
        devices: &[DeviceConfig],
        book: Option<Arc<IncidentBook>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let subjects = devices.iter().map(Subject::of).collect();
        Gateway { runtime, subjects, book, clock, answers: AtomicU64::new(0) }
    }

    pub(super) fn ask(
        &self,
        request: Request,
        model: Option<String>,
        pieces: Option<Pieces>,
    ) -> Result<Ticket, Refusal> {
        let Some(runtime) = &self.runtime else {
            return Err(Refusal::UnknownTask { task: request.task().name().into(), known: Vec::new() });
        };
        Ok(runtime.ask(Call { model, ..Gateway::call(request) }, pieces))
    }

    /// A request as urgent as somebody who waits for it.
    pub(super) fn call(request: Request) -> Call {
        Call::new(request, Priority::Interactive, Some(DEADLINE))
    }

    pub(super) fn runtime(&self) -> Option<&Runtime> {
        self.runtime.as_ref()
    }

    pub(super) fn models(&self) -> Vec<Model> {
        self.runtime.as_ref().map_or_else(Vec::new, Runtime::models)
    }

    pub(super) fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// The incidents of this gateway that were open in a period, each as it stands.
    pub(super) async fn incidents(
        self: &Arc<Self>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Case>, ApiError> {
        let gateway = Arc::clone(self);
        // They are read from the disk.
        let found = tokio::task::spawn_blocking(move || {
            let incidents = gateway.book.iter().flat_map(|book| book.between(from, to));
            incidents.filter_map(|incident| gateway.case(incident)).collect()
        });
        found.await.map_err(|_| ApiError::failed("the gateway's incidents could not be read"))
    }

    fn case(&self, incident: Incident) -> Option<Case> {
        let subject = self.subjects.iter().find(|subject| subject.device == incident.device)?.clone();
        Some(Case { subject, incident, assessment: None, notes: Vec::new() })
    }

    /// A name for an answer, unique while the agent runs, and the seconds since 1970.
    pub(super) fn stamp(&self, kind: &str) -> (String, i64) {
        let created = self.clock.now().as_millis().div_euclid(1_000);
        let number = self.answers.fetch_add(1, Ordering::Relaxed);
        (format!("{kind}-{created}-{number}"), created)
    }
}
