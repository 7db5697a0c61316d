//! TLS with verification of the server, and a client certificate where the broker asks for one.
//!
//! The crypto provider is passed explicitly: it is *ring*, which builds for every board without a
//! C++ tool chain.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::config::TlsConfig;

/// Why TLS cannot be set up. The text names the file and what to do, never what is in it.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{path}: cannot be read ({cause}); check `{key}` and that the agent may read the file")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The key of the configuration, below `tls`.
        key: &'static str,
        /// What the file system answers.
        cause: String,
    },
    /// A file holds nothing of the kind that is needed.
    #[error("{path}: holds no usable {what} in PEM form ({cause}); check `{key}`")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The key of the configuration, below `tls`.
        key: &'static str,
        /// What it should hold.
        what: &'static str,
        /// What is wrong with it.
        cause: String,
    },
    /// One of certificate and key is missing.
    #[error("`tls.cert_file` and `tls.key_file` belong together; set both or neither")]
    HalfAnIdentity,
    /// Certificate and key do not fit each other, or are of an unknown kind.
    #[error("{cert} and {key} cannot be used together: {cause}")]
    Identity {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// The TLS library refuses its own defaults.
    #[error("TLS cannot be set up: {0}")]
    Library(String),
}

/// Reads the files and sets up TLS.
///
/// # Errors
/// When a file is missing, unreadable or of the wrong kind.
pub fn client_config(config: &TlsConfig) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&config.ca_file, "tls.ca_file")? {
        roots.add(certificate).map_err(|error| TlsError::Unusable {
            path: config.ca_file.clone(),
            key: "tls.ca_file",
            what: "certificate",
            cause: error.to_string(),
        })?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Library(error.to_string()))?
        .with_root_certificates(roots);
    let client = match (&config.cert_file, &config.key_file) {
        (None, None) => builder.with_no_client_auth(),
        (Some(cert), Some(key)) => {
            let chain = certificates(cert, "tls.cert_file")?;
            let private = PrivateKeyDer::from_pem_file(key)
                .map_err(|error| explain(key, "tls.key_file", "private key", &error))?;
            builder.with_client_auth_cert(chain, private).map_err(|error| TlsError::Identity {
                cert: cert.clone(),
                key: key.clone(),
                cause: error.to_string(),
            })?
        }
        _ => return Err(TlsError::HalfAnIdentity),
    };
    Ok(Arc::new(client))
}

fn certificates(path: &Path, key: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |error: pem::Error| explain(path, key, "certificate", &error);
    let found: Vec<_> =
        CertificateDer::pem_file_iter(path).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
    if found.is_empty() { Err(failed(pem::Error::NoItemsFound)) } else { Ok(found) }
}

fn explain(path: &Path, key: &'static str, what: &'static str, error: &pem::Error) -> TlsError {
    let path = path.to_owned();
    match error {
        pem::Error::Io(error) => TlsError::Unreadable { path, key, cause: error.to_string() },
        pem::Error::NoItemsFound => {
            TlsError::Unusable { path, key, what, cause: "there is none in the file".into() }
        }
        // The library's texts can quote the file; a key must not reach a log.
        _ => TlsError::Unusable { path, key, what, cause: "its text is damaged".into() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(ca: &Path) -> TlsConfig {
        TlsConfig { ca_file: ca.to_owned(), cert_file: None, key_file: None }
    }

    #[test]
    fn a_missing_file_is_named_with_its_key() {
        let error = client_config(&config(Path::new("/nowhere/ca.pem"))).unwrap_err().to_string();
        assert!(error.contains("/nowhere/ca.pem") && error.contains("tls.ca_file"), "{error}");
    }

    #[test]
    fn a_file_without_a_certificate_is_named_with_what_it_should_hold() {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, "hello\n").unwrap();
        let error = client_config(&config(&ca)).unwrap_err().to_string();
        assert!(error.contains("ca.pem") && error.contains("certificate"), "{error}");
    }

    #[test]
    fn a_damaged_file_is_never_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, "-----BEGIN CERTIFICATE-----\nsecret!\n-----END CERTIFICATE-----\n").unwrap();
        let error = client_config(&config(&ca)).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
}
