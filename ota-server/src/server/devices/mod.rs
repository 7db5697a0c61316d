//! What devices call: enrolment and reports.

mod enroll;
mod status;

pub(super) use enroll::check_name;
pub use enroll::enroll;
pub use status::status;

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use futures_util::StreamExt;

use super::error::ApiError;

/// Largest body that a device may send.
pub const BODY_MAX: usize = 64 * 1024;
/// So much of a larger one is read and dropped: a connection that is closed upon what is still on
/// its way is reset, and the client hears that instead of its answer.
const DRAIN_MAX: u64 = 1 << 20;
/// A body comes within this, over the slowest link that is still of use.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Reads a body, no more of it than may be and no longer than it should take.
pub(super) async fn body(body: Body) -> Result<Bytes, ApiError> {
    let too_large = || {
        let message = format!("a body may have {BODY_MAX} bytes");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    };
    let size = axum::body::HttpBody::size_hint(&body).lower();
    if size > DRAIN_MAX {
        return Err(too_large());
    }
    let read = async {
        let (mut kept, mut length) = (Vec::new(), 0_u64);
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            // The client went away and hears nothing anyhow.
            let chunk = chunk.map_err(|_| too_large())?;
            length += chunk.len() as u64;
            if length <= BODY_MAX as u64 {
                kept.extend_from_slice(&chunk);
            } else if length > DRAIN_MAX {
                break;
            }
        }
        if length > BODY_MAX as u64 { Err(too_large()) } else { Ok(Bytes::from(kept)) }
    };
    tokio::time::timeout(BODY_TIME, read).await.unwrap_or_else(|_| {
        Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "timeout", "the body did not come in time"))
    })
}
