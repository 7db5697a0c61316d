//! Makes and changes rollouts.
//!
//! Promise: a change is recorded with its audit entry first and signed after; a crash in between
//! leaves a revision that is not published yet, and it is published at the next start or look. So the
//! database never lags behind what devices see.

use std::sync::Arc;

use jiff::Timestamp;
use rand::TryRng;
use rand::rngs::SysRng;
use serde_json::json;
use sqlx::{Sqlite, Transaction};
use tokio::sync::Mutex;

use super::cohorts::{before, cohorts};
use super::order::Order;
use super::publisher::{PublishError, Publisher};
use super::view::{Shown, Summary};
use crate::audit::{self, Act};
use crate::db::rollouts::{self, Kept};
use crate::db::{Database, DbError, devices, progress};
use lineside_bundle::rollout::State;

/// Bytes of salt: which devices go first cannot be told before.
const SALT: usize = 16;

/// Why a rollout was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum RolloutError {
    /// The order is wrong.
    #[error("{0}")]
    Invalid(String),
    /// There is none.
    #[error("{0}")]
    NotFound(String),
    /// It is not in the state for this.
    #[error("{0}")]
    Conflict(String),
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
    /// It is recorded, but not signed yet.
    #[error("{0}; the change is recorded and is signed as soon as the repository can be written")]
    Publish(#[from] PublishError),
}

impl From<sqlx::Error> for RolloutError {
    fn from(error: sqlx::Error) -> RolloutError {
        RolloutError::Database(error.into())
    }
}

/// What an operator may do to a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nobody new starts.
    Pause,
    /// It goes on; what ended before is not judged again.
    Resume,
    /// It is over, for good.
    Abort,
}

impl Action {
    fn name(self) -> &'static str {
        match self {
            Action::Pause => "rollout.pause",
            Action::Resume => "rollout.resume",
            Action::Abort => "rollout.abort",
        }
    }

    fn target(self) -> State {
        match self {
            Action::Pause => State::Paused,
            Action::Resume => State::Running,
            Action::Abort => State::Aborted,
        }
    }
}

/// The rollouts of a server.
#[derive(Debug)]
pub struct Rollouts {
    database: Database,
    publisher: Arc<dyn Publisher>,
    /// One publication at a time, so that revisions are signed in their order.
    publishing: Mutex<()>,
}

impl Rollouts {
    /// Over this database and repository.
    #[must_use]
    pub fn new(database: Database, publisher: Arc<dyn Publisher>) -> Rollouts {
        Rollouts { database, publisher, publishing: Mutex::new(()) }
    }

    /// Makes a rollout and publishes it. It takes the place of the one that its group and model had.
    ///
    /// # Errors
    /// See [`RolloutError`].
    pub async fn create(&self, order: Order, now: Timestamp) -> Result<String, RolloutError> {
        let (publisher, model, release) = (Arc::clone(&self.publisher), order.model.clone(), order.release);
        let chosen = blocking(move || publisher.release(&model, release)).await?.ok_or_else(|| {
            let (model, release) = (&order.model, order.release);
            RolloutError::NotFound(format!("release: {model} has no signed release {release}; add it first"))
        })?;
        let mut change = self.database.begin().await?;
        let id = match &order.id {
            Some(id) => id.clone(),
            None => next_id(&mut change, now).await?,
        };
        if rollouts::find(&mut change, &id).await?.is_some() {
            return Err(RolloutError::Conflict(format!("id: there is a rollout {id} already")));
        }
        let document = order
            .document(id.clone(), chosen, salt()?, now)
            .map_err(|e| RolloutError::Invalid(e.to_string()))?;
        let at = now.as_millisecond();
        rollouts::supersede(&mut change, &document).await?;
        let kept = Kept {
            published_revision: 0,
            live: true,
            thresholds: order.thresholds,
            judged_from: 0,
            pause_reason: String::new(),
            created: at,
            updated: at,
            document,
        };
        rollouts::put(&mut change, &kept).await?;
        let detail = json!({"document": kept.document, "thresholds": kept.thresholds});
        let act = Act { actor: "operator", action: "rollout.create", subject: &id, detail };
        audit::append(&mut change, act, now).await?;
        change.commit().await?;
        self.publish_pending(now).await?;
        Ok(id)
    }

    /// Pauses, resumes or aborts a rollout and publishes that.
    ///
    /// # Errors
    /// See [`RolloutError`].
    pub async fn act(
        &self,
        id: &str,
        action: Action,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), RolloutError> {
        let mut change = self.database.begin().await?;
        let kept = rollouts::find(&mut change, id)
            .await?
            .ok_or_else(|| RolloutError::NotFound(format!("there is no rollout {id}")))?;
        if !kept.live {
            return Err(RolloutError::Conflict(format!("{id} was replaced by a newer rollout")));
        }
        if kept.document.state == State::Aborted {
            return Err(RolloutError::Conflict(format!("{id} is aborted; make a new rollout")));
        }
        if kept.document.state != action.target() {
            turn(&mut change, kept, action, "operator", reason, now).await?;
            change.commit().await?;
        }
        self.publish_pending(now).await?;
        Ok(())
    }

    /// Pauses the rollouts that their thresholds stop, and publishes what is not published yet. The
    /// number of rollouts that paused.
    ///
    /// # Errors
    /// See [`RolloutError`].
    pub async fn judge(&self, now: Timestamp) -> Result<u32, RolloutError> {
        let mut paused = 0;
        let pool = self.database.pool();
        for kept in rollouts::live(pool).await? {
            if kept.document.state != State::Running {
                continue;
            }
            let settled = before(now, kept.thresholds.settle_s);
            let sample = progress::sample(pool, &kept.document.id, kept.judged_from, settled).await?;
            let Some(why) = kept.thresholds.judge(&sample) else { continue };
            let mut change = self.database.begin().await?;
            // An operator may have come first.
            match rollouts::find(&mut change, &kept.document.id).await? {
                Some(same) if same == kept => {
                    tracing::warn!(rollout = kept.document.id, why, "a rollout paused by itself");
                    turn(&mut change, kept, Action::Pause, "server", &why, now).await?;
                    change.commit().await?;
                    paused += 1;
                }
                _ => {}
            }
        }
        self.publish_pending(now).await?;
        Ok(paused)
    }

    /// Signs and publishes every live document that is newer than what is served.
    async fn publish_pending(&self, now: Timestamp) -> Result<(), RolloutError> {
        let _one = self.publishing.lock().await;
        for kept in rollouts::live(self.database.pool()).await? {
            if kept.published_revision >= i64::from(kept.document.revision) {
                continue;
            }
            let (publisher, document) = (Arc::clone(&self.publisher), kept.document.clone());
            blocking(move || publisher.publish(&document, now)).await?;
            let mut change = self.database.begin().await?;
            rollouts::published(&mut change, &kept.document).await?;
            change.commit().await?;
        }
        Ok(())
    }

    /// Signs anew what is due. Whether something was.
    ///
    /// # Errors
    /// The repository cannot be written, or the database is away.
    pub async fn refresh(&self, now: Timestamp) -> Result<bool, RolloutError> {
        let _one = self.publishing.lock().await;
        let publisher = Arc::clone(&self.publisher);
        let signed = blocking(move || publisher.refresh(now)).await?;
        if signed {
            let mut change = self.database.begin().await?;
            let detail = json!({"online_key": self.publisher.key_id()});
            let act = Act { actor: "server", action: "timestamp.sign", subject: "", detail };
            audit::append(&mut change, act, now).await?;
            change.commit().await?;
        }
        Ok(signed)
    }

    /// All rollouts, newest first.
    ///
    /// # Errors
    /// The database is away.
    pub async fn list(&self) -> Result<Vec<Summary>, DbError> {
        Ok(rollouts::list(self.database.pool(), None).await?.iter().map(Summary::of).collect())
    }

    /// A rollout with its progress, by the values of a tag.
    ///
    /// # Errors
    /// There is none, or the database is away.
    pub async fn show(&self, id: &str, tag: Option<&str>, now: Timestamp) -> Result<Shown, RolloutError> {
        let pool = self.database.pool();
        let kept = rollouts::list(pool, Some(id))
            .await?
            .pop()
            .ok_or_else(|| RolloutError::NotFound(format!("there is no rollout {id}")))?;
        let devices = devices::list(pool, Some(&kept.document.group)).await?;
        let standings = progress::of(pool, id).await?;
        // A rollout that chooses by a tag is most likely looked at by that tag.
        let tag = tag.or_else(|| kept.document.predicates.tags.keys().next().map(String::as_str));
        Ok(Shown {
            summary: Summary::of(&kept),
            thresholds: kept.thresholds,
            percent_now_hundredths: kept.document.percent_at(now),
            cohort_tag: tag.map(str::to_owned),
            cohorts: cohorts(&kept.document, &kept.thresholds, tag, &devices, &standings, now),
            document: kept.document,
        })
    }
}

/// The next revision of a document, with its audit entry.
async fn turn(
    change: &mut Transaction<'static, Sqlite>,
    mut kept: Kept,
    action: Action,
    actor: &str,
    reason: &str,
    now: Timestamp,
) -> Result<(), RolloutError> {
    kept.document.revision += 1;
    kept.document.state = action.target();
    kept.updated = now.as_millisecond();
    if action == Action::Resume {
        kept.judged_from = now.as_millisecond();
        kept.pause_reason = String::new();
    } else {
        kept.pause_reason = reason.to_owned();
    }
    rollouts::put(change, &kept).await?;
    let detail = json!({"reason": reason, "revision": kept.document.revision});
    let act = Act { actor, action: action.name(), subject: &kept.document.id, detail };
    audit::append(change, act, now).await?;
    Ok(())
}

/// `r-2026-11-21-1`: the day, and a number within it.
async fn next_id(change: &mut Transaction<'static, Sqlite>, now: Timestamp) -> Result<String, RolloutError> {
    let day = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let mut number: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM rollouts WHERE id LIKE $1")
        .bind(format!("r-{day}-%"))
        .fetch_one(&mut **change)
        .await?;
    loop {
        number += 1;
        let id = format!("r-{day}-{number}");
        if rollouts::find(change, &id).await?.is_none() {
            return Ok(id);
        }
    }
}

fn salt() -> Result<String, RolloutError> {
    let mut salt = [0; SALT];
    SysRng.try_fill_bytes(&mut salt).map_err(|e| PublishError(format!("no randomness for the salt: {e}")))?;
    Ok(hex::encode(salt))
}

/// Signing and the repository block on the disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PublishError> + Send + 'static,
) -> Result<T, PublishError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| Err(PublishError(e.to_string())))
}
