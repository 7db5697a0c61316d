//! Calls the operator's API of a running server.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::Value;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

use crate::server::token;

/// An order is answered when its document is signed.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Where a server on the same machine listens.
const HERE: &str = "http://127.0.0.1:8080";

/// Which server, and with which right.
#[derive(Args, Clone, Debug)]
pub struct ServerArgs {
    /// The server's address; else LINESIDE_OTA_SERVER, else http://127.0.0.1:8080
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// The file with the operator's token; else LINESIDE_OTA_TOKEN_FILE
    #[arg(long, value_name = "FILE")]
    pub operator_token_file: Option<PathBuf>,
    /// The authority that signed the server's certificate, in PEM, for https; else LINESIDE_OTA_CA
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

fn or_environment(given: Option<&PathBuf>, variable: &str) -> Option<PathBuf> {
    given.cloned().or_else(|| std::env::var_os(variable).map(PathBuf::from))
}

/// The API.
#[derive(Debug)]
pub struct Client {
    agent: ureq::Agent,
    base: String,
    token: String,
}

impl ServerArgs {
    /// The API that the arguments name.
    ///
    /// # Errors
    /// The token or the authority cannot be read.
    pub fn client(&self) -> anyhow::Result<Client> {
        let file = or_environment(self.operator_token_file.as_ref(), "LINESIDE_OTA_TOKEN_FILE")
            .context("name the file with the operator's token: --operator-token-file")?;
        let token = token::read(&file)?;
        let server = self.server.clone().or_else(|| std::env::var("LINESIDE_OTA_SERVER").ok());
        let base = server.as_deref().unwrap_or(HERE).trim_end_matches('/').to_owned();
        let mut config =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIMEOUT));
        match or_environment(self.ca.as_ref(), "LINESIDE_OTA_CA") {
            Some(path) => config = config.tls_config(trusting(&path)?),
            None if base.starts_with("https:") => {
                bail!("--ca: name the authority's PEM file for an https server")
            }
            None => {}
        }
        Ok(Client { agent: config.build().into(), base, token })
    }
}

fn trusting(path: &Path) -> anyhow::Result<TlsConfig> {
    let pem = std::fs::read(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    let certs: Vec<Certificate<'static>> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(cert)) => Some(cert),
            _ => None,
        })
        .collect();
    if certs.is_empty() {
        bail!("{}: holds no certificate; --ca takes a PEM file", path.display());
    }
    Ok(TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(&certs))
        .build())
}

impl Client {
    /// `GET`.
    ///
    /// # Errors
    /// The server is away, or refused with its reason.
    pub fn get(&self, path: &str) -> anyhow::Result<Value> {
        let request = self.agent.get(format!("{}{path}", self.base)).header("authorization", self.bearer());
        self.read(request.call())
    }

    /// `POST`.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.agent.post(format!("{}{path}", self.base)).header("authorization", self.bearer());
        self.read(request.send(body.to_string()))
    }

    /// `DELETE`.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn delete(&self, path: &str) -> anyhow::Result<Value> {
        let request =
            self.agent.delete(format!("{}{path}", self.base)).header("authorization", self.bearer());
        self.read(request.call())
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    fn read(&self, answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> anyhow::Result<Value> {
        let mut answer =
            answer.with_context(|| format!("{}: no answer; is the server running?", self.base))?;
        let status = answer.status();
        // Large enough for the devices of a large site.
        let text = answer.body_mut().with_config().limit(256 << 20).read_to_string()?;
        let value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(value);
        }
        let why = value["message"].as_str().unwrap_or("without a reason; is this an OTA server?");
        bail!("{}: {status}: {why}", self.base)
    }
}
