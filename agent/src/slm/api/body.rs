//! A request's body, as long as it is small and comes in time.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header;

use super::error::ApiError;

/// Largest body: a month of incidents of a busy gateway, or more text than any small model reads.
pub(super) const BODY_MAX: usize = 1 << 20;
/// It comes within this.
const BODY_TIME: Duration = Duration::from_secs(30);

/// The bytes of a body.
pub(super) struct Read(pub(super) Bytes);

impl<S: Sync> FromRequest<S> for Read {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (head, body) = request.into_parts();
        let announced = head.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        if announced.and_then(|value| value.parse::<usize>().ok()).is_some_and(|bytes| bytes > BODY_MAX) {
            return Err(ApiError::too_large(BODY_MAX));
        }
        tokio::time::timeout(BODY_TIME, read(body)).await.map_err(|_| ApiError::slow_body())?.map(Read)
    }
}

async fn read(body: Body) -> Result<Bytes, ApiError> {
    // It fails when there is too much, or when the client has gone, who hears no answer either way.
    axum::body::to_bytes(body, BODY_MAX).await.map_err(|_| ApiError::too_large(BODY_MAX))
}
