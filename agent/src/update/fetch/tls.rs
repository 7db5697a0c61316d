//! Whom to trust with the connection: the authorities in one file, and nobody else.
//!
//! The signatures on what is fetched do not depend on it; it keeps the line private.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

use super::error::{FetchError, Kind};

/// TLS on *ring*, which builds for every board, trusting the certificates in `ca_file`; without a file
/// it trusts nobody.
pub(crate) fn config(ca_file: Option<&Path>) -> Result<TlsConfig, FetchError> {
    let authorities = ca_file.map(authorities).transpose()?.unwrap_or_default();
    Ok(TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(RootCerts::new_with_certs(&authorities))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build())
}

fn authorities(path: &Path) -> Result<Vec<Certificate<'static>>, FetchError> {
    let wrong = |why: String| {
        FetchError::new(
            Kind::Setup,
            format!("{}: {why}; give a file with the authority's certificates in PEM form", path.display()),
        )
    };
    // The library's texts can quote the file, which might hold a key by mistake.
    let explain = |error: pem::Error| match error {
        pem::Error::Io(error) => wrong(format!("cannot be read ({error})")),
        _ => wrong("holds damaged text".into()),
    };
    let mut usable = RootCertStore::empty();
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_file_iter(path).map_err(explain)? {
        let certificate = certificate.map_err(explain)?;
        // Checked here, because the client leaves out silently what it cannot use.
        usable
            .add(certificate.clone())
            .map_err(|error| wrong(format!("holds an unusable certificate ({error})")))?;
        found.push(Certificate::from_der(&certificate).to_owned());
    }
    if found.is_empty() { Err(wrong("holds no certificate".into())) } else { Ok(found) }
}
