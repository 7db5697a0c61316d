//! What devices call: enrolment and reports.

mod enroll;
mod status;

pub(super) use enroll::check_name;
pub use enroll::enroll;
pub use status::status;

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;

use super::error::ApiError;

/// Largest body that a device may send.
pub const BODY_MAX: usize = 64 * 1024;
/// A body comes within this, over the slowest link that is still of use.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Reads a body, no more of it than may be and no longer than it should take.
pub(super) async fn body(body: Body) -> Result<Bytes, ApiError> {
    let too_large = || {
        let message = format!("a body may have {BODY_MAX} bytes");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    };
    let size = axum::body::HttpBody::size_hint(&body).lower();
    if size > BODY_MAX as u64 {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_TIME, axum::body::to_bytes(body, BODY_MAX)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        // Over its limit, or the client went away and hears nothing anyhow.
        Ok(Err(_)) => Err(too_large()),
        Err(_) => Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "timeout", "the body did not come in time")),
    }
}
