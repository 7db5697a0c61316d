//! `POST /v1/status`: what a device says of itself.
//!
//! Promise: 204 means that the report is committed. Only the holder of the device's key can report
//! for it; a report that comes again, late or out of order changes nothing but events not yet known.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use ed25519_dalek::Signature;

use crate::db::report::{NAME_MAX, Report};
use crate::db::writer::NotTaken;
use crate::server::App;
use crate::server::error::ApiError;

/// What is signed before the body, so that no signature for another purpose fits.
pub const CONTEXT: &[u8] = b"lineside-status-v1\n";
/// Who reports.
const DEVICE: &str = "lineside-device";
/// Its signature, in hex.
const SIGNATURE: &str = "lineside-signature";

/// Takes a report.
///
/// # Errors
/// 400, 401, 413, 429, 503.
pub async fn status(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<StatusCode, ApiError> {
    let counters = &app.counters;
    app.limits.all().inspect_err(|_| counters.limited.add())?;
    let body = super::body(body).await.inspect_err(|_| counters.refused.add())?;
    let device = signed_by(&app, &headers, &body).await.inspect_err(|_| counters.unauthorised.add())?;
    app.limits.device(&device).inspect_err(|_| counters.limited.add())?;
    let report = Report::parse(&body).map_err(|e| {
        counters.refused.add();
        ApiError::invalid(e.to_string())
    })?;
    if report.device != device {
        counters.unauthorised.add();
        return Err(ApiError::unauthorised());
    }
    let taken = app.writer.write(report, app.now().as_millisecond()).await.map_err(|why| {
        counters.unavailable.add();
        away(why)
    })?;
    counters.taken.add();
    if !taken.advanced && taken.new_events == 0 {
        counters.repeated.add();
    }
    if taken.decided {
        app.judge.notify_one();
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The device whose key signed the body.
async fn signed_by(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<String, ApiError> {
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok()).ok_or_else(ApiError::unauthorised);
    let device = text(DEVICE)?;
    let mut signature = [0; Signature::BYTE_SIZE];
    hex::decode_to_slice(text(SIGNATURE)?, &mut signature).map_err(|_| ApiError::unauthorised())?;
    if device.len() > NAME_MAX {
        return Err(ApiError::unauthorised());
    }
    let key = app.keys.get(&app.database, device).await?.ok_or_else(ApiError::unauthorised)?;
    let mut message = Vec::with_capacity(CONTEXT.len() + body.len());
    message.extend_from_slice(CONTEXT);
    message.extend_from_slice(body);
    key.verify_strict(&message, &Signature::from_bytes(&signature)).map_err(|_| ApiError::unauthorised())?;
    Ok(device.to_owned())
}

fn away(why: NotTaken) -> ApiError {
    ApiError::unavailable(match why {
        NotTaken::Full => "too many reports wait to be written",
        NotTaken::Database => "the server's database is busy or full",
        NotTaken::Stopping => "the server stops",
    })
}
