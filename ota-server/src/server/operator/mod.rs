//! The operator's API. Every handler takes [`Operator`](super::token::Operator), so none answers
//! without the token.

mod devices;
mod rollouts;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post};

use super::App;

/// Orders and names are small.
const BODY_MAX: usize = 64 * 1024;

/// Its routes.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/rollouts", get(rollouts::list).post(rollouts::create))
        .route("/v1/rollouts/{id}", get(rollouts::show))
        .route("/v1/rollouts/{id}/{action}", post(rollouts::act))
        .route("/v1/tokens", post(devices::token))
        .route("/v1/devices", get(devices::list))
        .route("/v1/devices/{*device}", delete(devices::remove))
        .layer(DefaultBodyLimit::max(BODY_MAX))
}
