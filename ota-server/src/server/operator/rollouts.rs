//! `/v1/rollouts`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::rollouts::order::Order;
use crate::rollouts::service::{Action, RolloutError};
use crate::rollouts::view::{Shown, Summary};
use crate::server::App;
use crate::server::error::ApiError;
use crate::server::token::Operator;

/// Longest reason that an operator gives.
const REASON_MAX: usize = 500;

#[derive(Default, serde::Deserialize)]
struct Because {
    #[serde(default)]
    reason: String,
}

/// `GET /v1/rollouts`.
pub(super) async fn list(_: Operator, State(app): State<App>) -> Result<Json<Vec<Summary>>, ApiError> {
    Ok(Json(app.rollouts.list().await?))
}

/// `POST /v1/rollouts`.
pub(super) async fn create(
    _: Operator,
    State(app): State<App>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let mut from = serde_json::Deserializer::from_slice(&body);
    let order: Order = serde_path_to_error::deserialize(&mut from)
        .map_err(|e| ApiError::invalid(format!("{}: {}", e.path(), e.inner())))?;
    let id = app.rollouts.create(order, app.now()).await?;
    app.reload().await;
    Ok((StatusCode::CREATED, Json(json!({"id": id}))))
}

/// `GET /v1/rollouts/ID?by=TAG`.
pub(super) async fn show(
    _: Operator,
    State(app): State<App>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Shown>, ApiError> {
    // The one parameter there is. A tag's name needs no escapes.
    let tag = query.as_deref().and_then(|query| query.strip_prefix("by=")).filter(|tag| !tag.is_empty());
    Ok(Json(app.rollouts.show(&id, tag, app.now()).await?))
}

/// `POST /v1/rollouts/ID/pause`, `resume`, `abort`.
pub(super) async fn act(
    _: Operator,
    State(app): State<App>,
    Path((id, action)): Path<(String, String)>,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let action = match action.as_str() {
        "pause" => Action::Pause,
        "resume" => Action::Resume,
        "abort" => Action::Abort,
        _ => return Err(ApiError::not_found("a rollout can be paused, resumed or aborted")),
    };
    let because: Because = if body.is_empty() {
        Because::default()
    } else {
        serde_json::from_slice(&body).map_err(|e| ApiError::invalid(e.to_string()))?
    };
    if because.reason.len() > REASON_MAX {
        return Err(ApiError::invalid(format!("reason: at most {REASON_MAX} bytes")));
    }
    app.rollouts.act(&id, action, &because.reason, app.now()).await?;
    app.reload().await;
    Ok(StatusCode::NO_CONTENT)
}

impl From<RolloutError> for ApiError {
    fn from(error: RolloutError) -> ApiError {
        match error {
            RolloutError::Invalid(why) => ApiError::invalid(why),
            RolloutError::NotFound(why) => ApiError::not_found(why),
            RolloutError::Conflict(why) => ApiError::conflict(why),
            RolloutError::Database(error) => error.into(),
            RolloutError::Publish(_) => ApiError::unavailable(error.to_string()),
        }
    }
}
