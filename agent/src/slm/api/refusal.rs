//! What the runtime refuses, as HTTP says it.

use std::time::Duration;

use super::error::ApiError;
use crate::slm::runtime::Refusal;

/// An answer of a small model takes about this long, so that a place in the queue is free then.
const PLACE_FREE: Duration = Duration::from_secs(1);

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::UnknownTask { .. } => ApiError::no_task(message),
            Refusal::UnknownModel { model, known } => ApiError::unknown_model(&model, &known),
            Refusal::QueueFull { .. } | Refusal::Displaced => ApiError::queue_full(message, PLACE_FREE),
            Refusal::Deadline { .. } => ApiError::unavailable("deadline_exceeded", message),
            Refusal::TooLarge { .. } => ApiError::unavailable("model_does_not_fit", message),
            Refusal::Cancelled | Refusal::Stopping => ApiError::unavailable("stopping", message),
            Refusal::Invalid { field, .. } => ApiError::value(field, message),
            Refusal::Model { .. } => ApiError::failed(message),
        }
    }
}

/// A model that answers with something else than it was asked for.
pub(super) fn other_reply() -> ApiError {
    ApiError::failed("the model answered with something else than it was asked for")
}
