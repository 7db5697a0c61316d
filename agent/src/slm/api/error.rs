//! Refusals in OpenAI's shape, so that client libraries know them.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// A refusal: a status code and `{"error": {…}}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The status code.
    pub status: StatusCode,
    /// What it says.
    pub detail: Detail,
    /// When to try again, for a refusal that passes.
    pub retry_after: Option<Duration>,
}

/// What a refusal says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// For people: what is wrong and what to do.
    pub message: String,
    /// What kind of refusal.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The field of the request that it is about.
    pub param: Option<String>,
    /// For programs.
    pub code: &'static str,
}

/// The body of a refusal.
#[derive(Serialize)]
pub(super) struct Body<'a> {
    pub(super) error: &'a Detail,
}

/// The request is at fault.
const REQUEST: &str = "invalid_request_error";
/// The gateway cannot now.
const SERVER: &str = "server_error";

impl ApiError {
    fn new(status: StatusCode, kind: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        let detail = Detail { message: message.into(), kind, param: None, code };
        ApiError { status, detail, retry_after: None }
    }

    /// 400: a field has a value that cannot be.
    pub fn value(param: impl Into<String>, message: impl Into<String>) -> Self {
        ApiError::new(StatusCode::BAD_REQUEST, REQUEST, "invalid_value", message).about(param)
    }

    /// 400: a field that this API does not offer.
    pub fn unsupported(param: impl Into<String>, message: impl Into<String>) -> Self {
        ApiError::new(StatusCode::BAD_REQUEST, REQUEST, "unsupported_parameter", message).about(param)
    }

    /// 400: the body is not what it should be.
    pub fn malformed(message: impl Into<String>) -> Self {
        ApiError::new(StatusCode::BAD_REQUEST, REQUEST, "invalid_body", message)
    }

    /// 401: no token, or another one.
    #[must_use]
    pub fn unauthorised() -> Self {
        let message = "this API wants the header `Authorization: Bearer TOKEN` with the token of \
                       slm.api.token_file; client libraries call it the API key";
        ApiError::new(StatusCode::UNAUTHORIZED, REQUEST, "invalid_api_key", message)
    }

    /// 404: a model that is not configured.
    #[must_use]
    pub fn unknown_model(model: &str, known: &[String]) -> Self {
        let known = match known {
            [] => "none is configured".to_owned(),
            known => format!("known: {}", known.join(", ")),
        };
        let message = format!("the model `{model}` does not exist here; {known}");
        ApiError::new(StatusCode::NOT_FOUND, REQUEST, "model_not_found", message).about("model")
    }

    /// 404: nobody is configured for the task.
    pub fn no_task(message: impl Into<String>) -> Self {
        ApiError::new(StatusCode::NOT_FOUND, REQUEST, "task_not_configured", message)
    }

    /// 403: a page in a browser asks.
    #[must_use]
    pub fn browser() -> Self {
        let message = "pages in a browser are not answered: any page that somebody opens could ask";
        ApiError::new(StatusCode::FORBIDDEN, REQUEST, "origin_not_allowed", message)
    }

    /// 404: a path that is none.
    pub fn no_route(message: impl Into<String>) -> Self {
        ApiError::new(StatusCode::NOT_FOUND, REQUEST, "not_found", message)
    }

    /// 405: the path is right and the method is not.
    #[must_use]
    pub fn method(message: impl Into<String>) -> Self {
        ApiError::new(StatusCode::METHOD_NOT_ALLOWED, REQUEST, "method_not_allowed", message)
    }

    /// 408: the body did not come in time.
    #[must_use]
    pub fn slow_body() -> Self {
        let message = "the body did not arrive in time";
        ApiError::new(StatusCode::REQUEST_TIMEOUT, REQUEST, "request_timeout", message)
    }

    /// 413: the body is too large.
    #[must_use]
    pub fn too_large(limit: usize) -> Self {
        let message = format!("the body is larger than the {limit} bytes that are read");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, REQUEST, "body_too_large", message)
    }

    /// 429: too much waits already.
    pub fn queue_full(message: impl Into<String>, retry_after: Duration) -> Self {
        let error =
            ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", "rate_limit_exceeded", message);
        ApiError { retry_after: Some(retry_after), ..error }
    }

    /// 503: the gateway cannot; `code` says why.
    pub fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, SERVER, code, message)
    }

    /// 500: the model failed.
    pub fn failed(message: impl Into<String>) -> Self {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, SERVER, "model_failed", message)
    }

    /// The same, about a field.
    #[must_use]
    pub fn about(mut self, param: impl Into<String>) -> Self {
        self.detail.param = Some(param.into());
        self
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(Body { error: &self.detail })).into_response();
        if let Some(after) = self.retry_after {
            // Whole seconds, and never 0: that would be "at once".
            let seconds = after.as_secs_f64().ceil().max(1.0) as u64;
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_openais_shape() {
        let error = ApiError::unknown_model("gpt-5", &["summary".into(), "labels".into()]);
        assert_eq!(
            serde_json::to_value(Body { error: &error.detail }).unwrap(),
            serde_json::json!({"error": {
                "message": "the model `gpt-5` does not exist here; known: summary, labels",
                "type": "invalid_request_error",
                "param": "model",
                "code": "model_not_found",
            }})
        );
        assert_eq!(error.into_response().status(), 404);
    }

    #[test]
    fn a_full_queue_says_when_to_come_again_in_whole_seconds() {
        for (after, header) in [(0, "1"), (1_200, "2"), (3_000, "3")] {
            let error = ApiError::queue_full("full", Duration::from_millis(after));
            assert_eq!(error.into_response().headers()["retry-after"], header);
        }
    }
}
