//! HTTPS with rustls on ring.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Where certificate and key lie, in PEM.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The certificate with its chain.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// They cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {why}; --tls-cert takes a PEM certificate with its chain, --tls-key its PEM key")]
pub struct TlsError {
    path: PathBuf,
    why: String,
}

impl Tls {
    pub(super) fn config(&self) -> Result<RustlsConfig, TlsError> {
        let certs: Vec<_> = CertificateDer::pem_file_iter(&self.cert)
            .and_then(Iterator::collect)
            .map_err(|e| wrong(&self.cert, &e))?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|e| wrong(&self.key, &e))?;
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(|e| wrong(&self.cert, &e))?
                .with_no_client_auth()
                .with_single_cert(certs, key)
                .map_err(|e| wrong(&self.cert, &e))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(RustlsConfig::from_config(Arc::new(config)))
    }
}

fn wrong(path: &Path, why: &dyn std::fmt::Display) -> TlsError {
    TlsError { path: path.to_owned(), why: why.to_string() }
}
