//! A repository on a server, as the verifier of metadata reads it.

use lineside_bundle::trust::{Source, SourceError};

use super::{FetchError, Http, Kind};

/// `BASE/metadata/…` and `BASE/targets/…` of a server.
#[derive(Clone, Debug)]
pub struct HttpSource {
    http: Http,
}

impl HttpSource {
    /// The repository at the client's base address.
    #[must_use]
    pub fn new(http: Http) -> Self {
        HttpSource { http }
    }

    /// The path of a target, for whoever streams a large one with [`Download`](super::Download).
    #[must_use]
    pub fn target_path(path: &str) -> String {
        format!("targets/{path}")
    }
}

impl Source for HttpSource {
    fn metadata(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
        self.http.get_small_encoded(&format!("metadata/{name}"), limit).map_err(explain)
    }

    fn target(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
        self.http.get_small(&Self::target_path(path), limit).map_err(explain)
    }
}

fn explain(error: FetchError) -> SourceError {
    let too_large = error.kind == Kind::TooLong;
    SourceError { retry_after: error.kind.retry_after(), too_large, reason: error.detail }
}
