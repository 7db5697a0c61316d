//! What all handlers share.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::json;
use tokio::sync::Notify;

use super::counters::Counters;
use super::files::Files;
use super::keys::Keys;
use super::limits::Limits;
use super::token::OperatorToken;
use super::{Clock, Settings};
use crate::audit::{self, Act};
use crate::db::writer::Writer;
use crate::db::{Database, DbError};
use crate::rollouts::service::Rollouts;

/// A handle on the server's parts. Cloning shares them.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

/// The parts.
pub struct Parts {
    /// The repository's files.
    pub(crate) files: Files,
    /// The state.
    pub(crate) database: Database,
    /// Where reports go.
    pub(crate) writer: Writer,
    /// The devices' keys.
    pub(crate) keys: Keys,
    /// The limits.
    pub(crate) limits: Limits,
    /// Who may use the operator's API.
    pub(crate) operator: OperatorToken,
    /// The rollouts.
    pub(crate) rollouts: Rollouts,
    /// Rung when an attempt ended: thresholds are judged then.
    pub(crate) judge: Notify,
    /// How long events are kept.
    pub(crate) keep_events: Duration,
    /// What is counted.
    pub counters: Counters,
    clock: Clock,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").field("database", &self.database).finish_non_exhaustive()
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    pub(super) fn new(
        settings: &Settings,
        files: Files,
        database: Database,
        writer: Writer,
        rollouts: Rollouts,
    ) -> App {
        App(Arc::new(Parts {
            files,
            database,
            writer,
            keys: Keys::default(),
            limits: Limits::new(settings.allowance),
            operator: settings.operator.clone(),
            rollouts,
            judge: Notify::new(),
            keep_events: settings.keep_events,
            counters: Counters::default(),
            clock: Arc::clone(&settings.clock),
        }))
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> jiff::Timestamp {
        (self.0.clock)()
    }

    /// Takes metadata into memory when it changed. Also called right after it was signed here.
    pub(super) async fn reload(&self) {
        let memory = Arc::clone(&self.files.memory);
        match tokio::task::spawn_blocking(move || memory.load_if_changed()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "the metadata cannot be read; what was read before is served")
            }
            Err(error) => tracing::warn!(%error, "the metadata was not read"),
        }
    }

    /// Records that the server began, and with which key it signs.
    pub(super) async fn started(&self, online_key: &str) -> Result<(), DbError> {
        let mut change = self.database.begin().await?;
        let detail = json!({"version": env!("CARGO_PKG_VERSION"), "online_key": online_key});
        let act = Act { actor: "server", action: "server.start", subject: "", detail };
        audit::append(&mut change, act, self.now()).await?;
        change.commit().await?;
        Ok(())
    }
}

/// `GET /healthz`: 200 while the database can be read.
pub(super) async fn health(State(app): State<App>) -> impl IntoResponse {
    match sqlx::query("SELECT 1").execute(app.database.pool()).await {
        Ok(_) => (StatusCode::OK, "ok\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database cannot be read\n"),
    }
}

/// `GET /metrics`.
pub(super) async fn metrics(State(app): State<App>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], app.counters.text())
}
