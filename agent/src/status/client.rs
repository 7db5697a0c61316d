//! Asks a running agent how it is.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::report::StatusReport;

/// The page answers from memory; an agent that takes longer is in trouble.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No program listens at the address.
    #[error(
        "nothing listens on {address}: start the agent with `lineside run --config agent.toml`, or name its \
         address with --address or its file with --config"
    )]
    NobodyListens {
        /// Where it was looked for.
        address: SocketAddr,
    },
    /// Something is there and does not answer as the agent does.
    #[error("{address} does not answer like an agent of this version: {cause}")]
    NoReport {
        /// Where it was looked for.
        address: SocketAddr,
        /// What came instead.
        cause: String,
    },
}

impl ClientError {
    /// What a failure of the connection means.
    pub(crate) fn of(address: SocketAddr, error: ureq::Error) -> Self {
        match error {
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                ClientError::NobodyListens { address }
            }
            ureq::Error::ConnectionFailed => ClientError::NobodyListens { address },
            error => ClientError::NoReport { address, cause: error.to_string() },
        }
    }
}

/// An answer, whatever its status code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status code.
    pub status: u16,
    /// The body as text.
    pub body: String,
}

/// Fetches `/status`.
///
/// # Errors
/// When nothing listens there, or it is no agent.
pub fn report(address: SocketAddr) -> Result<StatusReport, ClientError> {
    let answer = get(address, "/status")?;
    let no_report = |cause: String| ClientError::NoReport { address, cause };
    if answer.status != 200 {
        return Err(no_report(format!("status code {}", answer.status)));
    }
    serde_json::from_str(&answer.body).map_err(|error| no_report(error.to_string()))
}

/// Fetches a path of the local page.
///
/// # Errors
/// When nothing listens there, or it breaks off.
pub fn get(address: SocketAddr, path: &str) -> Result<Answer, ClientError> {
    let agent = local(TIMEOUT);
    let fail = |error| ClientError::of(address, error);
    let mut response = agent.get(format!("http://{}{path}", reachable(address))).call().map_err(fail)?;
    let body = response.body_mut().read_to_string().map_err(fail)?;
    Ok(Answer { status: response.status().as_u16(), body })
}

/// A client for what listens on this machine.
pub(crate) fn local(timeout: Duration) -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        // A proxy from the environment would not find this machine.
        .proxy(None)
        .max_redirects(0)
        .build()
        .new_agent()
}

/// An agent that listens on all addresses is asked on the loopback one.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_means_the_loopback_one() {
        for (listen, asked) in
            [("0.0.0.0:1", "127.0.0.1:1"), ("[::]:1", "[::1]:1"), ("127.0.0.1:1", "127.0.0.1:1")]
        {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), asked);
        }
    }
}
