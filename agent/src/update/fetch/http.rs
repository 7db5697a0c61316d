//! One server, asked politely and believed little.

use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use ureq::BodyReader;
use ureq::http::{HeaderMap, StatusCode};

use super::address::Address;
use super::error::{FetchError, Kind};
use super::{answer, tls};

/// The longest head of an answer; ours have some 300 bytes.
const MAX_HEAD: usize = 16 << 10;

/// The longest answer to a report that is read.
const MAX_ANSWER: u64 = 64 << 10;

/// So much of a refusal's text is worth a place in a log.
const QUOTED: usize = 200;

/// How long the steps of a request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Until the connection stands, with its name looked up and TLS agreed.
    pub connect: Duration,
    /// From the request to the end of the answer's head.
    pub response: Duration,
    /// A small document or a report, from first to last.
    pub small: Duration,
    /// A single read that brings nothing. It is also the longest that a stop is noticed late.
    pub stall: Duration,
}

impl Default for Limits {
    /// Generous for a mobile connection, short beside any poll interval.
    fn default() -> Self {
        Limits {
            connect: Duration::from_secs(15),
            response: Duration::from_secs(30),
            small: Duration::from_secs(60),
            stall: Duration::from_secs(30),
        }
    }
}

/// A server at a base address.
#[derive(Clone, Debug)]
pub struct Http {
    agent: ureq::Agent,
    address: Address,
    limits: Limits,
}

/// An answer to something that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status, 200 to 299.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer whose body has not been read.
pub(super) struct Reply {
    pub url: String,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: BodyReader<'static>,
}

impl Http {
    /// A client of the server at `base_url`. `ca_file` holds, in PEM form, the authorities that may
    /// vouch for it; it is needed for `https://` and without meaning for `http://`.
    ///
    /// # Errors
    /// [`Kind::Setup`] when the address or the file cannot be used.
    pub fn new(base_url: &str, ca_file: Option<&Path>, limits: Limits) -> Result<Self, FetchError> {
        let address = Address::parse(base_url)?;
        if address.tls() && ca_file.is_none() {
            let detail = format!("{base_url}: for https a file with the authority's certificate is needed");
            return Err(FetchError::new(Kind::Setup, detail));
        }
        let config = ureq::Agent::config_builder()
            .tls_config(tls::config(ca_file.filter(|_| address.tls()))?)
            .http_status_as_error(false)
            // A redirect would let one server send every device anywhere.
            .max_redirects(0)
            // Not from the environment: what a device talks to stands in its configuration.
            .proxy(None)
            .user_agent(concat!("lineside/", env!("CARGO_PKG_VERSION")))
            // Digests are over the bytes as stored.
            .accept_encoding("identity")
            .max_response_header_size(MAX_HEAD)
            .timeout_resolve(Some(limits.connect))
            .timeout_connect(Some(limits.connect))
            .timeout_send_request(Some(limits.response))
            .timeout_recv_response(Some(limits.response))
            .timeout_per_read(Some(limits.stall))
            .timeout_per_write(Some(limits.stall))
            .build();
        Ok(Http { agent: config.new_agent(), address, limits })
    }

    /// The document at `path`, or `None` when there is none (404, 410).
    ///
    /// # Errors
    /// [`Kind::TooLong`] as soon as it has more than `limit` bytes; otherwise by what to do.
    pub fn get_small(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
        self.small(self.address.join(path)?, limit)
    }

    /// [`Http::get_small`] for a path whose names are already encoded for a URL.
    ///
    /// # Errors
    /// As there.
    pub fn get_small_encoded(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
        self.small(self.address.join_encoded(path)?, limit)
    }

    fn small(&self, url: String, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
        let request = self.agent.get(&url).config().timeout_global(Some(self.limits.small)).build();
        let reply = Reply::from(url, request.call())?;
        match reply.status.as_u16() {
            200 => reply.read(limit).map(Some),
            404 | 410 => Ok(None),
            _ => Err(reply.failure()),
        }
    }

    /// Sends a JSON document to `path`.
    ///
    /// # Errors
    /// Whatever is not answered 200 to 299, by what to do; a refusal's text is quoted.
    pub fn post_json(&self, path: &str, body: &[u8], headers: &[(&str, &str)]) -> Result<Answer, FetchError> {
        let url = self.address.join(path)?;
        let request = self.agent.post(&url).content_type("application/json");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let request = request.config().timeout_global(Some(self.limits.small)).build();
        let reply = Reply::from(url, request.send(body))?;
        if reply.status.is_success() {
            let status = reply.status.as_u16();
            return Ok(Answer { status, body: reply.read(MAX_ANSWER)? });
        }
        let mut error = reply.failure();
        let mut said = Vec::new();
        // The status says what to do; if the text cannot be read there is none.
        let _ = reply.body.take(QUOTED as u64).read_to_end(&mut said);
        let said: String = String::from_utf8_lossy(&said).chars().filter(|c| !c.is_control()).collect();
        if !said.is_empty() {
            error.detail = format!("{} (\"{said}\")", error.detail);
        }
        Err(error)
    }

    /// Asks for a target, from byte `from` on if its entity tag is still the same.
    pub(super) fn open(&self, path: &str, resume: Option<(u64, &str)>) -> Result<Reply, FetchError> {
        let url = self.address.join(path)?;
        let mut request = self.agent.get(&url);
        if let Some((from, etag)) = resume {
            request = request.header("Range", format!("bytes={from}-")).header("If-Range", etag);
        }
        Reply::from(url, request.call())
    }
}

impl Reply {
    fn from(
        url: String,
        result: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Self, FetchError> {
        let (parts, body) = result.map_err(|error| classify(&url, &error))?.into_parts();
        Ok(Reply { url, status: parts.status, headers: parts.headers, body: body.into_reader() })
    }

    /// The error that the status stands for.
    pub fn failure(&self) -> FetchError {
        answer::failure(&self.url, self.status, &self.headers)
    }

    /// The whole body, read no further than one byte past `limit`.
    fn read(self, limit: u64) -> Result<Vec<u8>, FetchError> {
        let mut bytes = Vec::new();
        let read = self.body.take(limit.saturating_add(1)).read_to_end(&mut bytes);
        if bytes.len() as u64 > limit {
            let detail = format!("{}: has more than the {limit} bytes that are allowed", self.url);
            return Err(FetchError::new(Kind::TooLong, detail));
        }
        read.map(|_| bytes).map_err(|error| broken(&self.url, &error))
    }
}

/// A failure while a body was read.
pub(super) fn broken(url: &str, error: &io::Error) -> FetchError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
        Some(inner) => classify(url, inner),
        None => classify_io(url, error),
    }
}

fn classify(url: &str, error: &ureq::Error) -> FetchError {
    use ureq::Error::{BadUri, Http, Io, Pem, Rustls, Timeout, Tls, TlsRequired};
    match error {
        Io(error) => classify_io(url, error),
        Rustls(_) | Tls(_) | Pem(_) | TlsRequired => untrusted(url, &error.to_string()),
        BadUri(_) | Http(_) => {
            FetchError::new(Kind::Setup, format!("{url}: no such request can be made: {error}"))
        }
        Timeout(ureq::Timeout::PerRead | ureq::Timeout::PerWrite) => stalled(url),
        _ => FetchError::retry(format!("{url}: {error}")),
    }
}

fn classify_io(url: &str, error: &io::Error) -> FetchError {
    match error.get_ref() {
        Some(inner) if inner.is::<rustls::Error>() => untrusted(url, &inner.to_string()),
        _ if error.kind() == io::ErrorKind::TimedOut => stalled(url),
        _ => FetchError::retry(format!("{url}: {error}")),
    }
}

fn stalled(url: &str) -> FetchError {
    FetchError::new(Kind::Slow, format!("{url}: the server sends nothing more; it will be asked again later"))
}

fn untrusted(url: &str, why: &str) -> FetchError {
    FetchError::new(
        Kind::Tls,
        format!("{url}: {why}; check the server's certificate and the file of its authority"),
    )
}
