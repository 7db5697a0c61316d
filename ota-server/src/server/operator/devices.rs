//! `/v1/tokens` and `/v1/devices`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use rand::TryRng;
use rand::rngs::SysRng;
use serde_json::{Value, json};

use crate::audit::{self, Act};
use crate::db::devices::{self, Device};
use crate::db::tokens;
use crate::server::App;
use crate::server::devices::check_name;
use crate::server::error::ApiError;
use crate::server::token::Operator;

/// Random bytes of an enrolment token.
const TOKEN: usize = 32;
/// A technician's shift, and the way to the plant.
const VALID_HOURS: u32 = 24;
/// Longest life of a token: a year, for those printed on a device's packing.
const VALID_HOURS_MAX: u32 = 366 * 24;
/// Longest note.
const NOTE_MAX: usize = 200;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wanted {
    note: String,
    device: String,
    valid_hours: u32,
}

impl Default for Wanted {
    fn default() -> Self {
        Wanted { note: String::new(), device: String::new(), valid_hours: VALID_HOURS }
    }
}

/// `POST /v1/tokens`: the token is in the answer and nowhere else.
pub(super) async fn token(
    _: Operator,
    State(app): State<App>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let wanted: Wanted = if body.is_empty() {
        Wanted::default()
    } else {
        serde_json::from_slice(&body).map_err(|e| ApiError::invalid(e.to_string()))?
    };
    if !wanted.device.is_empty() {
        check_name(&wanted.device)?;
    }
    if wanted.note.len() > NOTE_MAX || !(1..=VALID_HOURS_MAX).contains(&wanted.valid_hours) {
        let message = format!("note: at most {NOTE_MAX} bytes; valid_hours: 1 to {VALID_HOURS_MAX}");
        return Err(ApiError::invalid(message));
    }
    let mut bytes = [0; TOKEN];
    SysRng.try_fill_bytes(&mut bytes).map_err(|e| ApiError::unavailable(format!("no randomness: {e}")))?;
    let token = hex::encode(bytes);
    let now = app.now();
    let created = now.as_millisecond();
    let expires = created + i64::from(wanted.valid_hours) * 3_600_000;
    let mut change = app.database.begin().await?;
    tokens::add(&mut change, &token, &wanted.note, &wanted.device, (created, expires)).await?;
    let detail = json!({"note": wanted.note, "device": wanted.device, "valid_hours": wanted.valid_hours});
    let subject = tokens::hash(&token);
    let act = Act { actor: "operator", action: "token.new", subject: &subject, detail };
    audit::append(&mut change, act, now).await?;
    change.commit().await?;
    Ok((StatusCode::CREATED, Json(json!({"token": token, "valid_hours": wanted.valid_hours}))))
}

/// `GET /v1/devices`.
pub(super) async fn list(_: Operator, State(app): State<App>) -> Result<Json<Vec<Device>>, ApiError> {
    Ok(Json(devices::list(app.database.pool(), None).await?))
}

/// `DELETE /v1/devices/DEVICE`: its reports are no longer taken.
pub(super) async fn remove(
    _: Operator,
    State(app): State<App>,
    Path(device): Path<String>,
) -> Result<StatusCode, ApiError> {
    let mut change = app.database.begin().await?;
    if !devices::remove(&mut change, &device).await? {
        return Err(ApiError::not_found(format!("{device} is not enrolled")));
    }
    let act = Act { actor: "operator", action: "device.remove", subject: &device, detail: json!({}) };
    audit::append(&mut change, act, app.now()).await?;
    change.commit().await?;
    app.keys.forget(&device);
    Ok(StatusCode::NO_CONTENT)
}
