//! Asks the API of a running agent.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use crate::status::client::{ClientError, local, reachable};

/// Longer than an answer may take there.
const TIMEOUT: Duration = Duration::from_secs(180);

/// Posts a question and returns the answer.
///
/// # Errors
/// When nothing listens there, or it refuses.
pub fn post(
    address: SocketAddr,
    path: &str,
    token: Option<&str>,
    body: &Value,
) -> Result<Value, ClientError> {
    let agent = local(TIMEOUT);
    let refused = |cause: String| ClientError::NoReport { address, cause };
    let mut request = agent.post(format!("http://{}{path}", reachable(address)));
    if let Some(token) = token {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    let mut response = request.send(body.to_string()).map_err(|error| ClientError::of(address, error))?;
    let text = response.body_mut().read_to_string().map_err(|error| refused(error.to_string()))?;
    let answer: Value = serde_json::from_str(&text).map_err(|error| refused(error.to_string()))?;
    if response.status() != 200 {
        let message = answer["error"]["message"].as_str();
        return Err(refused(
            message.map_or_else(|| format!("status code {}", response.status()), str::to_owned),
        ));
    }
    Ok(answer)
}
