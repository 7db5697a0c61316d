//! TLS: the one authority in the file, and nobody else.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

use super::super::{FetchError, Http, Kind, Limits};

/// An authority and a certificate of it for loopback, both in a folder of their own.
struct Authority(TempDir);

impl Authority {
    fn create() -> Option<Self> {
        if Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_err() {
            println!("skipped: needs openssl");
            return None;
        }
        let authority = Authority(tempfile::tempdir().unwrap());
        let settings = "[req]\nprompt=no\ndistinguished_name=dn\nx509_extensions=ca\n[dn]\nCN=test authority\n\
                        [ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n";
        fs::write(authority.file("ca.cnf"), settings).unwrap();
        fs::write(authority.file("leaf.cnf"), "subjectAltName=DNS:localhost\n").unwrap();
        let ec = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -config ca.cnf";
        authority.openssl(&format!("req -x509 {ec} -days 2 -keyout ca.key -out ca.pem"));
        authority.openssl(&format!("req -new {ec} -subj /CN=localhost -keyout leaf.key -out leaf.csr"));
        authority.openssl(
            "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile leaf.cnf -out leaf.pem",
        );
        Some(authority)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, arguments: &str) {
        let arguments = arguments.split_whitespace();
        let output = Command::new("openssl").args(arguments).current_dir(self.0.path()).output().unwrap();
        assert!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Answers one request over TLS as `localhost`; returns the port.
    fn serve_once(&self) -> u16 {
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_file_iter(self.file("leaf.pem")).unwrap().collect();
        let key = PrivateKeyDer::from_pem_file(self.file("leaf.key")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain.unwrap(), key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let connection = ServerConnection::new(Arc::new(config)).unwrap();
            let mut tls = BufReader::new(StreamOwned::new(connection, stream));
            let mut line = String::from("-");
            while !line.trim_end().is_empty() {
                line.clear();
                // A client that does not trust us hangs up here.
                if tls.read_line(&mut line).is_err() {
                    return;
                }
            }
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
            let _ = tls.get_mut().write_all(answer);
            tls.get_mut().conn.send_close_notify();
            let _ = tls.get_mut().flush();
        });
        port
    }
}

fn get(url: &str, ca_file: &Path) -> Result<Option<Vec<u8>>, FetchError> {
    Http::new(url, Some(ca_file), Limits::default())?.get_small("metadata/timestamp.json", 100)
}

#[test]
fn the_authority_in_the_file_is_trusted_and_no_other() {
    let Some(ours) = Authority::create() else { return };
    let Some(theirs) = Authority::create() else { return };
    let localhost = |authority: &Authority| format!("https://localhost:{}", authority.serve_once());
    assert_eq!(get(&localhost(&ours), &ours.file("ca.pem")).unwrap().unwrap(), b"{}");
    let error = get(&localhost(&theirs), &ours.file("ca.pem")).unwrap_err();
    assert_eq!((error.kind, error.kind.reason()), (Kind::Tls, "tls"), "{error}");
    // Signed by the right authority, but for another name.
    let elsewhere = format!("https://127.0.0.1:{}", ours.serve_once());
    assert_eq!(get(&elsewhere, &ours.file("ca.pem")).unwrap_err().kind, Kind::Tls);
}

#[test]
fn a_file_without_a_certificate_is_named_and_never_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    let damaged = "-----BEGIN CERTIFICATE-----\nsecret!\n-----END CERTIFICATE-----\n";
    for text in ["", "hello\n", damaged] {
        fs::write(&ca, text).unwrap();
        let error = get("https://localhost:1", &ca).unwrap_err();
        assert_eq!(error.kind, Kind::Setup);
        assert!(error.detail.contains("ca.pem") && !error.detail.contains("secret"), "{error}");
    }
    let missing = get("https://localhost:1", &folder.path().join("none.pem")).unwrap_err();
    assert!(missing.detail.contains("none.pem"), "{missing}");
}
