//! `POST /v1/enroll`: a device gives its public key, with a one-time token.
//!
//! Promise: a token enrols one device. The same device with the same key may ask again, because the
//! answer to the first may have been lost. A device's key is replaced only with a token that was made
//! for that very device.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::audit::{self, Act};
use crate::db::report::NAME_MAX;
use crate::db::{devices, tokens};
use crate::server::error::ApiError;
use crate::server::{App, keys};

#[derive(serde::Deserialize)]
struct Request {
    token: String,
    device: String,
    public_key: String,
}

/// Enrols a device: 201, or 200 when it was enrolled with this key already.
///
/// # Errors
/// 400, 401, 409, 413, 429, 503.
pub async fn enroll(State(app): State<App>, body: Body) -> Result<(StatusCode, Json<Value>), ApiError> {
    app.limits.all().inspect_err(|_| app.counters.limited.add())?;
    let body = super::body(body).await?;
    let request: Request = serde_json::from_slice(&body).map_err(|e| ApiError::invalid(e.to_string()))?;
    check_name(&request.device)?;
    let public_key = request.public_key.to_ascii_lowercase();
    if keys::parse(&public_key).is_none() {
        return Err(ApiError::invalid("public_key: must be an ed25519 public key in 64 hex digits"));
    }
    let status = put(&app, &request.token, &request.device, &public_key).await?;
    app.keys.forget(&request.device);
    Ok((status, Json(json!({"device": request.device}))))
}

async fn put(app: &App, token: &str, device: &str, public_key: &str) -> Result<StatusCode, ApiError> {
    let now = app.now();
    let at = now.as_millisecond();
    let mut change = app.database.begin().await?;
    let known = tokens::find(&mut change, token).await?.ok_or_else(unknown_token)?;
    let held: Option<String> = sqlx::query_scalar("SELECT public_key FROM devices WHERE device = $1")
        .bind(device)
        .fetch_optional(&mut *change)
        .await?;
    if known.used_by == device && held.as_deref() == Some(public_key) {
        return Ok(StatusCode::OK);
    }
    if !known.used_by.is_empty() || known.expires <= at {
        return Err(unknown_token());
    }
    if !known.bound_device.is_empty() && known.bound_device != device {
        return Err(unknown_token());
    }
    let replaces = held.is_some_and(|held| held != public_key);
    if replaces && known.bound_device != device {
        return Err(ApiError::conflict(
            "this device is enrolled with another key; to replace it, make a token with --device",
        ));
    }
    devices::put(&mut change, device, public_key, at).await?;
    tokens::spend(&mut change, token, device, at).await?;
    let actor = format!("device:{device}");
    let action = if replaces { "device.rekey" } else { "device.enroll" };
    let act = Act { actor: &actor, action, subject: device, detail: json!({"public_key": public_key}) };
    audit::append(&mut change, act, now).await?;
    change.commit().await?;
    Ok(StatusCode::CREATED)
}

fn unknown_token() -> ApiError {
    ApiError::new(
        StatusCode::UNAUTHORIZED,
        "unauthorised",
        "token: unknown, expired, used, or for another device",
    )
}

/// A device's name goes into headers, paths of reports and the log.
pub(crate) fn check_name(device: &str) -> Result<(), ApiError> {
    let plain =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/' | b':' | b'@' | b'+');
    if device.is_empty() || device.len() > NAME_MAX || !device.bytes().all(plain) {
        let message = format!("device: 1 to {NAME_MAX} letters, digits or . _ - / : @ +");
        return Err(ApiError::invalid(message));
    }
    Ok(())
}
