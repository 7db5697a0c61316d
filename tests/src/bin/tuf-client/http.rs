//! A repository over HTTP, read on the calling thread.

use std::time::Duration;

use lineside_bundle::trust::{Source, SourceError, read_limited};

/// The suite answers at once; a test that hangs is worse than one that fails.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A repository over HTTP.
pub struct HttpSource {
    agent: ureq::Agent,
    metadata: String,
    targets: Option<String>,
}

impl HttpSource {
    /// Metadata from below one address and targets from below the other.
    pub fn new(metadata: &str, targets: Option<&str>) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIMEOUT));
        let base = |url: &str| url.trim_end_matches('/').to_owned();
        HttpSource { agent: config.build().new_agent(), metadata: base(metadata), targets: targets.map(base) }
    }

    fn get(&self, url: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
        let failed = |e: ureq::Error| SourceError::unreachable(format!("{url}: {e}"));
        let mut answer = self.agent.get(url).call().map_err(failed)?;
        match answer.status().as_u16() {
            200 => read_limited(answer.body_mut().as_reader(), limit).map(Some),
            // Object stores say 403 of what is not there to somebody who may not list.
            403 | 404 => Ok(None),
            other => Err(SourceError::unreachable(format!("{url}: status {other}"))),
        }
    }
}

impl Source for HttpSource {
    fn metadata(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
        self.get(&format!("{}/{name}", self.metadata), limit)
    }

    fn target(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
        let base =
            self.targets.as_deref().ok_or_else(|| SourceError::unreachable("--target-base-url is needed"))?;
        self.get(&format!("{base}/{}", encoded(path)), limit)
    }
}

/// A path as a URL takes it.
fn encoded(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_' | b'.' | b'~');
    path.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
