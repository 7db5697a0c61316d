//! Certificates for tests, made with the `openssl` command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lineside::config::TlsConfig;

const CA_SETTINGS: &str = "[req]\ndistinguished_name=dn\nx509_extensions=ca\nprompt=no\n[dn]\nCN=test authority\n\
                           [ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";

const LEAF_EXTENSIONS: &str = "basicConstraints=CA:FALSE\nsubjectAltName=IP:127.0.0.1,DNS:localhost\n\
                               extendedKeyUsage=serverAuth,clientAuth\n";

/// An authority in a folder, which signs certificates for servers and clients.
#[derive(Debug)]
pub struct Authority {
    folder: PathBuf,
}

impl Authority {
    /// Makes an authority in `folder`, or `None`, said aloud, where `openssl` is missing.
    ///
    /// # Panics
    /// When `openssl` is there but fails.
    #[must_use]
    pub fn create(folder: &Path) -> Option<Self> {
        if Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_err() {
            println!("skipped: needs openssl");
            return None;
        }
        fs::create_dir_all(folder).expect("a folder for certificates");
        let authority = Authority { folder: folder.to_owned() };
        fs::write(folder.join("ca.cnf"), CA_SETTINGS).expect("a settings file");
        fs::write(folder.join("leaf.cnf"), LEAF_EXTENSIONS).expect("an extensions file");
        authority.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
             -config ca.cnf -keyout ca.key -out ca.pem",
        );
        Some(authority)
    }

    /// The authority's own certificate.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Signs a certificate for `name`, good for servers on loopback and for clients: the files of
    /// certificate and key.
    #[must_use]
    pub fn sign(&self, name: &str) -> (PathBuf, PathBuf) {
        self.openssl(&format!(
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -config ca.cnf \
             -subj /CN={name} -keyout {name}.key -out {name}.csr"
        ));
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
             -extfile leaf.cnf -out {name}.pem"
        ));
        (self.folder.join(format!("{name}.pem")), self.folder.join(format!("{name}.key")))
    }

    /// The settings of a client of this name.
    #[must_use]
    pub fn client(&self, name: &str) -> TlsConfig {
        let (cert, key) = self.sign(name);
        TlsConfig { ca_file: self.ca_file(), cert_file: Some(cert), key_file: Some(key) }
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(&self.folder)
            .output()
            .expect("openssl runs");
        assert!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
    }
}
